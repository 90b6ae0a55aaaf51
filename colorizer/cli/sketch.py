"""`python -m colorizer sketch IN OUT`: line art from drawings, scans, paintings and photographs."""

import argparse
import sys
from pathlib import Path

from colorizer.cli.outputs import plan_outputs
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
    pairs = plan_outputs(args.source, args.target)
    if not args.source.is_dir():
        _convert(*pairs[0], args.mode)
        return 0
    refused = 0
    for source, target in pairs:
        try:
            _convert(source, target, args.mode)
        except UserError as error:
            print(f"skipped {source.name}: {error}", file=sys.stderr)
            refused += 1
    print(f"{len(pairs) - refused} of {len(pairs)} sketches written to {args.target}")
    return 1 if refused else 0


def _convert(source: Path, target: Path, mode: str) -> None:
    sketch = prepare_sketch(read_line_art(source), mode)
    if not has_lines(sketch):
        raise UserError("No lines were found in the picture; try another --mode.")
    try:
        sketch.save(target)
    except OSError as error:
        raise UserError(f"{target} cannot be written ({error.strerror}); check the folder.") from error
