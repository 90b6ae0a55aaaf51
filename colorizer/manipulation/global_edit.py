"""Global manipulation: one step of Algorithm 1, for models that see the CLS token only."""

from torch import Tensor


def edit_cls(v_cls: Tensor, e: Tensor, a: Tensor | None, target_scale: float, enhance: bool) -> Tensor:
    """The CLS token after one edit, equations (5) to (7).

    v_cls: (B, D), not normalised; e, a: (D,) target and anchor embeddings of length 1, a None for no anchor.
    target_scale: 4 to 15 is reasonable for ViT-H/14. Returns (B, D).
    """
    if a is None and enhance:
        return v_cls + target_scale * e  # (5), upper
    if a is None:
        return project_to(v_cls, e, target_scale)  # (5), lower
    if enhance:
        without_anchor = project_to(v_cls, a, 0.0)  # (7), first line
        return project_to(without_anchor, e, target_scale)  # (7), second line
    return v_cls + target_scale * (e - a)  # (6)


def project_to(v: Tensor, direction: Tensor, length: float) -> Tensor:
    """v + (length - v . direction) direction: v with its projection on `direction` (of length 1) set to `length`.

    v: (B, D), direction: (D,). Returns (B, D).
    """
    return v + (length - v @ direction)[:, None] * direction
