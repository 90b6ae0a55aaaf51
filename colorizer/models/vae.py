"""The latent space: a variational autoencoder with scaling factor f = 8 (SPEC section 1), from diffusers."""

from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional as F

from colorizer.config import VAEConfig


class LatentAutoencoder(nn.Module):
    """diffusers' AutoencoderKL on space-to-depth patches.

    With patch_size 1 this is Stable Diffusion's VAE. A patch size of 4 and two levels give the same f = 8 without a
    single convolution at full resolution, which is what makes the difference on a CPU.
    """

    def __init__(self, config: VAEConfig):
        super().__init__()
        self.config = config
        levels = len(config.block_out_channels)
        channels = 3 * config.patch_size**2
        self.autoencoder = AutoencoderKL(
            in_channels=channels,
            out_channels=channels,
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=config.block_out_channels,
            layers_per_block=config.layers_per_block,
            latent_channels=config.latent_channels,
            norm_num_groups=config.norm_num_groups,
            scaling_factor=config.scaling_factor,
            mid_block_add_attention=config.mid_attention,
        )

    @property
    def downscale(self) -> int:
        """f: pixels of the picture per latent position."""
        return self.config.patch_size * 2 ** (len(self.config.block_out_channels) - 1)

    def posterior(self, pixels: Tensor):
        """pixels (B, 3, H, W) in [-1, 1], H and W multiples of f -> diffusers' DiagonalGaussianDistribution, unscaled."""
        return self.autoencoder.encode(F.pixel_unshuffle(pixels, self.config.patch_size)).latent_dist

    def encode(self, pixels: Tensor) -> Tensor:
        """pixels (B, 3, H, W) in [-1, 1] -> z (B, C, H/f, W/f), the scaled mean."""
        return (self.posterior(pixels).mean - self.config.shift_factor) * self.config.scaling_factor

    def decode(self, z: Tensor) -> Tensor:
        """z (B, C, h, w), scaled -> pixels (B, 3, f h, f w), about [-1, 1], not clipped."""
        return self.decode_unscaled(z / self.config.scaling_factor + self.config.shift_factor)

    def decode_unscaled(self, latent: Tensor) -> Tensor:
        """As `decode` for a latent without scaling, as `posterior` gives it."""
        return F.pixel_shuffle(self.autoencoder.decode(latent).sample, self.config.patch_size)
