"""`heatmap`: which regions of a reference a text will reach, as a picture and as the band of every token."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.cli.colorize import DEFAULT_CHECKPOINT
from colorizer.errors import UserError
from colorizer.heatmap import LegendRow, band_grid, legend, stratified_heatmap, with_legend
from colorizer.images import read_picture
from colorizer.manipulation import DEFAULT_THRESHOLDS, EVERYTHING, Edit, auto_thresholds, relevance
from colorizer.manipulation.texts import text_notes
from colorizer.pipeline import Colorizer


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
    parser.add_argument("--opacity", type=float, default=0.6, help="of the bands, 0 to 1 (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print relevance and band of every token as JSON")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, help="model (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ... (default: %(default)s)")


def run(args: Namespace) -> int:
    """Write the stratified heatmap with its legend; print the band of every token."""
    if not 0 <= args.opacity <= 1:
        raise UserError(f"The opacity is {args.opacity:g}; it must be a number from 0 to 1.")
    # an edit has the same rules for its control text and thresholds
    edit = Edit(target=args.control, control=args.control, thresholds=tuple(args.thresholds))
    if edit.is_everywhere:
        raise UserError(f"{EVERYTHING!r} means all tokens; give a text that names a region.")
    picture = read_picture(args.reference)
    colorizer = Colorizer.load(args.checkpoint, device=args.device)
    if colorizer.config.kind == "cls":
        raise UserError("This model edits the whole picture and has no regions; use an attention model for a heatmap.")

    tokens = colorizer.encode_reference(picture).tokens
    found = relevance(tokens[:, 1:], colorizer.encode_text([edit.control])[0], colorizer.config.relevance_polarity)
    if not found.defined.all():
        raise UserError(f'The text "{edit.control}" does not tell regions of this picture apart; try another.')
    m = found.m[0].cpu()
    thresholds = auto_thresholds(m) if args.auto else edit.thresholds
    bands = band_grid(m, thresholds)
    rows = legend(bands, thresholds)
    _save(with_legend(stratified_heatmap(picture, bands, args.opacity), rows), args.out)

    notes = text_notes(edit.control, colorizer.model.clip.tokenizer, colorizer.config.known_words)
    if args.json:
        description = {
            "control": edit.control,
            "thresholds": thresholds,
            "relevance_polarity": colorizer.config.relevance_polarity,
            "bands": [{"name": row.band.name, "interval": row.interval, "share": row.share} for row in rows],
            "relevance": m.reshape(bands.shape).tolist(),
            "band": bands.tolist(),
            "notes": notes,
        }
        print(json.dumps(description))
    else:
        print(_as_text(bands, rows, notes))
    return 0


def _save(picture: Image.Image, path: Path) -> None:
    try:
        picture.save(path, format="PNG")
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}; give another --out.") from error


def _as_text(bands: NDArray[np.integer], rows: list[LegendRow], notes: list[str]) -> str:
    lines = [" ".join(map(str, row)) for row in bands.tolist()]
    lines += [f"{i} {row.band.name:12} m {row.interval}  {row.share:6.1%}" for i, row in enumerate(rows)]
    return "\n".join([*lines, *(f"note: {note}" for note in notes)])
