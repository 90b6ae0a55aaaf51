"""`heatmap`: which regions of a reference a text will reach, as a picture and as the band of every token."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from colorizer.cli.inputs import naming
from colorizer.cli.options import DEFAULT_CHECKPOINT
from colorizer.cli.outputs import plan_outputs, save_picture
from colorizer.errors import UserError
from colorizer.images import read_picture
from colorizer.manipulation import DEFAULT_THRESHOLDS
from colorizer.manipulation.pwv import MODES
from colorizer.pipeline import Colorizer
from colorizer.region_report import RegionReport, check_region_request, report_regions


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--reference", type=Path, required=True, help="the reference picture")
    parser.add_argument("--control", required=True, help='the text that names a region, such as "the hair"')
    parser.add_argument("--out", type=Path, required=True, help="the picture to write (PNG)")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--thresholds",
        type=float,
        nargs=4,
        default=DEFAULT_THRESHOLDS,
        metavar=("TS0", "TS1", "TS2", "TS3"),
        help="increasing, between 0 and 1 (default: %(default)s)",
    )
    choice.add_argument("--auto", action="store_true", help="propose the thresholds from the relevance itself")
    parser.add_argument("--mode", choices=MODES, default=MODES[0], help="of the weights (default: %(default)s)")
    parser.add_argument("--opacity", type=float, default=0.6, help="of the bands, 0 to 1 (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print relevance and band of every token as JSON")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, help="model (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ... (default: %(default)s)")


def run(args: Namespace) -> int:
    """Write the stratified heatmap with its legend; print the band of every token."""
    edit = check_region_request(args.control, args.thresholds, args.opacity, args.mode)
    if args.reference.is_dir():
        raise UserError(f"A heatmap is made of one reference and {args.reference} is a folder; give a picture.")
    ((_, out),) = plan_outputs(args.reference, args.out)
    with naming(args.reference):
        picture = read_picture(args.reference)
    report = report_regions(Colorizer.load(args.checkpoint, device=args.device), picture, edit, args.opacity, args.auto)
    save_picture(report.picture, out)
    print(json.dumps(report.to_dict()) if args.json else _as_text(report))
    return 0


def _as_text(report: RegionReport) -> str:
    lines = [" ".join(map(str, row)) for row in report.bands.tolist()]
    lines += [f"{i} {row.band.name:12} m {row.interval}  {row.share:6.1%}" for i, row in enumerate(report.rows)]
    return "\n".join([*lines, *(f"note: {note}" for note in report.notes)])
