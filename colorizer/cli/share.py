"""`python -m colorizer share CHECKPOINT --with OTHER --out SMALLER`: leave out the parts that OTHER has as well."""

import argparse
from pathlib import Path

from colorizer.checkpoint import checkpoint_hash, load_checkpoint
from colorizer.shared_parts import leave_out_shared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--with", dest="other", type=Path, required=True, help="the checkpoint that keeps the parts")
    parser.add_argument("--out", type=Path, required=True, help="file to write, in the folder of the other")


def run(args: argparse.Namespace) -> int:
    for path in (args.checkpoint, args.other):
        load_checkpoint(path)  # says what is wrong with it
    parts = leave_out_shared(args.checkpoint, args.other, checkpoint_hash(args.other), args.out)
    load_checkpoint(args.out)
    size = args.out.stat().st_size / 1e6
    print(f"{args.out}: {size:.1f} MB, {' and '.join(parts)} from {args.other.name}")
    return 0
