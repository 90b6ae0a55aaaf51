"""Between the two passes of a sharp picture: the latent of the first is enlarged for the second."""

import torch
from torch import Tensor
from torch.nn import functional as F

from colorizer.images import Placement

REFINE_NOISE = 0.6  # beta_t at which the second pass begins


def enlarge_latent(z: Tensor, source: Placement, target: Placement, downscale: int) -> Tensor:
    """z (B, C, h, w) of a picture placed as `source` -> the same picture's latent placed as `target`, (B, C, H, W).

    The picture lies on both canvases with other margins, so positions are matched by the picture and not by the
    canvas. Bicubic; outside the first canvas its border is continued.
    """
    rows = _positions(target.height, target.box[1::2], source.height, source.box[1::2], downscale)
    columns = _positions(target.width, target.box[::2], source.width, source.box[::2], downscale)
    # (H, W, 2): x, then y, of each target position in the source, from -1 to 1 over its canvas
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1).to(z)
    return F.grid_sample(z, grid.expand(len(z), -1, -1, -1), "bicubic", "border", align_corners=False)


def _positions(
    target: int, target_box: tuple[int, ...], source: int, source_box: tuple[int, ...], downscale: int
) -> Tensor:
    """Of one axis: sides and boxes (begin, end) in pixels -> where each latent position of the target lies."""
    pixels = (torch.arange(target // downscale) + 0.5) * downscale
    scale = (source_box[1] - source_box[0]) / (target_box[1] - target_box[0])
    return 2 * ((pixels - target_box[0]) * scale + source_box[0]) / source - 1
