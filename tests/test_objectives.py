"""Training objectives (section 3 of the paper): every equation on tensors, and every strategy on a tiny real model."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch
from diffusers import DDPMScheduler
from torch.nn import functional as F

from colorizer.config import NoiseScheduleConfig
from colorizer.models.model import ColorizationModel
from colorizer.training.diffusion import DiffusionLoss, EncodedTriples, sample_quickly
from colorizer.training.objectives import (
    Strategy,
    diffuse,
    draw_noise,
    draw_timesteps,
    drop,
    noise_schedule,
    noisy_share,
    prediction_target,
    pure_noise_at_last,
    shuffle_tokens,
)

ALPHAS = noise_schedule(NoiseScheduleConfig())
T = torch.tensor([0, 1, 137, 500, 998, 999])


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def noised():
    """z0, eps (6, 4, 8, 8) and z_t at `T`."""
    z0, eps = torch.randn(2, len(T), 4, 8, 8)
    return z0, eps, diffuse(z0, eps, T, ALPHAS)


def test_forward_process_and_targets_are_those_of_the_field(noised):
    z0, eps, z_t = noised
    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    torch.testing.assert_close(z_t, scheduler.add_noise(z0, eps, T))
    v = prediction_target(z0, eps, T, ALPHAS, "v_prediction")
    torch.testing.assert_close(v, scheduler.get_velocity(z0, eps, T))
    assert torch.equal(prediction_target(z0, eps, T, ALPHAS, "epsilon"), eps)


@pytest.mark.parametrize("prediction_type", ["v_prediction", "epsilon"])
def test_an_exact_prediction_gives_the_latent_back(noised, prediction_type):
    z0, eps, z_t = noised
    target = prediction_target(z0, eps, T, ALPHAS, prediction_type)
    alpha, beta = ALPHAS[T].sqrt().view(-1, 1, 1, 1), (1 - ALPHAS[T]).sqrt().view(-1, 1, 1, 1)
    found = alpha * z_t - beta * target if prediction_type == "v_prediction" else (z_t - beta * target) / alpha
    torch.testing.assert_close(found, z0, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("last_timestep", [0, 400])
@pytest.mark.parametrize("prediction_type", ["v_prediction", "epsilon"])
def test_quick_sampling_with_an_exact_model_ends_at_the_truth(prediction_type, last_timestep):
    z0, asked = torch.randn(3, 4, 8, 8), []

    def exact(z, t, features, tokens):
        asked.append(int(t[0]))
        alpha, beta = ALPHAS[t].sqrt().view(-1, 1, 1, 1), (1 - ALPHAS[t]).sqrt().view(-1, 1, 1, 1)
        return prediction_target(z0, (z - alpha * z0) / beta, t, ALPHAS, prediction_type)

    module = SimpleNamespace(
        unet=exact, alphas_cumprod=ALPHAS, prediction_type=prediction_type, last_timestep=last_timestep
    )
    result = sample_quickly(module, torch.randn(3, 4, 8, 8), (), None)
    assert asked[0] == 999 and asked[-1] == max(last_timestep, 125) and len(asked) == 8
    torch.testing.assert_close(result, z0, atol=1e-3, rtol=1e-3)


def test_shuffling_permutes_the_tokens_of_each_sample_by_itself():
    tokens = torch.arange(4 * 30).float().view(4, 30, 1).expand(4, 30, 5)
    shuffled = shuffle_tokens(tokens)
    assert torch.equal(shuffled.sort(1).values, tokens)  # the same tokens, each whole, none of another sample
    orders = shuffled[:, :, 0] - tokens[:, :1, 0]
    assert not any(torch.equal(orders[i], orders[j]) for i in range(4) for j in range(i))
    assert not torch.equal(shuffle_tokens(tokens), shuffled)


def test_offset_noise_adds_scales_and_leaves_fine_noise():
    like = torch.zeros(500, 4, 32, 32)
    for offset in (0.0, 0.5):
        eps = draw_noise(like, offset)
        # Blocks of 4 x 4 cells: white noise has deviation 1/4 there, and each of the four scales adds offset^2.
        blocks = F.avg_pool2d(eps, 4)
        assert abs(blocks.square().mean() - (1 / 16 + 4 * offset**2)) < 0.03
        fine = eps - F.interpolate(blocks, scale_factor=4)
        assert abs(fine.square().mean() - 15 / 16) < 0.01


@pytest.mark.parametrize(("probability", "empty"), [(0.0, 0.0), (0.3, 0.0), (0.8, -1.0), (1.0, -1.0)])
def test_dropping_replaces_whole_samples_at_its_rate(probability, empty):
    x = torch.rand(3000, 2, 3) + 0.5
    dropped = drop(x, probability, empty)
    gone = (dropped == empty).flatten(1)
    assert torch.equal(gone.all(1), gone.any(1))
    assert torch.equal(dropped[~gone.all(1)], x[~gone.all(1)])
    rate = gone.all(1).float().mean()
    assert rate == probability if probability in (0, 1) else abs(rate - probability) < 0.03


def test_noisy_tokens_have_the_latents_own_level():
    tokens = torch.randn(6, 400, 32)
    noisy = noisy_share(tokens, T, ALPHAS, 1.0)
    alpha, beta = ALPHAS[T].sqrt(), (1 - ALPHAS[T]).sqrt()
    eps = (noisy - alpha.view(-1, 1, 1) * tokens) / beta.view(-1, 1, 1)
    torch.testing.assert_close(eps.mean((1, 2)), torch.zeros(6), atol=0.03, rtol=0)
    torch.testing.assert_close(eps.std((1, 2)), torch.ones(6), atol=0.03, rtol=0)
    assert (eps * tokens).mean().abs() < 0.02


def test_a_share_of_the_samples_is_noisy():
    tokens, t = torch.randn(1000, 3, 4), torch.full((1000,), 500)
    assert torch.equal(noisy_share(tokens, t, ALPHAS, 0.0), tokens)
    untouched = (noisy_share(tokens, t, ALPHAS, 0.4) == tokens).flatten(1)
    assert torch.equal(untouched.all(1), untouched.any(1))
    assert abs(untouched.all(1).float().mean() - 0.6) < 0.05


class Observed:
    """What goes into the U-Net and the sketch encoder of a tiny real model during one evaluation of the loss."""

    def __init__(self, config, strategy, prediction_type="v_prediction", kind="attention"):
        noise = dataclasses.replace(config.noise, prediction_type=prediction_type)
        model = ColorizationModel(dataclasses.replace(config, noise=noise, kind=kind), with_clip=False)
        self.module, self.calls, self.sketches = DiffusionLoss(model, strategy), [], []
        model.unet.register_forward_hook(lambda _, inputs, output: self.calls.append((*inputs, output)))
        model.sketch_encoder.register_forward_pre_hook(lambda _, inputs: self.sketches.append(inputs[0]))
        self.batch = EncodedTriples(
            torch.randn(12, 4, 8, 8).half(),
            torch.randn(12, 1 if kind == "cls" else 16, 32).half(),
            torch.randint(0, 256, (12, 1, 64, 64), dtype=torch.uint8),
            torch.ones(12, 1, 8, 8),
        )
        self.losses = self.module(self.batch)

    def eps(self, call=0):
        """The noise of a call, found from z_t and z_0."""
        z_t, t = self.calls[call][:2]
        squared = self.module.alphas_cumprod[t].view(-1, 1, 1, 1)
        return (z_t - squared.sqrt() * self.batch.z0.float()) / (1 - squared).sqrt()

    def loss(self, call=0):
        """|| target - prediction ||^2 of a call by equation 2."""
        t, output = self.calls[call][1], self.calls[call][-1]
        target = prediction_target(
            self.batch.z0.float(), self.eps(call), t, self.module.alphas_cumprod, self.module.prediction_type
        )
        return F.mse_loss(output, target)


@pytest.mark.parametrize("prediction_type", ["v_prediction", "epsilon"])
def test_loss_is_equation_2(tiny_config, prediction_type):
    seen = Observed(tiny_config, Strategy(), prediction_type)
    ((_, t, _, tokens, _),) = seen.calls
    assert t.unique().numel() > 6 and t.min() >= 0 and t.max() < 1000
    assert seen.eps().mean().abs() < 0.1 and (seen.eps().std() - 1).abs() < 0.1
    assert torch.equal(tokens, seen.batch.tokens.float())
    torch.testing.assert_close(seen.losses["loss"], seen.loss(), atol=1e-4, rtol=1e-4)
    (sketch,) = seen.sketches
    assert sketch.shape == (12, 3, 64, 64)
    torch.testing.assert_close((sketch + 1) * 127.5, seen.batch.sketch.float().expand_as(sketch), atol=1e-3, rtol=0)


def test_the_loss_reaches_every_weight_of_denoiser_and_sketch_encoder(tiny_config):
    seen = Observed(tiny_config, Strategy())
    seen.losses["loss"].backward()
    assert [name for name, weight in seen.module.named_parameters() if weight.grad is None] == []


def test_shuffle_strategy_permutes_what_the_unet_sees(tiny_config):
    seen = Observed(tiny_config, Strategy(shuffle=True))
    given, shown = seen.batch.tokens.float(), seen.calls[0][3]
    assert not torch.equal(given, shown)
    assert torch.equal(given.sort(1).values, shown.sort(1).values)


def test_drop_strategy_shows_zero_tokens(tiny_config):
    seen = Observed(tiny_config, Strategy(shuffle=True, drop=1.0))
    assert not seen.calls[0][3].any()


def test_sketch_drop_shows_an_empty_sketch(tiny_config):
    seen = Observed(tiny_config, Strategy(sketch_drop=1.0))
    assert (seen.sketches[0] == -1).all()


def test_noisy_strategy_is_equation_3_with_the_latents_t(tiny_config):
    seen = Observed(tiny_config, Strategy(noisy=1.0))
    _, t, _, shown, _ = seen.calls[0]
    squared = seen.module.alphas_cumprod[t].view(-1, 1, 1)
    eps = (shown - squared.sqrt() * seen.batch.tokens.float()) / (1 - squared).sqrt()
    torch.testing.assert_close(eps.std((1, 2)), torch.ones(12), atol=0.2, rtol=0)
    assert (eps * seen.batch.tokens.float()).mean().abs() < 0.05


def test_dual_strategy_is_equation_4(tiny_config):
    seen = Observed(tiny_config, Strategy(shuffle=True, dual=4.0))
    (_, t, features, tokens, _), (_, other_t, other_features, nothing, _) = seen.calls
    assert nothing is None and tokens is not None
    assert torch.equal(t, other_t) and all(map(torch.equal, features, other_features))
    assert (seen.eps(0) * seen.eps(1)).mean().abs() < 0.1  # independent
    torch.testing.assert_close(seen.losses["main"], seen.loss(0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(seen.losses["dual"], seen.loss(1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(seen.losses["loss"], seen.loss(0) + 4 * seen.loss(1), atol=1e-3, rtol=1e-4)


def test_cls_model_trains_on_one_token(tiny_config):
    seen = Observed(tiny_config, Strategy(), kind="cls")
    seen.losses["loss"].backward()
    assert seen.calls[0][3].shape == (12, 1, 32)
    attention = {name: weight.grad for name, weight in seen.module.named_parameters() if ".attn2.to_" in name}
    assert all((gradient is None) == ("to_q" in name or "to_k" in name) for name, gradient in attention.items())


def test_shifted_timesteps():
    torch.manual_seed(0)
    cpu = torch.device("cpu")
    t = draw_timesteps(20_000, 1000, 2.5, 0.0, cpu)
    assert (t.min(), t.max()) >= (0, 990) and t.max() <= 999
    assert float((t >= 500).float().mean()) == pytest.approx(2.5 / 3.5, abs=0.02)  # u >= 1 / 3.5 lands there
    uniform = draw_timesteps(20_000, 1000, 1.0, 0.0, cpu)
    assert float((uniform >= 500).float().mean()) == pytest.approx(0.5, abs=0.02)
    started = draw_timesteps(20_000, 1000, 1.0, 0.25, cpu)
    assert float((started == 999).float().mean()) == pytest.approx(0.25, abs=0.02)


def test_nothing_of_the_picture_shows_at_the_last_timestep(tiny_config):
    seen = Observed(tiny_config, Strategy(start=1.0))
    z, t, *_, output = seen.calls[0]
    assert (t == 999).all()
    # z is eps, so the loss of v = alpha eps - beta z_0 is found from z itself
    target = prediction_target(seen.batch.z0.float(), z, t, seen.module.alphas_cumprod, "v_prediction")
    torch.testing.assert_close(seen.losses["loss"], F.mse_loss(output, target))


def test_pure_noise_stands_at_the_last_timestep_only():
    z, eps = torch.randn(2, 3, 4, 8, 8)
    mixed = pure_noise_at_last(z, eps, torch.tensor([0, 999, 998]), 1000)
    assert torch.equal(mixed[1], eps[1]) and torch.equal(mixed[[0, 2]], z[[0, 2]])
