"""Local manipulation: one step of Algorithm 2, for models that see the local tokens."""

import torch
from torch import Tensor

from colorizer.manipulation.edit import Edit
from colorizer.manipulation.pwv import dscale, omega
from colorizer.manipulation.relevance import relevance_of


def move_tokens(v: Tensor, weight: Tensor, e: Tensor, a: Tensor | None, beta: float) -> Tensor:
    """The local tokens moved by their weights, equations (12) and (13).

    v: (B, n, D); weight: (B, n), omega of equation (10); e, a: (D,). With an anchor v + (omega + beta (v . a)) (e - a),
    beta 1 to enhance and 0 not to; without one v + omega e. Returns (B, n, D).
    """
    if a is None:
        return v + weight[..., None] * e
    return v + (weight + beta * (v @ a))[..., None] * (e - a)


def edit_local(
    v: Tensor,
    v_cls: Tensor,
    e: Tensor,
    a: Tensor | None,
    c: Tensor | None,
    edit: Edit,
    polarity: str,
    parts: Tensor | None = None,
    scale: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """The local tokens after one edit of Algorithm 2.

    v: (B, n, D) tokens the previous edit left; v_cls: (B, D) of the unedited reference; e, a, c: (D,) target, anchor
    and control embeddings of length 1; c None for the control "everything": omega = d everywhere, and tokens that the
    region mask takes out stay as they are. parts (P, D), scale: of the encoder's `PartWords`, for focused edits.
    Returns (tokens (B, n, D), defined (B,)); where m is not defined the tokens stay as they are.

    Polarity "high": a local token's projection on a text then grows, not shrinks, as the attribute appears. Such an
    encoder is one of the "low" kind whose local tokens see -e, -a and -c. Put into (9) and (12) that gives 1 - m for m
    and -omega for omega, while beta (v . a) (e - a), which trades the anchor for the target, stays. Changing m alone
    would push the related tokens away from the target.
    """
    d = dscale(v_cls, e, a, edit.target_scale, edit.enhance, edit.mode)
    if c is None:
        defined = torch.ones_like(d, dtype=torch.bool)
        weight = d[:, None].expand(v.shape[:2])
        changed = torch.ones_like(weight, dtype=torch.bool)
        if edit.region_mask is not None:
            changed = changed & edit.region_mask.within_everything(v.shape[1]).to(v.device)
    else:
        region = relevance_of(edit.mode, v, c, polarity, parts, scale).with_regions(edit.region_mask)
        defined = region.defined
        weight = omega(region.m, d, edit.thresholds, edit.strength_ratio, edit.mode)
        weight = -weight if polarity == "high" else weight
        changed = defined[:, None].expand(v.shape[:2])
        if edit.mode == "focused":  # beta (v . a) of (12) would move the tokens that omega leaves alone
            changed = changed & (weight != 0)
    moved = move_tokens(v, weight, e, a, beta=float(edit.enhance))
    return moved.where(changed[..., None], v), defined
