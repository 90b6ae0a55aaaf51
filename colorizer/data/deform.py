"""Moving least squares (Schaefer, McPhail, Warren: Image Deformation Using Moving Least Squares, SIGGRAPH 2006).

The reference of the paper's "Deform" training is the truth itself, warped. Points are (x, y) in affine_grid's
coordinates: -1 to 1 from border to border.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

GRID = 24  # cells a side on which a deformation is computed before it is interpolated, section 3 of the article
HANDLES = 5  # handles a side


def move_points(points: Tensor, handles: Tensor, targets: Tensor, kind: str = "rigid", alpha: float = 1.0) -> Tensor:
    """Where the deformation that takes handles (B, n, 2) to targets (B, n, 2) takes points (B, m, 2).

    kind: "affine" (eq. 5), "similarity" (eq. 6) or "rigid" (eq. 8). alpha: how fast a handle's weight falls.
    """
    p, q, v = (x.double() for x in (handles, targets, points))
    squared = (v[:, :, None] - p[:, None]).square().sum(-1)  # (B, m, n)
    weight = (squared + 1e-14) ** -alpha  # finite on a handle, and still all that counts there
    weight = weight / weight.sum(-1, keepdim=True)
    p_star, q_star = weight @ p, weight @ q  # (B, m, 2)
    p_hat, q_hat = p[:, None] - p_star[:, :, None], q[:, None] - q_star[:, :, None]  # (B, m, n, 2)
    if kind == "affine":
        weighted = weight[..., None] * p_hat
        matrix = torch.linalg.solve(weighted.mT @ p_hat, weighted.mT @ q_hat)  # (B, m, 2, 2), rows times it
        return (((v - p_star)[:, :, None] @ matrix)[:, :, 0] + q_star).to(points)
    # As complex numbers, the similarity that is least-squares for w is q - q* = a (p - p*); rigid is |a| = 1.
    p_hat, q_hat = torch.view_as_complex(p_hat), torch.view_as_complex(q_hat)
    a = (weight * p_hat.conj() * q_hat).sum(-1)
    a = a / (a.abs() if kind == "rigid" else (weight * p_hat.abs().square()).sum(-1))
    moved = torch.view_as_real(a * torch.view_as_complex(v - p_star))
    return (moved + q_star).to(points)


def warp(pictures: Tensor, handles: Tensor, targets: Tensor, kind: str = "rigid") -> Tensor:
    """pictures (B, C, H, W) with what is at the handles moved to the targets; beyond a border, the border goes on."""
    batch, _, height, width = pictures.shape
    side = torch.linspace(-1, 1, GRID + 1, device=handles.device)
    points = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1).view(1, -1, 2).expand(batch, -1, -1)
    # Backwards, from a place in the result to its source, so that every pixel gets a value.
    sources = move_points(points, targets, handles, kind)
    offset = (sources - points).view(batch, GRID + 1, GRID + 1, 2).movedim(-1, 1)  # (B, 2, GRID + 1, GRID + 1)
    plain = F.affine_grid(
        torch.eye(2, 3, device=pictures.device).expand(batch, 2, 3), (batch, 1, height, width), align_corners=False
    )
    fine = F.grid_sample(offset.to(pictures), plain, align_corners=True, padding_mode="border").movedim(1, -1)
    return F.grid_sample(pictures, plain + fine, align_corners=False, padding_mode="border")


def random_warp(pictures: Tensor, generator: torch.Generator, strength: float = 0.14) -> Tensor:
    """pictures (B, C, H, W) warped by handles on a jittered lattice that move by about `strength` / 2 of a side."""
    side = torch.linspace(-0.8, 0.8, HANDLES)
    lattice = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1).view(1, -1, 2)
    shape = (len(pictures), HANDLES**2, 2)
    handles = lattice + 0.1 * torch.randn(shape, generator=generator)
    targets = handles + strength * torch.randn(shape, generator=generator)
    return warp(pictures, handles, targets)
