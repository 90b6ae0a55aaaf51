"""`evaluate-edits`: whether edits by words change what they name, and nothing else."""

import argparse
import sys
from pathlib import Path

from PIL import Image

from colorizer.cli.options import (
    add_generation_arguments,
    add_model_arguments,
    generation_settings,
    load_colorizer,
)
from colorizer.cli.outputs import save_picture
from colorizer.cli.reports import check_counts, check_writable, estimate_text, table_text, write_report
from colorizer.evaluation.edit_benchmark import MEASURES, EditEvaluation, default_scales, evaluate_edits
from colorizer.evaluation.edits import EditItem, find_edits
from colorizer.evaluation.grid import Grid
from colorizer.lineart import MODES as SKETCH_MODES
from colorizer.manipulation.pwv import MODES
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--edits", type=Path, required=True, help="folder as `make-edits` writes it")
    parser.add_argument("--out", type=Path, required=True, metavar="REPORT.json", help="report to write")
    parser.add_argument(
        "--grid", type=Path, metavar="OUT.png", help="picture: sketch | reference | unedited | edited | edited truth"
    )
    parser.add_argument("--grid-rows", type=int, default=40, help="edits in it, at most (%(default)s)")
    parser.add_argument("--limit", type=int, help="only the first so many edits")
    parser.add_argument("--scale", type=float, help="target scale of success and leakage (the model's own, else 8)")
    parser.add_argument(
        "--scales", type=float, nargs="+", help="increasing target scales of monotonicity (four up to --scale)"
    )
    parser.add_argument("--enhance", action="store_true", help="stronger edits, equations 7 and 12")
    parser.add_argument("--no-anchor", action="store_true", help="leave out the anchor texts")
    parser.add_argument("--thresholds", type=float, nargs=4, metavar="TS", help="ts0 to ts3 (those of the paper)")
    parser.add_argument(
        "--mode", choices=MODES, default="paper", help="how weights follow from relevance (%(default)s)"
    )
    add_generation_arguments(parser)
    parser.add_argument("--batch", type=int, default=15, help="pictures at once (%(default)s)")
    parser.add_argument(
        "--sketch-mode", choices=SKETCH_MODES, default="auto", help="preparation of sketches (%(default)s)"
    )
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Write the report and the grid, print the table. Bad items are listed and skipped."""
    given = generation_settings(args)
    GenerationSettings(**given)  # what is wrong with them need not wait for the model
    check_counts(args, "batch", "limit", "grid_rows")
    check_writable(args.out, args.grid)
    find_edits(args.edits)  # found out before the model is loaded
    colorizer = load_colorizer(args)
    settings = GenerationSettings.of_model(colorizer.config.slider_ranges, **given)
    scale, scales = _scales(args, colorizer)
    changes = {"enhance": args.enhance, "mode": args.mode}
    if args.no_anchor:
        changes["anchor"] = None
    if args.thresholds:
        changes["thresholds"] = tuple(args.thresholds)
    evaluation = EditEvaluation(settings, scale, scales, changes, args.batch, args.limit, args.sketch_mode)
    grid = Grid(args.grid_rows if args.grid else 0)
    report = evaluate_edits(colorizer, args.edits, evaluation, lambda *row: _add_row(grid, *row))
    write_report(report, args.out)
    if args.grid:
        save_picture(grid.picture(), args.grid)
    for item in report["skipped"]:
        print(f"skipped {item['name']}: {item['reason']}", file=sys.stderr)
    print(_table(report))
    return 0


def _scales(args: argparse.Namespace, colorizer: Colorizer) -> tuple[float, tuple[float, ...]]:
    """The model's own where the command line is silent; other scales end where --scale is, and the other way round."""
    scale, scales = default_scales(colorizer.config)
    if args.scales:
        return args.scales[-1] if args.scale is None else args.scale, tuple(args.scales)
    if args.scale is not None:
        return args.scale, tuple(args.scale * s / scale for s in scales)
    return scale, scales


def _add_row(grid: Grid, item: EditItem, before, after) -> None:
    grid.add_row(item.triple.sketch, item.triple.reference, before, after, Image.fromarray(item.edited))


def _table(report: dict) -> str:
    rows = [["", *(name.replace("_", " ") for name in MEASURES)]]
    subjects = {**report["attributes"], "all": report["all"]}
    rows += [[name, *(estimate_text(means[measure]) for measure in MEASURES)] for name, means in subjects.items()]
    skipped = f", {len(report['skipped'])} skipped" if report["skipped"] else ""
    return f"{report['count']} edits{skipped}; mean and 95 % interval\n{table_text(rows)}"
