"""Samplers against the exact solution for a Gaussian, and noise that does not depend on the batch."""

import dataclasses
import math

import pytest
import torch

from colorizer.config import NoiseScheduleConfig
from colorizer.sampling import SCHEDULERS, Sampler, draw_noise, image_generators, noise_levels, timesteps_of
from colorizer.settings import SAMPLERS, SCHEDULES

MEAN, DEVIATION = 0.6, 0.4


def alpha_beta(sigma):
    alpha = 1 / math.hypot(1, sigma)
    return alpha, sigma * alpha


def integrate(sampler, noise):
    """Sample data ~ N(MEAN, DEVIATION^2) with its exact denoiser, which is told t only.

    Returns what the sampler gives and the exact solution of the probability-flow ODE, which keeps every sample at the
    same number of deviations from the mean.
    """
    sigmas = torch.sqrt(1 / sampler.alphas_cumprod - 1).double().log()
    z = torch.linspace(-2.5, 2.5, 101).view(1, 1, 1, -1)
    alpha, beta = alpha_beta(sampler.sigmas[0])
    exact = MEAN + DEVIATION * (z - alpha * MEAN) / math.hypot(alpha * DEVIATION, beta)
    for index, t in enumerate(sampler.timesteps):
        low = min(int(t), len(sigmas) - 2)
        alpha, beta = alpha_beta(math.exp(torch.lerp(sigmas[low], sigmas[low + 1], t - low)))
        z_0 = MEAN + alpha * DEVIATION**2 * (z - alpha * MEAN) / ((alpha * DEVIATION) ** 2 + beta**2)
        eps = (z - alpha * z_0) / beta
        prediction = eps if noise.prediction_type == "epsilon" else alpha * eps - beta * z_0
        torch.testing.assert_close(sampler.predicted_latent(index, prediction, z), z_0, atol=1e-3, rtol=0)
        z = sampler.step(index, prediction, z)
    return z, exact


@pytest.mark.parametrize("prediction_type", ["v_prediction", "epsilon"])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_converge_to_the_data(name, schedule, prediction_type):
    noise = NoiseScheduleConfig(prediction_type=prediction_type)
    errors = []
    for steps in (20, 40, 150):
        z, exact = integrate(Sampler(name, schedule, steps, noise), noise)
        errors.append((z - exact).abs().max().item())
        assert z.mean().item() == pytest.approx(exact.mean().item(), abs=0.01)
    assert errors[-1] < 0.04
    assert errors[1] < 0.75 * errors[0]


@pytest.mark.parametrize("name", ["dpm++2m", "unipc"])
def test_second_order_is_accurate_in_20_karras_steps(name):
    noise = NoiseScheduleConfig()
    z, exact = integrate(Sampler(name, "karras", 20, noise), noise)
    assert (z - exact).abs().max() < 0.02  # a first-order sampler is at 0.09


def test_linear_betas():
    noise = dataclasses.replace(NoiseScheduleConfig(), beta_schedule="linear", beta_start=1e-4, beta_end=0.02)
    z, exact = integrate(Sampler("dpm++2m", "karras", 50, noise), noise)
    assert (z - exact).abs().max() < 0.01


def test_settings_offer_every_sampler():
    assert set(SCHEDULERS) == set(SAMPLERS)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [2, 7, 200])
def test_timesteps_descend_within_range(name, schedule, steps):
    sampler = Sampler(name, schedule, steps, NoiseScheduleConfig())
    assert len(sampler.timesteps) == steps and len(sampler.sigmas) == steps + 1
    assert sampler.timesteps[0] == pytest.approx(999)
    assert all(a > b >= 0 for a, b in zip(sampler.timesteps, sampler.timesteps[1:], strict=False))
    assert sampler.sigmas[-1] == 0


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_last_timestep_is_the_last_that_is_visited(name, schedule):
    noise = NoiseScheduleConfig(last_timestep=400)
    sampler = Sampler(name, schedule, 8, noise)
    assert len(sampler.timesteps) == 8 and sampler.first == 0 and sampler.sigmas[-1] == 0
    assert sampler.timesteps[0] == pytest.approx(999) and sampler.timesteps[-1] == pytest.approx(400)
    assert all(a > b for a, b in zip(sampler.timesteps, sampler.timesteps[1:], strict=False))
    # what is predicted at the last step is the result
    z, _ = integrate(sampler, noise)
    alpha, beta = alpha_beta(sampler.sigmas[-2])
    spread = alpha * DEVIATION / math.hypot(alpha * DEVIATION, beta)  # of E[z_0 | z_t], in deviations of the data
    assert z.max() - z.min() == pytest.approx(5 * DEVIATION * spread, rel=0.1)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_noise_levels_follow_the_schedulers(schedule):
    whole = Sampler("euler", schedule, 20, NoiseScheduleConfig())
    assert noise_levels(schedule, 20, 0, whole.alphas_cumprod) == pytest.approx(whole.sigmas[:-1], rel=0.03)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_run_from_less_noise_goes_to_the_end(name):
    shortened, whole = (Sampler(name, "karras", 20, NoiseScheduleConfig(last_timestep=t), 0.5) for t in (400, 0))
    assert shortened.sigmas == whole.sigmas and shortened.first == whole.first > 0


def test_timesteps_of_known_sigmas():
    alphas_cumprod = torch.linspace(0.99, 0.01, 100)
    sigmas = torch.sqrt(1 / alphas_cumprod - 1)
    assert timesteps_of(sigmas[[0, 17, 99]].tolist(), alphas_cumprod) == pytest.approx([0, 17, 99])
    between = math.sqrt(sigmas[17] * sigmas[18])
    assert timesteps_of([between], alphas_cumprod) == pytest.approx([17.5])


def test_noise_of_an_image_depends_on_its_seed_only():
    batch = draw_noise(image_generators(5, 3), (4, 8, 8))
    alone = draw_noise(image_generators(7, 1), (4, 8, 8))
    assert torch.equal(batch[2:], alone)
    assert not torch.equal(batch[0], batch[1])
