"""Training objectives of the paper (section 3) as functions of tensors, and the strategies that combine them.

z_t = alpha_t z_0 + beta_t eps with alpha_t = sqrt(alphas_cumprod[t]), beta_t = sqrt(1 - alphas_cumprod[t]), T = 1000.
"""

from dataclasses import dataclass

import torch
from diffusers import DDPMScheduler
from torch import Tensor
from torch.nn import functional as F

from colorizer.config import NoiseScheduleConfig


@dataclass(frozen=True)
class Strategy:
    """How the reference is given in training.

    reference: "self" (the truth itself, the paper's shuffle training), "deform" (the truth warped by moving least
    squares), "cross" (another drawing in the same palette).
    shuffle: permute the local tokens. drop: probability of zero tokens. noisy: share of samples whose tokens are
    diffused with the latent's t (eq. 3; 1 in the paper). sketch_drop: probability of an empty sketch, which SGS needs.
    dual: lambda of eq. 4, 0 for none. offset: strength of low-frequency noise added in training, see `draw_noise`.
    timestep_shift: how much more often large t are drawn; start: share of samples at the last t, where sampling
    begins; see `draw_timesteps`. region_balance: how much more small areas of the truth weigh, see `region_weight`.
    """

    reference: str = "self"
    shuffle: bool = False
    drop: float = 0.0
    noisy: float = 0.0
    sketch_drop: float = 0.0
    dual: float = 0.0
    offset: float = 0.0
    timestep_shift: float = 1.0
    start: float = 0.0
    region_balance: float = 0.0


def noise_schedule(config: NoiseScheduleConfig) -> Tensor:
    """alphas_cumprod (T,) of the forward process."""
    scheduler = DDPMScheduler(
        num_train_timesteps=config.num_train_timesteps,
        beta_start=config.beta_start,
        beta_end=config.beta_end,
        beta_schedule=config.beta_schedule,
    )
    return scheduler.alphas_cumprod


def alpha_beta(alphas_cumprod: Tensor, t: Tensor, dimensions: int) -> tuple[Tensor, Tensor]:
    """alpha_t and beta_t for t (B,), shaped (B, 1, ...) with `dimensions` axes."""
    squared = alphas_cumprod[t].view(-1, *(1,) * (dimensions - 1))
    return squared.sqrt(), (1 - squared).sqrt()


def diffuse(x: Tensor, eps: Tensor, t: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """alpha_t x + beta_t eps for x, eps (B, ...) and t (B,): latents in eq. 2, image tokens in eq. 3."""
    alpha, beta = alpha_beta(alphas_cumprod, t, x.dim())
    return alpha * x + beta * eps


def draw_noise(like: Tensor, offset: float) -> Tensor:
    """eps ~ N(0, I) of the shape (B, C, h, w) of `like`; with an offset, noise of 1, 2, 4 and 8 cells a side on top.

    White noise hides little of a flat area: even at the last t its mean shows through, and the denoiser learns to read
    colours off the noisy latent where sampling has only noise to read. Noise at those scales makes it read the
    reference instead. Sampling keeps white noise, the most likely case of the wider distribution.
    """
    eps = torch.randn_like(like)
    for cells in (1, 2, 4, 8) if offset else ():
        coarse = torch.randn(*like.shape[:2], cells, cells, device=like.device)
        eps = eps + offset * F.interpolate(coarse, size=like.shape[2:], mode="nearest")
    return eps


def draw_timesteps(batch: int, total: int, shift: float, start: float, device: torch.device) -> Tensor:
    """t (B,): u uniform in [0, 1), moved towards 1 as shift u / (1 + (shift - 1) u), times total; 1 is uniform.

    Esser et al. 2024 (Stable Diffusion 3), section 5.3.2. Which colour goes where is decided at large t; after that the
    noisy latent of a flat picture shows it. A share `start` of the samples gets the last t.
    """
    u = torch.rand(batch, device=device)
    t = (total * shift * u / (1 + (shift - 1) * u)).long().clamp(max=total - 1)
    return torch.where(torch.rand(batch, device=device) < start, torch.full_like(t, total - 1), t)


def pure_noise_at_last(z: Tensor, eps: Tensor, t: Tensor, total: int) -> Tensor:
    """z_t (B, ...), but eps alone where t is the last.

    alpha_t is not 0 at the last t (Lin et al. 2023): z_t would tell a little of z_0 there, and in sampling it cannot.
    """
    return torch.where((t == total - 1).view(-1, *(1,) * (z.dim() - 1)), eps, z)


def prediction_target(z0: Tensor, eps: Tensor, t: Tensor, alphas_cumprod: Tensor, prediction_type: str) -> Tensor:
    """What the U-Net should return: eps, or v = alpha_t eps - beta_t z_0 for "v_prediction"."""
    if prediction_type == "epsilon":
        return eps
    alpha, beta = alpha_beta(alphas_cumprod, t, z0.dim())
    return alpha * eps - beta * z0


def shuffle_tokens(tokens: Tensor) -> Tensor:
    """Another order of the local tokens (B, n, D) for each sample."""
    order = torch.rand(tokens.shape[:2], device=tokens.device).argsort(1)
    return tokens.gather(1, order[..., None].expand_as(tokens))


def drop(x: Tensor, probability: float, empty: float = 0.0) -> Tensor:
    """x (B, ...) with whole samples replaced by `empty`: zero tokens, or a sketch of all -1."""
    dropped = torch.rand(len(x), device=x.device) < probability
    return torch.where(dropped.view(-1, *(1,) * (x.dim() - 1)), torch.full_like(x, empty), x)


def noisy_share(tokens: Tensor, t: Tensor, alphas_cumprod: Tensor, share: float) -> Tensor:
    """Eq. 3 for a share of the samples: tau_t(r) = alpha_t tau(r) + beta_t eps_r, the latent's own t."""
    chosen = (torch.rand(len(tokens), device=tokens.device) < share).view(-1, 1, 1)
    return torch.where(chosen, diffuse(tokens, torch.randn_like(tokens), t, alphas_cumprod), tokens)
