"""Training of the mini model's autoencoder: reconstruction of crops (L1 + MSE).

Each latent channel is pulled to mean 0 and deviation 1, as diffusion wants it, and a little noise is put on the latents
before decoding, so that what the denoiser does not get quite right decodes smoothly.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.utils import save_image

from colorizer.data.triples import TripleSampler
from colorizer.models.vae import LatentAutoencoder
from colorizer.training.log import SAMPLES

LATENT_WEIGHT = 0.02
LATENT_NOISE = 0.05


class VAELoss(nn.Module):
    """pixels (B, 3, S, S) in [-1, 1] -> {"loss", "l1", "spread"}.

    decoder_only: the encoder stays, and with it every latent that a denoiser has learnt.
    """

    def __init__(self, vae: LatentAutoencoder, decoder_only: bool = False):
        super().__init__()
        self.vae = vae
        if decoder_only:
            vae.requires_grad_(False)
            vae.autoencoder.decoder.requires_grad_(True)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        latent = self.vae.encode_mean(pixels).float()
        mean, deviation = latent.mean((0, 2, 3)), latent.std((0, 2, 3))
        spread = mean.square().mean() + (deviation - 1).square().mean()
        restored = self.vae.decode_unscaled(latent + LATENT_NOISE * torch.randn_like(latent)).float()
        l1 = F.l1_loss(restored, pixels)
        return {"loss": l1 + F.mse_loss(restored, pixels) + LATENT_WEIGHT * spread, "l1": l1, "spread": spread}


class VAETask:
    """Crops of truths and references. Pictures are kept for a while: each gives several crops."""

    def __init__(
        self,
        vae: LatentAutoencoder,
        sampler: TripleSampler,
        held_out: TripleSampler,
        crop: int = 128,
        decoder_only: bool = False,
    ):
        self.module = VAELoss(vae, decoder_only)
        self.sampler = sampler
        self.crop = crop
        self.generator = torch.Generator().manual_seed(7)
        triples = held_out.sample(32)
        self.held_out = torch.cat([triples.truth, triples.reference[:8]]) * 2 - 1
        self.pictures = torch.empty(0)
        self.uses = 0
        self.before = sampler.state_dict()  # the sampler's state before `pictures` were drawn

    def batch(self, size: int) -> Tensor:
        """size crops in [-1, 1]; a quarter as many new pictures are drawn as there are crops."""
        if self.uses <= 0:
            self._draw(max(size, 16))
            self.uses = 4
        self.uses -= 1
        side = self.pictures.shape[-1] - self.crop + 1
        which = torch.randint(len(self.pictures), (size,), generator=self.generator).tolist()
        top, left = (torch.randint(side, (size,), generator=self.generator).tolist() for _ in range(2))
        crops = [
            self.pictures[i, :, y : y + self.crop, x : x + self.crop] for i, y, x in zip(which, top, left, strict=True)
        ]
        return torch.stack(crops) * 2 - 1

    def validate(self, module: VAELoss, folder: Path, step: int) -> dict[str, float]:
        """PSNR in dB on held-out pictures; a grid of the first eight."""
        restored = torch.cat([module.vae.decode(module.vae.encode(part)) for part in self.held_out.split(8)])
        restored = restored.float().clamp(-1, 1)
        mse = (restored - self.held_out).square().mean((1, 2, 3)) / 4
        grid = torch.cat([self.held_out[:8], restored[:8]]) / 2 + 0.5
        save_image(grid, folder / SAMPLES, nrow=8)
        return {"psnr": float((-10 * torch.log10(mse)).mean())}

    def _draw(self, count: int) -> None:
        self.before = self.sampler.state_dict()
        self.pictures = self.sampler.sample_pictures(count)

    def state_dict(self) -> dict:
        return {
            "sampler": self.before,
            "pictures": len(self.pictures),
            "uses": self.uses,
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: dict) -> None:
        """The pictures at hand are drawn again."""
        self.sampler.load_state_dict(state["sampler"])
        self.generator.set_state(state["generator"])
        if state["pictures"]:
            self._draw(state["pictures"])
            self.uses = state["uses"]


@torch.no_grad()
def latent_statistics(vae: LatentAutoencoder, pictures: Tensor) -> tuple[float, float]:
    """(shift_factor, scaling_factor) that give z mean 0 and deviation 1 over pictures (B, 3, S, S) in [0, 1]."""
    mean = torch.cat([vae.encode_mean(part * 2 - 1) for part in pictures.split(8)]).float()
    return float(mean.mean()), float(1 / mean.std())
