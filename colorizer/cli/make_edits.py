"""`make-edits`: the set for `evaluate-edits`, drawn from held-out characters."""

import argparse
from pathlib import Path

from colorizer.cli.make_triples import CHARACTERS
from colorizer.cli.reports import check_new_folder
from colorizer.data.library import DEFAULT_SIZE, build_library
from colorizer.errors import UserError
from colorizer.evaluation.make_edits import EditSet, make_edits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, help="folder to make, with sketch/, reference/, truth/, edited/, mask/ and edits.json"
    )
    parser.add_argument("--count", type=int, default=EditSet.count, help="edits (%(default)s)")
    parser.add_argument(
        "--split",
        choices=("held-out", "train"),
        default="held-out",
        help="drawings that training never sees, or those it sees (%(default)s)",
    )
    parser.add_argument("--size", type=int, default=EditSet.size, help="side in pixels, 256 or more (%(default)s)")
    parser.add_argument("--seed", type=int, default=EditSet.seed, help="(%(default)s)")
    parser.add_argument(
        "--same",
        type=float,
        default=EditSet.same,
        help="share whose reference is the drawing of the sketch itself, not another one (%(default)s)",
    )
    parser.add_argument("--characters", type=int, default=CHARACTERS, help="characters to choose from (%(default)s)")
    parser.add_argument("--cache", type=Path, help="folder to keep the rendered library in, or to take it from")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw the library (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Write the set; say where it is."""
    limits = {"count": (1, 100_000), "size": (256, 2048), "seed": (0, 2**32 - 1), "workers": (1, 256)}
    for name, (low, high) in {**limits, "same": (0, 1), "characters": (1, 1_000_000)}.items():
        if not low <= getattr(args, name) <= high:
            raise UserError(f"--{name} is {getattr(args, name):g}; it must be from {low} to {high}.")
    check_new_folder(args.folder)
    size = round(args.size * DEFAULT_SIZE / 256)
    library = build_library(args.characters, args.split, size, 0, None, args.cache, args.workers)
    about = {"split": args.split, "characters": args.characters, "drawings": len(library)}
    make_edits(args.folder, library, EditSet(args.count, args.seed, args.size, args.same), about)
    print(f"{args.count} edits in {args.folder}")
    return 0
