"""`python -m colorizer parity FOLDER`: compare with stored outputs of the published implementation."""

import argparse
from pathlib import Path

from colorizer.parity import TOLERANCE, run_parity


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="holds manifest.json and io.safetensors")


def run(args: argparse.Namespace) -> int:
    errors = run_parity(args.folder)
    # Written so that NaN fails.
    failed = [name for name, error in errors.items() if not error <= TOLERANCE]
    for name, error in errors.items():
        print(f"{name:32} {error:.2e} {'FAILED' if name in failed else 'ok'}")
    print(f"{len(errors) - len(failed)} of {len(errors)} outputs within a relative error of {TOLERANCE:g}")
    return 1 if failed else 0
