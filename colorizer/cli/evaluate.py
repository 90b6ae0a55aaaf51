"""`evaluate`: how near a model comes to the truth on a folder of triples, next to two baselines."""

import argparse
import sys
from pathlib import Path

from colorizer.cli.options import (
    add_generation_arguments,
    add_model_arguments,
    add_similarity_arguments,
    generation_settings,
    load_colorizer,
    similarity_settings,
)
from colorizer.cli.outputs import save_picture
from colorizer.cli.reports import check_counts, check_writable, estimate_text, table_text, write_report
from colorizer.errors import UserError
from colorizer.evaluation.benchmark import BASELINES, MEASURES, Evaluation, evaluate
from colorizer.evaluation.grid import Grid
from colorizer.lineart import MODES
from colorizer.settings import GenerationSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--triples", type=Path, required=True, help="folder with sketch/, reference/ and truth/")
    parser.add_argument("--out", type=Path, required=True, metavar="REPORT.json", help="report to write")
    parser.add_argument("--grid", type=Path, metavar="OUT.png", help="picture: sketch | reference | result | truth")
    parser.add_argument("--grid-rows", type=int, default=40, help="triples in it, at most (%(default)s)")
    parser.add_argument("--limit", type=int, help="only the first so many triples")
    add_generation_arguments(parser)
    add_similarity_arguments(parser)
    parser.add_argument("--batch", type=int, default=Evaluation.batch, help="pictures at once (%(default)s)")
    parser.add_argument("--sketch-mode", choices=MODES, default="auto", help="preparation of sketches (%(default)s)")
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Write the report and the grid, print the table. Bad pictures are listed and skipped."""
    given = generation_settings(args) | similarity_settings(args)
    GenerationSettings(**given)  # what is wrong with them need not wait for the model
    check_counts(args, "batch", "limit", "grid_rows")
    check_writable(args.out, args.grid)
    if not args.triples.is_dir():
        raise UserError(f"There is no folder {args.triples}.")
    colorizer = load_colorizer(args)
    settings = GenerationSettings.of_model(colorizer.config.slider_ranges, **given)
    grid = Grid(args.grid_rows if args.grid else 0)
    report = evaluate(colorizer, args.triples, Evaluation(settings, args.batch, args.limit, args.sketch_mode), grid.add)
    write_report(report, args.out)
    if args.grid:
        save_picture(grid.picture(), args.grid)
    for item in report["skipped"]:
        print(f"skipped {item['name']}: {item['reason']}", file=sys.stderr)
    print(_table(report))
    return 0


def _table(report: dict) -> str:
    subjects = ("result", *BASELINES)
    rows = [["", *(name.replace("_", " ") for name in subjects)]]
    rows += [[name, *(estimate_text(report[subject][name]) for subject in subjects)] for name in MEASURES]
    rows += [["seconds a picture", estimate_text(report["seconds_a_picture"])]]
    skipped = f", {len(report['skipped'])} skipped" if report["skipped"] else ""
    return f"{report['count']} triples{skipped}; mean and 95 % interval\n{table_text(rows)}"
