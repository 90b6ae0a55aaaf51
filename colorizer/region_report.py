"""What a text reaches in a reference: the heatmap with its legend, and the band of every token in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizer.errors import UserError
from colorizer.heatmap import LegendRow, band_grid, legend, stratified_heatmap, with_legend
from colorizer.manipulation import EVERYTHING, Edit, auto_thresholds
from colorizer.manipulation.relevance import text_relevance
from colorizer.pipeline import Colorizer


@dataclass(frozen=True)
class RegionReport:
    """picture: the heatmap with its legend, mode "RGB". bands, m: (rows, columns), the band 0 to 4 and the relevance in
    [0, 1] (0 is related) of every token as it lies on the reference. rows: the legend. notes: sentences for the user.
    """

    control: str
    thresholds: tuple[float, ...]
    polarity: str
    picture: Image.Image
    bands: NDArray[np.integer]
    m: NDArray[np.floating]
    rows: list[LegendRow]
    notes: list[str]

    def to_dict(self) -> dict:
        """All but the picture, as plain JSON values."""
        return {
            "control": self.control,
            "thresholds": list(self.thresholds),
            "relevance_polarity": self.polarity,
            "bands": [{"name": row.band.name, "interval": row.interval, "share": row.share} for row in self.rows],
            "relevance": self.m.tolist(),
            "band": self.bands.tolist(),
            "notes": self.notes,
        }


def check_region_request(control: str, thresholds: Sequence[float], opacity: float, mode: str = "paper") -> Edit:
    """The texts and numbers of a request as an edit, which has the same rules. UserError where it breaks them."""
    if not 0 <= opacity <= 1:
        raise UserError(f"The opacity is {opacity:g}; it must be a number from 0 to 1.")
    if isinstance(control, str) and not control.strip():
        raise UserError("The control text is empty; give a text that names a region.")
    edit = Edit(target=control, control=control, thresholds=tuple(thresholds), mode=mode)
    if edit.is_everywhere:
        raise UserError(f"{EVERYTHING!r} means all tokens; give a text that names a region.")
    return edit


def report_regions(
    colorizer: Colorizer, reference: Image.Image, edit: Edit, opacity: float = 0.6, auto: bool = False
) -> RegionReport:
    """The regions of a reference (mode "RGB") that the control text of `edit` reaches.

    auto: propose the thresholds from the relevance instead of taking the edit's. Raises UserError for a model without
    regions and for a text that does not tell regions apart.
    """
    if colorizer.config.kind == "cls":
        raise UserError("This model edits the whole picture and has no regions; use an attention model for a heatmap.")
    tokens = colorizer.encode_reference(reference).tokens
    polarity = colorizer.config.relevance_polarity
    found = text_relevance(tokens, edit.control, colorizer.encode_text, polarity, edit.mode, colorizer.config.parts)
    if not found.defined.all():
        raise UserError(f'The text "{edit.control}" does not tell regions of this picture apart; try another.')
    m = found.m[0].cpu()
    thresholds = auto_thresholds(m) if auto else edit.thresholds
    bands = band_grid(m, thresholds)
    rows = legend(bands, thresholds)
    return RegionReport(
        control=edit.control,
        thresholds=thresholds,
        polarity=polarity,
        picture=with_legend(stratified_heatmap(reference, bands, opacity), rows),
        bands=bands,
        m=m.reshape(bands.shape).numpy(),
        rows=rows,
        notes=colorizer.encoder.text_notes(edit.control, colorizer.config.known_words),
    )
