"""Samplers (from diffusers) and seeded noise.

Latents are always z_t = alpha_t z_0 + beta_t eps here, whatever scale a scheduler keeps inside. Every scalar of a
schedule stays on the CPU, so a step never waits for the GPU.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler, UniPCMultistepScheduler

from colorizer.config import NoiseScheduleConfig

# A first-order DPM-Solver++ is DDIM (Lu et al. 2022, section 4). Unlike diffusers' DDIMScheduler it takes every number
# of steps and the Karras schedule.
SCHEDULERS = {
    "dpm++2m": (DPMSolverMultistepScheduler, {"solver_order": 2, "algorithm_type": "dpmsolver++"}),
    "unipc": (UniPCMultistepScheduler, {"solver_order": 2}),
    "euler": (EulerDiscreteScheduler, {}),
    "ddim": (DPMSolverMultistepScheduler, {"solver_order": 1, "algorithm_type": "dpmsolver++"}),
}
SCHEDULES = ("karras", "vp")


class Sampler:
    """One run from noise to a clean latent, in `len(timesteps)` steps.

    timesteps: t of each step, descending, in 0..T-1; fractional with the Karras schedule.
    first: index of the step to begin with.
    sigmas: beta_t / alpha_t of each step, and a final 0.
    alphas_cumprod: (T,) on the CPU.
    """

    def __init__(self, sampler: str, schedule: str, steps: int, noise: NoiseScheduleConfig, start_noise: float = 1.0):
        """sampler, schedule, steps (>= 2): as in `GenerationSettings`.

        start_noise: the run begins at the first step with beta_t up to this; 1 is the whole run. A shorter run goes
        down to t = 0 whatever the model's last timestep is: it has little noise to remove from the beginning.
        """
        scheduler_class, options = SCHEDULERS[sampler]
        self._scheduler = scheduler_class(
            beta_start=noise.beta_start,
            beta_end=noise.beta_end,
            beta_schedule=noise.beta_schedule,
            num_train_timesteps=noise.num_train_timesteps,
            prediction_type=noise.prediction_type,
            use_karras_sigmas=schedule == "karras",
            timestep_spacing="linspace",
            **options,
        )
        self._scheduler.set_timesteps(steps)
        self._prediction_type = noise.prediction_type
        self.alphas_cumprod: torch.Tensor = self._scheduler.alphas_cumprod
        if noise.last_timestep and start_noise == 1:
            levels = noise_levels(schedule, steps, noise.last_timestep, self.alphas_cumprod)
            self._scheduler.sigmas = torch.tensor([*levels, 0.0])
            self._scheduler.timesteps = torch.tensor(timesteps_of(levels, self.alphas_cumprod))
        self.sigmas: list[float] = self._scheduler.sigmas.tolist()
        betas = [sigma / math.hypot(1, sigma) for sigma in self.sigmas]
        self.first: int = next(index for index, beta in enumerate(betas) if beta <= start_noise)
        # Where to start is told, not searched for: rounded Karras timesteps repeat.
        self._scheduler.set_begin_index(self.first)
        self.timesteps: list[float] = timesteps_of(self.sigmas[:-1], self.alphas_cumprod)

    def noised(self, z_0: torch.Tensor, eps: torch.Tensor) -> torch.Tensor:
        """z_t of a latent at the first step: alpha_t z_0 + beta_t eps, all (B, C, h, w)."""
        sigma = self.sigmas[self.first]
        return (z_0 + sigma * eps) / math.hypot(1, sigma)

    def step(self, index: int, prediction: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """z at step `index` + 1 from z and the model's prediction at step `index`, both (B, C, h, w) float32."""
        scheduler = self._scheduler
        t = scheduler.timesteps[index]
        if not isinstance(scheduler, EulerDiscreteScheduler):
            return scheduler.step(prediction, t, z, return_dict=False)[0]
        # Euler keeps z_0 + sigma eps and scales the model's input itself.
        scheduler.is_scale_input_called = True
        z = scheduler.step(prediction, t, z * math.hypot(1, self.sigmas[index]), return_dict=False)[0]
        return z / math.hypot(1, self.sigmas[index + 1])

    def predicted_latent(self, index: int, prediction: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """z_0 as the model predicts it at step `index`: (z_t - beta_t eps) / alpha_t, or alpha_t z_t - beta_t v."""
        sigma = self.sigmas[index]
        alpha = 1 / math.hypot(1, sigma)
        if self._prediction_type == "epsilon":
            return z / alpha - sigma * prediction
        return alpha * (z - sigma * prediction)


def noise_levels(schedule: str, steps: int, last_timestep: int, alphas_cumprod: torch.Tensor) -> list[float]:
    """beta_t / alpha_t of each step, from t = T - 1 to t = last_timestep.

    "vp": equal steps of t. "karras": equal steps of sigma^(1/7) (Karras et al. 2022, eq. 5), which diffusers'
    schedulers take to t = 0 only.
    """
    sigmas = torch.sqrt((1 - alphas_cumprod) / alphas_cumprod).double().numpy()
    if schedule == "vp":
        t = np.linspace(len(sigmas) - 1, last_timestep, steps)
        return np.exp(np.interp(t, np.arange(len(sigmas)), np.log(sigmas))).tolist()
    return (np.linspace(sigmas[-1] ** (1 / 7), sigmas[last_timestep] ** (1 / 7), steps) ** 7).tolist()


def timesteps_of(sigmas: Sequence[float], alphas_cumprod: torch.Tensor) -> list[float]:
    """The t at which the forward process has each sigma, interpolated in log sigma.

    Karras sigmas fall between the trained timesteps. Telling the model a rounded t, as diffusers does, is off by up to
    40 % of sigma at the last steps.
    """
    known = torch.sqrt((1 - alphas_cumprod) / alphas_cumprod).double().log().numpy()
    return np.interp(np.log(sigmas), known, np.arange(len(known))).tolist()


def image_generators(seed: int, batch_size: int) -> list[torch.Generator]:
    """One CPU generator an image, seeded seed + i: the same noise whatever the batch size and the device."""
    return [torch.Generator().manual_seed(seed + i) for i in range(batch_size)]


def draw_noise(generators: Sequence[torch.Generator], shape: Sequence[int]) -> torch.Tensor:
    """(len(generators), *shape) float32 on the CPU, ~ N(0, I); image i from generator i."""
    return torch.stack([torch.randn(tuple(shape), generator=generator) for generator in generators])
