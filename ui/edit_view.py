"""What the edit panel draws: the regions over the reference, the histogram, the rows of the list."""

import base64
import io
import re
from collections.abc import Sequence
from html import escape

from matplotlib.figure import Figure
from PIL import Image

from colorizer.heatmap import BANDS, band_grid, legend, relevance_histogram
from colorizer.manipulation import Edit
from colorizer.manipulation.preview import Reach
from ui.edit_form import Painted
from ui.texts import text
from ui.texts.messages import in_visitors_language

PICTURE_SIDE = 512  # pixels, the longer side of the reference under the regions
HISTOGRAM_INCHES = (4.6, 2.9)


def picture_address(picture: Image.Image) -> str:
    """A small copy of the picture as a data: address."""
    small = picture.convert("RGB")
    small.thumbnail((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def canvas(picture: str | None, painted: Painted, message: str, grid: int) -> dict:
    """The canvas without regions. grid: rows, and columns, of tokens, so that regions can be painted all the same."""
    return {
        "bands": None,
        "legend": [],
        "side": grid,
        "picture": picture,
        "painted": painted.cells,
        "only": painted.only,
        "stroke": painted.stroke,
        "message": in_visitors_language(message),
    }


def canvas_with(reach: Reach, edit: Edit, picture: str, painted: Painted) -> dict:
    """The canvas with the band, relevance and weight of every token, row by row."""
    bands = band_grid(reach.m, edit.thresholds)
    rows = legend(bands, edit.thresholds)
    if edit.is_everywhere:
        message = text("regions_everything")
    else:
        message = "" if reach.defined else text("regions_undefined", control=edit.control)
    return {
        **canvas(picture, painted, message, reach.side),
        "m": [round(value, 3) for value in reach.m.tolist()],
        "bands": bands.ravel().tolist(),
        "weights": [round(value, 2) for value in reach.weight.tolist()],
        "names": [text(f"band_{i}") for i in range(len(BANDS))],
        "colours": [band.colour for band in BANDS],
        "everything": edit.is_everywhere,
        "unit": "" if reach.d is not None else "d",
        "legend": [
            {
                "name": text(f"band_{i}"),
                "meaning": text(f"band_{i}_meaning"),
                "colour": row.band.colour,
                "interval": "" if edit.is_everywhere else row.interval,
                "share": row.share,
            }
            for i, row in enumerate(rows)
            if not edit.is_everywhere or i in (0, len(BANDS) - 1)
        ],
    }


def histogram(reach: Reach, edit: Edit) -> str:
    """The histogram of relevance with thresholds and weight as an inline SVG in the page's own colours."""
    d = 1.0 if reach.d is None else reach.d
    figure = relevance_histogram(reach.m, edit.thresholds, edit.strength_ratio, d, edit.mode)
    figure.set_size_inches(*HISTOGRAM_INCHES)
    return f'<div role="img" aria-label="{escape(text("histogram"))}">{_svg(figure)}</div>'


def field_note(error: str | None, notes: Sequence[str] = ()) -> str:
    """What stands under a field: what is wrong with it, else what is worth knowing."""
    if error:
        return f'<p class="field-error" role="alert">{escape(in_visitors_language(error))}</p>'
    return "".join(f'<p class="field-note" role="status">{escape(in_visitors_language(note))}</p>' for note in notes)


def list_rows(edits: Sequence[Edit], chosen: int | None) -> dict:
    """What the list shows of each edit."""
    return {"rows": [{**_row(edit), "chosen": index == chosen} for index, edit in enumerate(edits)]}


def _row(edit: Edit) -> dict:
    details = []
    if edit.anchor:
        details.append(text("row_anchor", anchor=edit.anchor))
    details.append(text("row_everything") if edit.is_everywhere else text("row_control", control=edit.control))
    details.append(text("row_scale", scale=f"{edit.target_scale:g}"))
    if edit.enhance:
        details.append(text("row_enhance"))
    if edit.mode != Edit.mode:
        details.append(text("row_focused"))
    if edit.region_mask is not None:
        details.append(text("row_painted"))
    return {"title": edit.target, "details": " · ".join(details), "enabled": edit.enabled}


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    # black would vanish in dark mode; the style and metadata elements would reach beyond this drawing
    svg = svg.replace("#000000", "currentColor").replace("<svg ", '<svg fill="currentColor" ', 1)
    svg = re.sub(r"<(metadata|style).*?</\1>", "", svg, flags=re.DOTALL)
    return re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", svg, count=1)
