"""How strongly each token moves: d of equation (11) and the position weight vector omega of equation (10)."""

import torch
from torch import Tensor

MODES = ("paper", "focused")


def dscale(
    v_cls: Tensor, e: Tensor, a: Tensor | None, target_scale: float, enhance: bool, mode: str = "paper"
) -> Tensor:
    """d, equation (11): how far the picture as a whole is from the target scale.

    v_cls: (B, D) CLS tokens of the reference, not normalised; e, a: (D,) target and anchor embeddings. Returns (B,).
    anchor and enhance: target_scale - v_cls . a; anchor: target_scale - v_cls . e.
    Choice: (11) says nothing about edits with no anchor; Algorithm 2 does, d = target_scale.
    mode: "focused", ours, has d = target_scale always, so that a scale means the same way for every attribute: the
    projection of the CLS token on a text tells as much about the text as about the picture.
    """
    if a is None or mode == "focused":
        return torch.full_like(v_cls[:, 0], target_scale)
    return target_scale - v_cls @ (a if enhance else e)


def band_of(m: Tensor, thresholds: tuple[float, ...]) -> Tensor:
    """The interval of equation (10) each m lies in: 0 for m <= ts0, 1 for ts0 < m <= ts1, ... 4 for m > ts3.

    m: any shape, in [0, 1]. Returns int64 of the same shape.
    """
    return torch.bucketize(m, torch.tensor(thresholds, dtype=m.dtype, device=m.device))


def omega(m: Tensor, d: Tensor, thresholds: tuple[float, ...], r: float = 2.0, mode: str = "paper") -> Tensor:
    """omega, equation (10): the weight of each token.

    m: (B, n) in [0, 1], low is related. d: (B,) from `dscale`. thresholds: (ts0, ts1, ts2, ts3), strictly increasing
    within (0, 1). r: strength ratio of the most related tokens. Returns (B, n).
    The five pieces of (10) meet: omega is the line through the corners (ts0, -d r), (ts1, 0), (ts2, d / 2), (ts3, d),
    level before the first and after the last.
    mode: "paper" is (10) as it stands, which moves unrelated tokens the other way; with "focused", ours, omega is 0
    from ts1 on, so that they stay where the reference put them.
    """
    corners = torch.tensor((0.0, *thresholds, 1.0), dtype=m.dtype, device=m.device)
    unrelated = {"paper": (0.5, 1.0, 1.0), "focused": (0.0, 0.0, 0.0)}[mode]
    heights = torch.tensor((-r, -r, 0.0, *unrelated), dtype=m.dtype, device=m.device)  # in units of d
    band = band_of(m, thresholds)
    along = (m - corners[band]) / (corners[band + 1] - corners[band])  # position inside the interval, in [0, 1]
    return d[:, None] * torch.lerp(heights[band], heights[band + 1], along)
