"""Guidance during sampling (section 3 of the paper): pure functions of predictions and tokens."""

import math
from collections.abc import Callable

import torch

Branch = Callable[[], torch.Tensor]


def guidance_weights(gs: float, sgs: float) -> tuple[float, float, float]:
    """Weights (w_c, w_r, w_s) of the predictions c, u_r and u_s in dual classifier-free guidance; their sum is 1.

    gs, sgs: reference and sketch guidance scale, >= 0. A scale of 1 takes no part, so its branch has weight 0.

    Choice: the paper guides with scales above 1 only. Below 1 the same formula is kept; it then moves from c toward the
    prediction without that condition and reaches it at 0, which is "less of the reference" (or of the sketch).
    """
    if gs == 1 and sgs == 1:
        return 1.0, 0.0, 0.0
    if sgs == 1:
        return gs, 1 - gs, 0.0  # u_r + GS (c - u_r)
    if gs == 1:
        return sgs, 0.0, 1 - sgs  # u_s + SGS (c - u_s)
    return (gs + sgs) / 2, (1 - gs) / 2, (1 - sgs) / 2  # the mean of the two


def dual_guidance(c: Branch, u_r: Branch, u_s: Branch, gs: float, sgs: float) -> torch.Tensor:
    """Dual classifier-free guidance, with zero as the negative.

    c: predicts with sketch and reference; u_r: with the sketch and zero tokens; u_s: with the reference and an empty
    sketch. Each is called at most once, and not at all where its weight is 0.
    """
    weighted = [
        (weight, branch) for weight, branch in zip(guidance_weights(gs, sgs), (c, u_r, u_s), strict=True) if weight
    ]
    if len(weighted) == 1:
        return weighted[0][1]()
    return sum(weight * branch() for weight, branch in weighted)


def is_noised(t: float, noise_level: float, T: int) -> bool:
    """Whether equation 14 noises the tokens at timestep t of T: never at level 0, always at 1, early steps first.

    Choice: the inequality alone would leave out t = 0 at level 1, though 1 stands for every step.
    """
    return noise_level >= 1 or 1 - t / (T + 0.0001) < noise_level


def noisy_tokens(
    tokens: torch.Tensor,
    t: float,
    noise_level: float,
    alphas_cumprod: torch.Tensor,
    eps_r: torch.Tensor,
    T: int = 1000,
) -> torch.Tensor:
    """Equation 14: alpha_t tau(r) + beta_t eps_r at the noised timesteps, tau(r) unchanged at the others.

    tokens, eps_r: (..., D), eps_r ~ N(0, I). alphas_cumprod: (T,) on the CPU. Samplers with their own noise levels give
    fractional t; alphas_cumprod is interpolated between its neighbours.
    """
    if not is_noised(t, noise_level, T):
        return tokens
    low = min(int(t), T - 2)
    alpha_bar = torch.lerp(alphas_cumprod[low], alphas_cumprod[low + 1], t - low).item()
    return math.sqrt(alpha_bar) * tokens + math.sqrt(1 - alpha_bar) * eps_r
