"""Training of the mini model's VAE: reconstruction of crops (L1 + MSE), a slight pull of the latents to N(0, I)."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.utils import save_image

from colorizer.data.triples import TripleSampler
from colorizer.models.vae import LatentAutoencoder

KL_WEIGHT = 1e-6


class VAELoss(nn.Module):
    """pixels (B, 3, S, S) in [-1, 1] -> {"loss", "l1"}."""

    def __init__(self, vae: LatentAutoencoder):
        super().__init__()
        self.vae = vae

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        posterior = self.vae.posterior(pixels)
        restored = self.vae.decode_unscaled(posterior.sample())
        l1 = F.l1_loss(restored.float(), pixels)
        mse = F.mse_loss(restored.float(), pixels)
        return {"loss": l1 + mse + KL_WEIGHT * posterior.kl().mean(), "l1": l1}


class VAETask:
    """Crops of truths and references. Pictures are kept for a while: each gives several crops."""

    def __init__(self, vae: LatentAutoencoder, sampler: TripleSampler, held_out: TripleSampler, crop: int = 128):
        self.module = VAELoss(vae)
        self.sampler = sampler
        self.crop = crop
        self.generator = torch.Generator().manual_seed(7)
        triples = held_out.sample(32)
        self.held_out = torch.cat([triples.truth, triples.reference[:8]]) * 2 - 1
        self.pictures = torch.empty(0)
        self.uses = 0

    def batch(self, size: int) -> Tensor:
        """size crops in [-1, 1]; a quarter as many new pictures are drawn as there are crops."""
        if self.uses <= 0:
            self.pictures = self.sampler.sample_pictures(max(size, 16))
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
        save_image(grid, folder / "samples.png", nrow=8)
        return {"psnr": float((-10 * torch.log10(mse)).mean())}

    def state_dict(self) -> dict:
        return {"sampler": self.sampler.state_dict(), "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict) -> None:
        self.sampler.load_state_dict(state["sampler"])
        self.generator.set_state(state["generator"])


@torch.no_grad()
def standardise_latents(vae: LatentAutoencoder, pictures: Tensor) -> None:
    """Give every latent channel mean 0 and deviation 1 over pictures (B, 3, S, S) in [0, 1], pictures unchanged.

    The change is folded into the 1x1 convolutions on both sides of the latent: exact, and no factor per channel has to
    be carried along. Without it, channels of small deviation would hardly count in the diffusion loss.
    """
    mean = torch.cat([vae.posterior(part * 2 - 1).mean for part in pictures.split(8)]).float()
    shift, deviation = mean.mean((0, 2, 3)), mean.std((0, 2, 3))
    into, out_of = vae.autoencoder.quant_conv, vae.autoencoder.post_quant_conv
    channels = len(shift)
    out_of.bias += out_of.weight[:, :, 0, 0] @ shift
    out_of.weight *= deviation.view(1, -1, 1, 1)
    into.weight[:channels] /= deviation.view(-1, 1, 1, 1)
    into.bias[:channels] = (into.bias[:channels] - shift) / deviation
    into.bias[channels:] -= 2 * deviation.log()  # the second half is the logarithm of the variance
