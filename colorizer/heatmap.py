"""Which regions an edit will reach, for the eye: the stratified heatmap, its legend and the histogram of relevance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFont
from torch import Tensor

from colorizer.manipulation import band_of, omega

SMALLEST_SIDE = 384  # pixels: smaller references are enlarged, or the legend would not fit below them
LEGEND_ROW = 22  # pixels
HISTOGRAM_BINS = 40
CURVE_POINTS = 401


@dataclass(frozen=True)
class Band:
    """One interval of relevance: its name, its colour, and what an edit does there."""

    name: str
    colour: str
    meaning: str


# Okabe and Ito's colours, told apart with any colour vision: warm where an edit changes, cool where it keeps.
BANDS = (
    Band("Change", "#D55E00", "changed at full strength"),
    Band("Soft change", "#E69F00", "changed, less and less"),
    Band("Border", "#F0E442", "between the two"),
    Band("Soft keep", "#56B4E9", "kept, more and more"),
    Band("Keep", "#0072B2", "kept"),
)


@dataclass(frozen=True)
class LegendRow:
    """A band with its interval of m, such as "0.50 - 0.55", and its share of the tokens in [0, 1]."""

    band: Band
    interval: str
    share: float


def band_grid(m: Tensor, thresholds: Sequence[float]) -> NDArray[np.int64]:
    """The band of every token as the tokens lie on the reference.

    m: (n,) for a square grid, low is related. Returns (side, side), 0 to 4.
    """
    side = round(len(m) ** 0.5)
    return band_of(m, tuple(thresholds)).reshape(side, side).cpu().numpy()


def legend(bands: NDArray[np.integer], thresholds: Sequence[float]) -> list[LegendRow]:
    """One row a band, in order. bands: any shape, 0 to 4."""
    shares = np.bincount(np.ravel(bands), minlength=len(BANDS)) / np.size(bands)
    edges = (0.0, *thresholds, 1.0)
    intervals = [f"{low:.2f} - {high:.2f}" for low, high in zip(edges, edges[1:], strict=False)]
    return [LegendRow(*row) for row in zip(BANDS, intervals, shares.tolist(), strict=True)]


def stratified_heatmap(reference: Image.Image, bands: NDArray[np.integer], opacity: float = 0.6) -> Image.Image:
    """The five bands over the reference, each token one cell.

    reference: any size; the encoder sees it squeezed into a square, so the square grid is stretched over all of it.
    bands: (rows, columns), 0 to 4. opacity: 0 the reference alone, 1 the bands alone; in between the reference also
    fades to grey, or its colours would mix with the bands'. Returns mode "RGB", enlarged to SMALLEST_SIDE where the
    reference is smaller.
    """
    scale = max(1, SMALLEST_SIDE / min(reference.size))
    size = (round(reference.width * scale), round(reference.height * scale))
    palette = np.array([_rgb(band.colour) for band in BANDS], dtype=np.uint8)
    cells = Image.fromarray(palette[bands]).resize(size, Image.Resampling.NEAREST)
    below = reference.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return Image.blend(ImageEnhance.Color(below).enhance(1 - opacity), cells, opacity)


def with_legend(heatmap: Image.Image, rows: Sequence[LegendRow]) -> Image.Image:
    """The heatmap with the legend below it: colour, name, interval of m, share. Mode "RGB"."""
    picture = Image.new("RGB", (heatmap.width, heatmap.height + LEGEND_ROW * len(rows) + 8), "white")
    picture.paste(heatmap)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=14)
    for i, row in enumerate(rows):
        y = heatmap.height + 4 + LEGEND_ROW * i
        draw.rectangle((8, y + 3, 28, y + LEGEND_ROW - 3), fill=row.band.colour, outline="black")
        for x, anchor, text in (
            (38, "lm", row.band.name),
            (150, "lm", f"m {row.interval}"),
            (330, "rm", f"{row.share:.1%}"),
        ):
            draw.text((x, y + LEGEND_ROW / 2), text, fill="black", font=font, anchor=anchor)
    return picture


def relevance_histogram(
    m: Tensor, thresholds: Sequence[float], r: float = 2.0, d: float = 1.0, mode: str = "paper"
) -> Figure:
    """How many tokens have which relevance, ts0 to ts3 as lines, and the weight omega(m) of equation (10) over it.

    m: (n,) in [0, 1], low is related. r, d: strength ratio and d of equation (11); with d = 1 omega is in units of d.
    mode: see `omega`.
    The figure belongs to the caller; pyplot knows nothing of it.
    """
    figure = Figure(figsize=(5.5, 3.0), layout="constrained")
    tokens = figure.subplots()
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    counts, _ = np.histogram(m.cpu().numpy(), bins=edges)
    centres = torch.from_numpy((edges[:-1] + edges[1:]) / 2)
    colours = [BANDS[band].colour for band in band_of(centres, tuple(thresholds)).tolist()]
    tokens.bar(
        edges[:-1], counts, width=1 / HISTOGRAM_BINS, align="edge", color=colours, edgecolor="white", linewidth=0.5
    )
    for i, threshold in enumerate(thresholds):
        tokens.axvline(threshold, color="black", linestyle="--", linewidth=1)
        # close thresholds would print their names on each other: every other one sits higher
        tokens.annotate(f"ts{i}", (threshold, 1.02 + 0.08 * (i % 2)), xycoords=("data", "axes fraction"), ha="center")
    tokens.set(xlim=(0, 1), xlabel="relevance m (0 is related to the text)", ylabel="tokens")

    weights = tokens.twinx()
    curve = torch.linspace(0, 1, CURVE_POINTS)
    weight = omega(curve[None], torch.tensor([d]), tuple(thresholds), r, mode)[0]
    weights.plot(curve, weight, color="black", label="weight ω")
    weights.axhline(0, color="grey", linewidth=0.5)
    weights.set_ylabel("weight ω" if d != 1 else "weight ω / d")
    return figure


def _rgb(colour: str) -> tuple[int, int, int]:
    return tuple(bytes.fromhex(colour[1:]))
