"""The latent space: an autoencoder with scaling factor f = 8, from diffusers."""

from collections.abc import Callable

import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from torch import Tensor, nn
from torch.nn import functional as F

from colorizer.config import VAEConfig

TILE, TILE_OVERLAP = 128, 32  # latent positions; larger latents are made and decoded in tiles


class LatentAutoencoder(nn.Module):
    """diffusers' AutoencoderKL or AutoencoderTiny on space-to-depth patches.

    "kl" with patch_size 1 is Stable Diffusion's VAE. A patch size of 4 and two levels give the same f = 8 without a
    single convolution at full resolution, which is what makes the difference on a CPU.
    """

    def __init__(self, config: VAEConfig):
        super().__init__()
        self.config = config
        self.autoencoder = _kl(config) if config.kind == "kl" else _tiny(config)

    @property
    def downscale(self) -> int:
        """f: pixels of the picture per latent position."""
        return self.config.patch_size * 2 ** (len(self.config.block_out_channels) - 1)

    def encode_mean(self, pixels: Tensor) -> Tensor:
        """pixels (B, 3, H, W) in [-1, 1], H and W multiples of f -> latent mean (B, C, H/f, W/f), not scaled."""
        encoded = self.autoencoder.encode(F.pixel_unshuffle(pixels, self.config.patch_size))
        return encoded.latent_dist.mean if self.config.kind == "kl" else encoded.latents

    def encode(self, pixels: Tensor) -> Tensor:
        """pixels (B, 3, H, W) in [-1, 1] -> z (B, C, H/f, W/f), the scaled mean."""
        return (self.encode_mean(pixels) - self.config.shift_factor) * self.config.scaling_factor

    def decode(self, z: Tensor) -> Tensor:
        """z (B, C, h, w), scaled -> pixels (B, 3, f h, f w), about [-1, 1], not clipped."""
        return self.decode_unscaled(z / self.config.scaling_factor + self.config.shift_factor)

    def decode_in_tiles(self, z: Tensor, tile: int, overlap: int) -> Tensor:
        """As `decode` in bounded memory: square tiles of `tile` latent positions that share `overlap` are blended.

        diffusers' own tiling of AutoencoderTiny knows three channels and no patches. A tile's border, where the
        decoder lacks its surroundings, counts least. Without normalisation (kind "tiny") the seams are exact to
        rounding as soon as three eighths of the overlap cover the decoder's reach.
        """
        f = self.downscale
        pixels = z.new_zeros(len(z), 3, z.shape[2] * f, z.shape[3] * f)
        return _blend(self.decode, z, pixels, tile, overlap, (1, f))

    def encode_in_tiles(self, pixels: Tensor, tile: int, overlap: int) -> Tensor:
        """As `encode` in bounded memory; `tile` and `overlap` in latent positions, see `decode_in_tiles`."""
        f = self.downscale
        z = pixels.new_zeros(len(pixels), self.config.latent_channels, pixels.shape[2] // f, pixels.shape[3] // f)
        return _blend(self.encode, pixels, z, tile, overlap, (f, 1))

    def decode_unscaled(self, latent: Tensor) -> Tensor:
        """As `decode` for a latent without scaling, as `encode_mean` gives it."""
        return F.pixel_shuffle(self.autoencoder.decode(latent).sample, self.config.patch_size)

    @torch.no_grad()
    def start_as_box_filter(self) -> None:
        """Initialise a "tiny" autoencoder to reproduce the mean colour of each f x f cell, through latents 0 to 2.

        Training then adds the detail. From random weights the colours alone take hundreds of steps. The colours travel
        as the first three channels of the residual stream, which is positive and passes the ReLUs unchanged.
        """
        encoder, decoder = self.autoencoder.encoder.layers, self.autoencoder.decoder.layers
        patch = self.config.patch_size**2
        for module in (*encoder, *decoder):
            if hasattr(module, "fuse"):  # a residual block: the identity on what is positive
                nn.init.zeros_(module.conv[-1].weight)
                nn.init.zeros_(module.conv[-1].bias)
        last = len(encoder) - 1
        for index, module in enumerate(encoder):
            if isinstance(module, nn.Conv2d):
                for c in range(3):
                    _clear(module, c)
                    if index == 0:  # the mean over a patch; pixel_unshuffle keeps the subpixels of a colour together
                        module.weight[c, c * patch : (c + 1) * patch, 1, 1] = 1 / patch
                    elif index == last:  # [0, 1] to about deviation 1
                        module.weight[c, c, 1, 1] = LATENT_GAIN
                        module.bias[c] = -LATENT_GAIN / 2
                    else:
                        module.weight[c, c, 1:, 1:] = 1 / 4
        last = len(decoder) - 1
        for index, module in enumerate(decoder):
            if isinstance(module, nn.Conv2d):
                outputs = [[c] for c in range(3)]
                if index == last:
                    outputs = [range(c * patch, (c + 1) * patch) for c in range(3)]
                    module.weight *= 0.1
                for c, rows in enumerate(outputs):
                    for row in rows:
                        _clear(module, row)
                        module.weight[row, c, 1, 1] = 1 / LATENT_GAIN if index == 0 else 1
                        if index == 0:
                            module.bias[row] = 0.5


LATENT_GAIN = 3.0


def _clear(convolution: nn.Conv2d, row: int) -> None:
    convolution.weight[row] = 0
    if convolution.bias is not None:
        convolution.bias[row] = 0


def _kl(config: VAEConfig) -> AutoencoderKL:
    levels, channels = len(config.block_out_channels), 3 * config.patch_size**2
    return AutoencoderKL(
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


def _tiny(config: VAEConfig) -> AutoencoderTiny:
    channels = 3 * config.patch_size**2
    blocks = (1, *(config.layers_per_block,) * (len(config.block_out_channels) - 1))
    return AutoencoderTiny(
        in_channels=channels,
        out_channels=channels,
        encoder_block_out_channels=config.block_out_channels,
        decoder_block_out_channels=config.block_out_channels[::-1],
        num_encoder_blocks=blocks,
        num_decoder_blocks=blocks[::-1],
        latent_channels=config.latent_channels,
    )


def _blend(
    function: Callable[[Tensor], Tensor], x: Tensor, into: Tensor, tile: int, overlap: int, scales: tuple[int, int]
) -> Tensor:
    """`function` of every tile of x, blended in `into` (zeros); scales: pixels of x and of `into` a latent position."""
    of_x, of_result = scales
    tops, lefts = (_tile_starts(side // of_x, tile, overlap) for side in x.shape[2:])
    total = into.new_zeros(1, 1, *into.shape[2:])
    for top in tops:
        for left in lefts:
            part = function(x[..., top * of_x : (top + tile) * of_x, left * of_x : (left + tile) * of_x])
            rows = _tile_weight(part.shape[2], overlap * of_result, top == tops[0], top == tops[-1])
            columns = _tile_weight(part.shape[3], overlap * of_result, left == lefts[0], left == lefts[-1])
            weight = (rows[:, None] * columns).to(part)
            begin, end = (top * of_result, left * of_result), part.shape[2:]
            area = (..., slice(begin[0], begin[0] + end[0]), slice(begin[1], begin[1] + end[1]))
            into[area] += weight * part
            total[area] += weight
    return into / total


def positions_in_tiles(height: int, width: int, tile: int = TILE, overlap: int = TILE_OVERLAP) -> int:
    """Latent positions that go through the VAE for a latent of this size: what tiles share counts with each of them."""
    rows, columns = (len(_tile_starts(side, tile, overlap)) * min(side, tile) for side in (height, width))
    return rows * columns


def _tile_starts(side: int, tile: int, overlap: int) -> list[int]:
    last = max(0, side - tile)
    return [*range(0, last, tile - overlap), last]


def _tile_weight(side: int, overlap: int, is_first: bool, is_last: bool) -> Tensor:
    """(side,): 1, but next to nothing in the outer three eighths of an overlap, and a ramp from there to five eighths.

    The first and the last tile have no overlap at the picture's own border.
    """
    begin, end = torch.arange(side), torch.arange(side).flip(0)
    distance = torch.minimum(begin if not is_first else end, end if not is_last else begin)
    if is_first and is_last:
        return torch.ones(side)
    return ((distance - 3 / 8 * overlap) / (overlap / 4)).clamp(1e-6, 1)
