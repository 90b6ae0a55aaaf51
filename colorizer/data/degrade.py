"""Sketches as people draw and scan them, from exact line art; and lines extracted from a picture.

Lines are darkness (B, 1, S, S) in [0, 1]. Every degradation is drawn per picture; a share of the sketches stays clean.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from colorizer.data.compose import Figure


def extract_lines(pictures: Tensor) -> Tensor:
    """Darkness from the ratio of a picture (B, 3, S, S) to its local maximum, minimum over channels, then contrast."""
    blurred = blur(pictures, 0.6)
    ratio = (blurred / F.max_pool2d(blurred, 5, 1, 2).clamp(min=0.02)).amin(1, keepdim=True)
    return ((1 - ratio) * 1.4 - 0.08).clamp(0, 1)


def blur(maps: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of a small deviation in pixels."""
    reach = max(1, int(3 * sigma + 0.5))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=maps.device) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).to(maps.dtype)
    channels = maps.shape[1]
    maps = F.conv2d(maps, kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1), padding=(reach, 0), groups=channels)
    return F.conv2d(maps, kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1), padding=(0, reach), groups=channels)


def smooth_noise(batch: int, channels: int, cells: int, size: int, generator: torch.Generator) -> Tensor:
    """(B, C, S, S) normal noise that varies over size / cells pixels."""
    coarse = torch.randn(batch, channels, cells, cells, generator=generator)
    return F.interpolate(coarse, size=(size, size), mode="bicubic")


def degrade(lines: Tensor, generator: torch.Generator, clean: float = 0.35) -> Tensor:
    """lines (B, 1, S, S) -> sketches (B, 1, S, S) in [0, 1], dark lines on white.

    Wobble, line width, breaks, pencil strength, grain and paper tone; a share `clean` is left exact.
    """
    batch, _, size, _ = lines.shape
    device = lines.device

    def per_picture(low: float, high: float, share: float) -> Tensor:
        chosen = torch.rand(batch, generator=generator) < share
        value = torch.rand(batch, generator=generator) * (high - low) + low
        return (chosen * value).view(-1, 1, 1, 1).to(device)

    keep = (torch.rand(batch, generator=generator) < clean).view(-1, 1, 1, 1).to(device)
    exact = lines
    # Wobble: a smooth displacement of up to about two pixels.
    amount = per_picture(0.5, 2.2, 0.5) * 2 / size
    offset = smooth_noise(batch, 2, 14, size, generator).to(device) * amount
    base = F.affine_grid(
        torch.eye(2, 3, device=device).expand(batch, 2, 3), (batch, 1, size, size), align_corners=False
    )
    lines = F.grid_sample(lines, base + offset.movedim(1, -1), padding_mode="zeros", align_corners=False)
    # Width: thicker by a local maximum, thinner by contrast after a blur.
    thick = per_picture(0.3, 1.0, 0.35)
    lines = torch.lerp(lines, F.max_pool2d(lines, 3, 1, 1), thick)
    thin = per_picture(0.3, 0.8, 0.25)
    lines = torch.lerp(lines, (blur(lines, 0.8) * 1.6 - 0.45).clamp(0, 1), thin)
    # Breaks and pressure of the pencil.
    pressure = smooth_noise(batch, 1, 20, size, generator).to(device)
    lines = lines * (1 - per_picture(0.5, 1.0, 0.3) * ((pressure - 1.1) * 3).clamp(0, 1))
    grain = torch.randn(batch, 1, size, size, generator=generator).to(device)
    lines = lines * (1 - per_picture(0.1, 0.45, 0.35) * grain.abs().clamp(max=1))
    lines = lines * (1 - per_picture(0.1, 0.65, 0.45))
    paper = per_picture(0.01, 0.06, 0.25) + per_picture(0.005, 0.03, 0.25) * grain
    lines = torch.where(keep, exact, torch.maximum(lines, paper.clamp(min=0)))
    return (1 - lines).clamp(0, 1)


def draw_sketches(
    figure: Figure, pictures: Tensor, eyes: Tensor, generator: torch.Generator, clean: float = 0.35
) -> Tensor:
    """Sketches (B, 1, S, S) of the figures: exact line art, sometimes with dark eyes, or lines extracted.

    All but a share `clean` of them are then degraded.
    """
    batch = len(pictures)
    device = pictures.device

    def chance(share: float) -> Tensor:
        return (torch.rand(batch, generator=generator) < share).view(-1, 1, 1, 1).to(device)

    faint = figure.lines.flatten(1).amax(1).view(-1, 1, 1, 1) < 0.6
    exact = torch.where(faint | chance(0.2), (figure.lines * 2.5).clamp(max=1), figure.lines)
    exact = torch.where(chance(0.3), torch.maximum(exact, eyes * 0.85), exact)
    extracted = extract_lines(pictures)
    return degrade(torch.where(chance(0.25), extracted, exact), generator, clean)
