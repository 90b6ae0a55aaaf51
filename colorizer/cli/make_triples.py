"""`make-triples`: the benchmark's standard set, drawn from held-out characters and clip art."""

import argparse
import dataclasses
from pathlib import Path

from colorizer.cli.reports import check_new_folder
from colorizer.data.characters import COLOUR_GROUPS
from colorizer.data.clipart import DEFAULT_FOLDER
from colorizer.data.library import DEFAULT_SIZE, build_library
from colorizer.data.unseen_styles import UNSEEN_GROUPS
from colorizer.errors import UserError
from colorizer.evaluation.make_triples import STANDARD, TripleSet, make_triples, only_styles

CHARACTERS = 400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="folder to make, with sketch/, reference/, truth/ and figure/")
    parser.add_argument("--count", type=int, default=TripleSet.count, help="triples (%(default)s)")
    parser.add_argument(
        "--split",
        choices=("held-out", "train", "unseen"),
        help="drawings that training never sees, those it sees, or styles that it never sees (held-out, or that of "
        "--style)",
    )
    parser.add_argument("--size", type=int, default=STANDARD.size, help="side in pixels (%(default)s)")
    parser.add_argument("--seed", type=int, default=TripleSet.seed, help="(%(default)s)")
    parser.add_argument(
        "--reference",
        choices=("cross", "self"),
        default=STANDARD.reference,
        help="another drawing in the same palette, or the truth itself (%(default)s)",
    )
    parser.add_argument("--clean", type=float, default=STANDARD.clean, help="share of exact sketches (%(default)s)")
    parser.add_argument("--shaded", type=float, default=STANDARD.shaded, help="share with shadows (%(default)s)")
    parser.add_argument("--plain", type=float, default=STANDARD.plain, help="share laid out as drawn (%(default)s)")
    parser.add_argument("--clipart", type=float, default=STANDARD.clipart, help="share of clip art (%(default)s)")
    parser.add_argument(
        "--bordered",
        type=float,
        default=STANDARD.bordered,
        help="share with a line wherever two colours meet; the others have the lines of their drawing alone, which may "
        "leave out an iris or a pattern (%(default)s)",
    )
    parser.add_argument(
        "--style",
        choices=[*COLOUR_GROUPS, *UNSEEN_GROUPS],
        action="append",
        help="only characters of this style; repeatable (all of the split)",
    )
    parser.add_argument("--characters", type=int, default=CHARACTERS, help="characters to choose from (%(default)s)")
    parser.add_argument("--clipart-folder", type=Path, default=DEFAULT_FOLDER, help="SVG files (%(default)s)")
    parser.add_argument("--cache", type=Path, help="folder to keep the rendered library in, or to take it from")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw the library (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Write the set; say what is in it."""
    options, split = _options(args), _split(args)
    check_new_folder(args.folder)
    if split == "unseen":
        options = dataclasses.replace(options, clipart=0.0)
    elif args.clipart and not args.clipart_folder.is_dir():
        print(f"{args.clipart_folder} does not exist: characters only")
    size = max(DEFAULT_SIZE, round(args.size * DEFAULT_SIZE / 256))
    folder = args.clipart_folder if options.clipart else None
    library = build_library(args.characters, split, size, 0, folder, args.cache, args.workers)
    if args.style:
        library = only_styles(library, args.style)
    about = {"split": split, "characters": args.characters, "styles": args.style, "drawings": len(library)}
    manifest = make_triples(args.folder, library, TripleSet(args.count, args.seed, options), about)
    styles = ", ".join(f"{count} {style}" for style, count in sorted(manifest["styles"].items()))
    print(f"{args.count} triples in {args.folder}: {styles}")
    return 0


def _split(args: argparse.Namespace) -> str:
    """The split asked for, or the one that the styles belong to."""
    unseen = {style in UNSEEN_GROUPS for style in args.style or ()}
    split = args.split or ("unseen" if unseen == {True} else "held-out")
    if unseen - {split == "unseen"}:
        raise UserError(f"{', '.join(UNSEEN_GROUPS)} make the split unseen and no other; give the other styles alone.")
    return split


def _options(args: argparse.Namespace):
    shares = {name: getattr(args, name) for name in ("clean", "shaded", "plain", "clipart", "bordered")}
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise UserError(f"--{name} is {value:g}; it must be a share from 0 to 1.")
    for name, low, high in (("count", 1, 100_000), ("size", 64, 2048), ("seed", 0, 2**32 - 1), ("workers", 1, 256)):
        if not low <= getattr(args, name) <= high:
            raise UserError(f"--{name} is {getattr(args, name)}; it must be from {low} to {high}.")
    if args.characters < 1:
        raise UserError("--characters must be 1 or more.")
    return dataclasses.replace(STANDARD, size=args.size, reference=args.reference, **shares)
