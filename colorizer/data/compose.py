"""From layers to pictures, in torch on any device: recolouring, layout, shading and exact line art.

All pictures are (B, 3, S, S) in [0, 1]; masks and lines (B, 1, S, S) in [0, 1], lines 1 where there is ink.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from colorizer.data.layers import NUM_SLOTS, SLOTS


@dataclass(frozen=True)
class Layout:
    """Where a drawing goes. theta: (B, 2, 3) for affine_grid; size: side of the result in pixels."""

    theta: Tensor
    size: int


@dataclass(frozen=True)
class Figure:
    """premultiplied: (B, 3, S, S) colours times coverage; alpha, lines: (B, 1, S, S)."""

    premultiplied: Tensor
    alpha: Tensor
    lines: Tensor

    def over(self, background: Tensor) -> Tensor:
        """The picture on a background (B, 3, 1, 1) or (B, 3, S, S)."""
        return self.premultiplied + (1 - self.alpha) * background


def random_layout(batch: int, size: int, generator: torch.Generator, plain: float = 0.35) -> Layout:
    """Zoom 0.95 to 1.6, shift, rotation to 12 degrees and mirroring; a share `plain` of the drawings stays as drawn."""

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(batch, generator=generator) * (high - low) + low

    moved = (uniform(0, 1) >= plain).float()
    zoom = 1 + moved * (uniform(0.95, 1.6) - 1)
    angle = moved * uniform(-0.21, 0.21)
    mirror = 1 - 2 * (moved * (uniform(0, 1) < 0.5))
    reach = 0.1 + 0.5 * (1 - 1 / zoom)
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    row_x = torch.stack([cos * mirror, -sin, moved * uniform(-1, 1) * reach], -1)
    row_y = torch.stack([sin * mirror, cos, moved * uniform(-1, 1) * reach], -1)
    return Layout(torch.stack([row_x, row_y], 1), size)


def place(maps: Tensor, layout: Layout, size: int | None = None) -> Tensor:
    """maps (B, C, S0, S0) laid out at `size` (default: the layout's), zero outside the drawing."""
    size = size or layout.size
    grid = F.affine_grid(layout.theta.to(maps), (len(maps), 1, size, size), align_corners=False)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def compose(coverage: Tensor, slots: Tensor, ink: Tensor, layout: Layout) -> Figure:
    """coverage (B, K + 1, S0, S0) uint8, slots (B, K, 3), ink (B, 3) -> the coloured figure in its layout.

    Exact: compositing is linear in the colours.
    """
    colours = torch.cat([slots, ink[:, None]], 1).to(coverage.device)
    maps = coverage.to(colours.dtype) / 255
    premultiplied = torch.einsum("bkhw,bkc->bchw", maps, colours)
    stacked = torch.cat([premultiplied, maps.sum(1, keepdim=True).clamp(max=1), maps[:, NUM_SLOTS:]], 1)
    placed = place(stacked, layout)
    return Figure(placed[:, :3], placed[:, 3:4], placed[:, 4:])


def with_borders(figure: Figure, ink: Tensor, chosen: Tensor) -> Figure:
    """The figures with a line of ink (B, 3) along every border of colours that has none; chosen: (B,) bool, which.

    Coloured drawings often leave out the outline of an iris, of lips, of a pattern; line art cannot, or nobody knows of
    them.
    """
    colours = torch.cat([figure.premultiplied, figure.alpha], 1)
    contrast = (F.max_pool2d(colours, 3, 1, 1) + F.max_pool2d(-colours, 3, 1, 1)).amax(1, keepdim=True)
    near_line = F.max_pool2d(figure.lines, 5, 1, 2)
    line = ((contrast - 0.05) * 5).clamp(0, 1) * (1 - near_line) * chosen.to(contrast).view(-1, 1, 1, 1)
    return Figure(
        figure.premultiplied * (1 - line) + line * ink.to(line)[:, :, None, None],
        torch.maximum(figure.alpha, line),
        torch.maximum(figure.lines, line),
    )


def eye_lines(coverage: Tensor, layout: Layout) -> Tensor:
    """(B, 1, S, S): where the eyes' colour goes, for sketches that draw the iris dark."""
    index = SLOTS.index("eyes")
    return place(coverage[:, index : index + 1].float() / 255, layout)


def part_masks(coverage: Tensor, layout: Layout, size: int) -> Tensor:
    """(B, K + 2, size, size): exact share of each slot, ink and background per cell, summing to 1."""
    maps = F.interpolate(coverage.float() / 255, size=(size * 4, size * 4), mode="area")
    cells = F.avg_pool2d(place(maps, layout, size * 4), 4)
    return torch.cat([cells, (1 - cells.sum(1, keepdim=True)).clamp(min=0)], 1)


def shade(figure: Figure, strength: Tensor, generator: torch.Generator, repeats: int = 1) -> Figure:
    """Soft shading from one side and a cel shadow; strength (B,) in [0, 1], 0 leaves the figure flat.

    repeats: the batch is that many times the same drawings; they are shaded alike.
    """
    batch, _, height, width = figure.alpha.shape
    device = figure.alpha.device

    def per_drawing() -> Tensor:
        return torch.rand(batch // repeats, 1, 1, 1, generator=generator).repeat(repeats, 1, 1, 1)

    angle = per_drawing() * 6.2832
    bend = per_drawing() * 4
    rows = torch.linspace(-1, 1, height).view(1, 1, -1, 1)
    columns = torch.linspace(-1, 1, width).view(1, 1, 1, -1)
    side = (rows * angle.sin() + columns * angle.cos() + 0.2 * (bend * rows).sin()).to(device)
    amount = strength.view(-1, 1, 1, 1).to(device)
    soft = 0.25 * side.clamp(min=0)
    cel = 0.22 * (side > 0.35).float()
    kind = (per_drawing() < 0.5).float().to(device)
    factor = 1 - amount * (kind * soft + (1 - kind) * cel)
    return Figure(figure.premultiplied * factor, figure.alpha, figure.lines)
