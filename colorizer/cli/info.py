"""`python -m colorizer info CHECKPOINT`: what a checkpoint is."""

import argparse
import json
from pathlib import Path

from colorizer.checkpoint import FORMAT, checkpoint_hash, load_checkpoint, read_metadata
from colorizer.config import to_dict
from colorizer.published import PREDICTION_TYPES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--prediction-type", choices=PREDICTION_TYPES, help="of published weights, which do not tell")


def run(args: argparse.Namespace) -> int:
    metadata = read_metadata(args.checkpoint)
    own = metadata.get("format") == FORMAT
    # The published file's CLIP may have to be downloaded, which is too much for a look at the file.
    model = load_checkpoint(args.checkpoint, args.prediction_type, with_clip=own)
    size = args.checkpoint.stat().st_size
    print(f"{args.checkpoint}  {size / 1e6:.1f} MB  sha256 {checkpoint_hash(args.checkpoint)}")
    for name, part in model.named_children():
        print(f"{name:16} {sum(parameter.numel() for parameter in part.parameters()) / 1e6:8.2f} million parameters")
    print(f"in force         {model.config.noise.prediction_type}")
    print(json.dumps(to_dict(model.config), indent=2, ensure_ascii=False))
    for key in sorted(metadata.keys() - {"config"}):
        print(f"{key}: {metadata[key]}")
    return 0
