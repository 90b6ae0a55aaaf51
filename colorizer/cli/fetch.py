"""`python -m colorizer fetch v1`: download the published weights."""

import argparse
from pathlib import Path

from huggingface_hub import HfApi

from colorizer.download import REPOSITORY, fetch_v1
from colorizer.published import PREDICTION_TYPES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("release", choices=["v1"], help="v1 is the release of the paper, the only one that loads")
    parser.add_argument("--repo", default=REPOSITORY, help="repository on the Hugging Face hub (default: %(default)s)")
    parser.add_argument("--revision", help="branch, tag or commit of the repository")
    parser.add_argument("--file", help="file in the repository, when it has several of this release")
    parser.add_argument("--out", type=Path, default=Path("checkpoints"), help="folder (default: %(default)s)")
    parser.add_argument(
        "--prediction-type",
        choices=PREDICTION_TYPES,
        help="what the weights predict, noted next to the file; without it, v_prediction is taken when it is loaded",
    )


def run(args: argparse.Namespace) -> int:
    path = fetch_v1(HfApi(), args.out, args.repo, args.revision, args.file, args.prediction_type)
    print(f"saved {path}")
    return 0
