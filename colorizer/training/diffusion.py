"""Training of the sketch encoder and the denoiser on encoded triples."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.utils import save_image

from colorizer.data.triples import TripleSampler
from colorizer.models.model import ColorizationModel
from colorizer.training.edited import TokenEditor
from colorizer.training.log import SAMPLES
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
from colorizer.training.region_weight import region_weight

NO_LINES = -1.0
GROUP = 16  # triples drawn and encoded at a time


@dataclass(frozen=True)
class EncodedTriples:
    """z0 (B, C, h, w); tokens (B, n, D), the U-Net's context; sketch (B, 1, S, S) uint8 darkness, 255 for ink; weight
    (B, 1, h, w) of each cell in the loss.
    """

    z0: Tensor
    tokens: Tensor
    sketch: Tensor
    weight: Tensor


class DiffusionLoss(nn.Module):
    """Eq. 2 with the conditions prepared as a `Strategy` says; eq. 4 when it has a dual weight."""

    def __init__(self, model: ColorizationModel, strategy: Strategy):
        super().__init__()
        self.unet = model.unet
        self.sketch_encoder = model.sketch_encoder
        self.strategy = strategy
        self.prediction_type = model.config.noise.prediction_type
        self.last_timestep = model.config.noise.last_timestep
        self.register_buffer("alphas_cumprod", noise_schedule(model.config.noise), persistent=False)

    def forward(self, batch: EncodedTriples) -> dict[str, Tensor]:
        strategy = self.strategy
        z0, tokens = batch.z0.float(), batch.tokens.float()
        sketch = (batch.sketch.float() / 127.5 - 1).expand(-1, 3, -1, -1)
        t = draw_timesteps(len(z0), len(self.alphas_cumprod), strategy.timestep_shift, strategy.start, z0.device)
        if strategy.shuffle:
            tokens = shuffle_tokens(tokens)
        tokens = noisy_share(tokens, t, self.alphas_cumprod, strategy.noisy)
        tokens = drop(tokens, strategy.drop)
        features = self.sketch_encoder(drop(sketch, strategy.sketch_drop, NO_LINES))
        loss = main = self.denoising_loss(z0, t, features, tokens, batch.weight)
        losses = {"loss": loss, "main": main}
        if strategy.dual:
            losses["dual"] = self.denoising_loss(
                z0, t, features, None, batch.weight
            )  # an independent eps' is drawn inside
            losses["loss"] = loss + strategy.dual * losses["dual"]
        return losses

    def denoising_loss(
        self, z0: Tensor, t: Tensor, features: tuple[Tensor, ...], tokens: Tensor | None, weight: Tensor
    ) -> Tensor:
        """weight || target - prediction(z_t, t, s, tau(r)) ||^2, mean over everything, for a fresh eps."""
        eps = draw_noise(z0, self.strategy.offset)
        z = diffuse(z0, eps, t, self.alphas_cumprod)
        if self.strategy.start:
            z = pure_noise_at_last(z, eps, t, len(self.alphas_cumprod))
        prediction = self.unet(z, t, features, tokens)
        target = prediction_target(z0, eps, t, self.alphas_cumprod, self.prediction_type)
        return (weight.float() * (prediction.float() - target).square()).mean()


class TriplePool:
    """A ring of encoded triples, some of them replaced at every batch: drawing and encoding cost more than a step.

    Its state is only where the sampler stood before the oldest triple of the ring: the rest is drawn again from there.
    """

    def __init__(
        self,
        model: ColorizationModel,
        sampler: TripleSampler,
        capacity: int,
        reuse: float,
        region_balance: float = 0.0,
    ):
        """reuse: how often a triple is used on average before another takes its place.

        region_balance: see `Strategy`.
        """
        self.model, self.sampler, self.capacity, self.reuse = model, sampler, capacity, reuse
        self.region_balance = region_balance
        self.editor = TokenEditor(model)
        self.ring: EncodedTriples | None = None
        self.filled, self.cursor, self.owed = 0, 0, 0.0
        self.generator = torch.Generator().manual_seed(11)
        self.origins: deque[dict] = deque(maxlen=-(-capacity // GROUP))  # sampler states, one a group in the ring
        self.missing = 0  # groups to be drawn again

    @torch.no_grad()
    def encode(self, count: int) -> EncodedTriples:
        """`count` new triples, encoded by the frozen VAE and CLIP."""
        triples = self.sampler.sample(count)
        z0 = self.model.vae.encode(triples.truth * 2 - 1)
        tokens = self.model.clip.encode_image(triples.reference)
        if any(triples.changes):
            tokens = self.editor.edit(tokens.float(), triples.changes, self.sampler.rng)
        tokens = self.model.reference_context(tokens)
        ink = ((1 - triples.sketch) * 255).round().to(torch.uint8)
        weight = region_weight(triples.truth, triples.truth.shape[-1] // z0.shape[-1], self.region_balance)
        return EncodedTriples(z0.half(), tokens.half(), ink, weight.half())

    def batch(self, size: int) -> EncodedTriples:
        """size triples at random from the ring, after its share of new ones has come in."""
        while self.missing:  # not at once in load_state_dict: encoding depends on the autocast of the training
            self._add(self._next_group())
            self.missing -= 1
        self.owed += size / self.reuse
        while self.owed >= GROUP or self.filled < min(self.capacity, 8 * size):
            self._add(self._next_group())
            self.owed = max(0.0, self.owed - GROUP)
        chosen = torch.randint(self.filled, (size,), generator=self.generator).to(self.ring.z0.device)
        return EncodedTriples(*(stored[chosen] for stored in vars(self.ring).values()))

    def state_dict(self) -> dict:
        return {
            "origin": self.origins[0] if self.origins else self.sampler.state_dict(),
            "groups": len(self.origins),
            "cursor": self.cursor,
            "owed": self.owed,
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict) -> None:
        self.sampler.load_state_dict(state["origin"])
        self.generator.set_state(state["generator"])
        self.ring, self.filled, self.owed, self.missing = None, 0, state["owed"], state["groups"]
        self.cursor = (state["cursor"] - GROUP * self.missing) % self.capacity
        self.origins.clear()

    def _next_group(self) -> EncodedTriples:
        self.origins.append(self.sampler.state_dict())
        return self.encode(GROUP)

    def _add(self, new: EncodedTriples) -> None:
        if self.ring is None:
            self.ring = EncodedTriples(*(x.new_zeros(self.capacity, *x.shape[1:]) for x in vars(new).values()))
        rows = (torch.arange(len(new.z0)) + self.cursor) % self.capacity
        rows = rows.to(new.z0.device)
        for stored, fresh in zip(vars(self.ring).values(), vars(new).values(), strict=True):
            stored[rows] = fresh
        self.cursor = (self.cursor + len(rows)) % self.capacity
        self.filled = min(self.capacity, self.filled + len(rows))


class DiffusionTask:
    """Batches from a pool; validation is PSNR of eight steps' results on held-out triples, and a grid to look at."""

    def __init__(
        self,
        model: ColorizationModel,
        strategy: Strategy,
        sampler: TripleSampler,
        held_out: TripleSampler,
        capacity: int = 2048,
        reuse: float = 4.0,
    ):
        for frozen in (model.vae, model.clip):
            frozen.requires_grad_(False).eval()
        self.model = model
        self.module = DiffusionLoss(model, strategy)
        self.pool = TriplePool(model, sampler, capacity, reuse, strategy.region_balance)
        self.held_out = held_out.sample(24)
        with torch.no_grad():
            self.context = model.reference_context(model.clip.encode_image(self.held_out.reference))

    def batch(self, size: int) -> EncodedTriples:
        return self.pool.batch(size)

    def validate(self, module: DiffusionLoss, folder: Path, step: int) -> dict[str, float]:
        """PSNR in dB against the truth, with the reference at GS 1."""
        truth = self.held_out.truth
        sketch = ((1 - self.held_out.sketch) * 2 - 1).expand(-1, 3, -1, -1)
        features = module.sketch_encoder(sketch)
        noise = torch.randn(
            len(truth),
            module.unet.conv_in.in_channels,
            *features[0].shape[-2:],
            generator=torch.Generator().manual_seed(0),
        )
        z = sample_quickly(module, noise.to(truth.device), features, self.context)
        result = (self.model.vae.decode(z).float() / 2 + 0.5).clamp(0, 1)
        rows = [self.held_out.sketch.expand(-1, 3, -1, -1), self.held_out.reference, result, truth]
        save_image(torch.cat([row[:12] for row in rows]), folder / SAMPLES, nrow=12)
        mse = (result - truth).square().mean((1, 2, 3))
        return {"psnr": float((-10 * torch.log10(mse)).mean())}

    def state_dict(self) -> dict:
        return {"pool": self.pool.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.pool.load_state_dict(state["pool"])


def sample_quickly(
    module: DiffusionLoss, z: Tensor, features: tuple[Tensor, ...], tokens: Tensor, steps: int = 8
) -> Tensor:
    """DDIM from noise z in few steps down to the model's last timestep, without guidance: enough to watch training."""
    first = len(module.alphas_cumprod) - 1
    times = torch.linspace(first, max(module.last_timestep, first / steps), steps).round().long().tolist()
    for now, then in zip(times, [*times[1:], 0], strict=True):
        t = torch.full((len(z),), now, device=z.device)
        squared, next_squared = module.alphas_cumprod[now], module.alphas_cumprod[then]
        alpha, beta = squared.sqrt(), (1 - squared).sqrt()
        out = module.unet(z, t, features, tokens).float()
        if module.prediction_type == "epsilon":
            eps, z0 = out, (z - beta * out) / alpha
        else:
            eps, z0 = alpha * out + beta * z, alpha * z - beta * out
        z = next_squared.sqrt() * z0 + (1 - next_squared).sqrt() * eps
    return z0
