"""`degree`: one edit at several target scales, same seed, side by side in one picture."""

import argparse
import sys

from tqdm import tqdm

from colorizer.cli import colorize
from colorizer.cli.inputs import naming
from colorizer.cli.options import load_colorizer
from colorizer.cli.outputs import plan_outputs, save_picture
from colorizer.errors import UserError
from colorizer.generation import Result
from colorizer.lineart import load_sketch
from colorizer.manipulation import Edit, degree_scales
from colorizer.manipulation.degree import FEWEST, MOST, degree_range, degree_settings, strip_picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    colorize.add_arguments(parser)
    parser.add_argument("--lowest", type=float, help="first target scale (half of the model's usual one)")
    parser.add_argument("--highest", type=float, help="last target scale (twice the model's usual one)")
    parser.add_argument("--count", type=int, default=5, help=f"pictures, {FEWEST} to {MOST} (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Write the strip of the last edit; the edits before it stay as they are."""
    given = None not in (args.lowest, args.highest)
    scales = degree_scales(args.lowest, args.highest, args.count) if given else None
    settings = colorize.read_settings(args)
    if not settings.edits:
        raise UserError("A degree strip needs an edit; give --edit or --edits. The last one is varied.")
    if args.sketch.is_dir():
        raise UserError(f"A degree strip is made from one sketch and {args.sketch} is a folder; give a picture.")
    if not args.reference:
        raise UserError("Edits change a reference and there is none; give --reference.")
    ((_, out),) = plan_outputs(args.sketch, args.out, *args.reference)
    with naming(args.sketch):
        sketch = load_sketch(args.sketch, args.sketch_mode)
    pictures = colorize.read_references(args)
    colorizer = load_colorizer(args)
    settings = colorize.read_settings(args, colorizer.config.slider_ranges)
    if scales is None:
        usual = degree_range(colorizer.config.slider_ranges.get("target_scale", (0, 0, Edit.target_scale))[2])
        low, high = (usual[i] if value is None else value for i, value in enumerate((args.lowest, args.highest)))
        scales = degree_scales(low, high, args.count)
    references = [colorizer.encode_reference(picture) for picture in pictures]
    encoded = colorizer.encode_sketch(sketch, settings.size, settings.sharp), references

    pictures = []
    with tqdm(total=settings.steps * len(scales), unit="step") as progress:
        for step in degree_settings(settings, len(settings.edits) - 1, scales):
            for event in colorizer.generate(*encoded, step, previews=False):
                if isinstance(event, Result):
                    pictures += event.images
                    notes = event.notes
                else:
                    progress.total = event.steps * len(scales)
                    progress.update()
    save_picture(strip_picture(pictures, scales, settings.edits[-1].target), out)
    for note in notes:
        print(note, file=sys.stderr)
    return 0
