"""`python -m colorizer sketch IN OUT`: line art from drawings, scans, paintings and photographs."""

import argparse
import sys
from pathlib import Path

from colorizer.errors import UserError
from colorizer.lineart import MODES, has_lines, prepare_sketch, read_line_art


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="IN", type=Path, help="a picture, or a folder of pictures")
    parser.add_argument("target", metavar="OUT", type=Path, help="the PNG file to write, or a folder")
    parser.add_argument(
        "--mode",
        choices=MODES,
        default="auto",
        help="as-is: a drawing on light paper; invert: on a dark ground; extract: a painting or photo (%(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the sketches. A folder's bad files are listed and skipped, and make the exit status 1."""
    if not args.source.is_dir():
        target = args.target / f"{args.source.stem}.png" if args.target.is_dir() else args.target
        _convert(args.source, target, args.mode)
        return 0
    sources = sorted(path for path in args.source.iterdir() if path.is_file() and not path.name.startswith("."))
    if not sources:
        raise UserError(f"There are no files in {args.source}; give a folder of pictures.")
    if args.target.exists() and not args.target.is_dir():
        raise UserError(f"{args.target} is a file; give a folder to write to.")
    args.target.mkdir(parents=True, exist_ok=True)
    refused = 0
    stems = [path.stem for path in sources]
    for source in sources:
        name = source.stem if stems.count(source.stem) == 1 else source.name  # a.png and a.jpg must not collide
        try:
            _convert(source, args.target / f"{name}.png", args.mode)
        except UserError as error:
            print(f"skipped {source.name}: {error}", file=sys.stderr)
            refused += 1
    print(f"{len(sources) - refused} of {len(sources)} sketches written to {args.target}")
    return 1 if refused else 0


def _convert(source: Path, target: Path, mode: str) -> None:
    if target.suffix.lower() != ".png":
        raise UserError(f"{target} does not end in .png; sketches are written as PNG.")
    if target.exists() and target.samefile(source):
        raise UserError(f"{target} would be overwritten; choose another place to write to.")
    sketch = prepare_sketch(read_line_art(source), mode)
    if not has_lines(sketch):
        raise UserError("No lines were found in the picture; try another --mode.")
    try:
        sketch.save(target)
    except OSError as error:
        raise UserError(f"{target} cannot be written ({error.strerror}); check the folder.") from error
