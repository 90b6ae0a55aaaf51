"""The networks that draw, for several threads of which one is inside at a time; pictures out of their latents."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from PIL import Image
from torch import Tensor

from colorizer.errors import UserError
from colorizer.images import Placement
from colorizer.models.model import ColorizationModel
from colorizer.models.vae import TILE, TILE_OVERLAP
from colorizer.workload import Workload

NO_LINES = -1.0  # the sketch's value where there is no line
INVALID_NUMBERS = "The model gave invalid numbers (NaN); lower the guidance scales or choose dtype float32."


class LockedModel:
    """Denoiser, sketch encoder and VAE. The lock is meant to be held for one step."""

    def __init__(self, model: ColorizationModel, dtype: torch.dtype):
        """`model` in float32 on its device; `dtype` is what denoiser and sketch encoder will compute in."""
        self.model, self.dtype, self.config = model, dtype, model.config
        self.device = next(model.parameters()).device
        model.unet.to(dtype)
        model.sketch_encoder.to(dtype)
        self.workload = Workload(self.config, self.device, dtype, model.vae.downscale)
        self._lock = threading.Lock()

    @property
    def size_multiple(self) -> int:
        """Sides of the canvas are multiples of this: the U-Net halves the latent on every level."""
        return self.model.vae.downscale * 2 ** (len(self.config.unet.block_out_channels) - 1)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Alone in the model, without gradients."""
        with self._lock, torch.inference_mode():
            yield

    def empty_features(self, placement: Placement) -> tuple[Tensor, ...]:
        """The sketch encoder's features of a canvas without lines, batch 1; to be called inside."""
        size = (placement.height, placement.width)
        return self.model.sketch_encoder(torch.full((1, 3, *size), NO_LINES, device=self.device, dtype=self.dtype))

    def decode(self, z: Tensor, placement: Placement) -> Image.Image:
        """z (1, C, h, w) -> the picture, cropped to the sketch's aspect. Raises UserError for invalid numbers."""
        with self.inside():
            with self.workload.measured_vae("decode", (placement.width, placement.height)):
                if max(z.shape[2:]) > TILE:
                    pixels = self.model.vae.decode_in_tiles(z, TILE, TILE_OVERLAP)[0]
                else:
                    pixels = self.model.vae.decode(z)[0]
            if not pixels.isfinite().all():
                raise UserError(INVALID_NUMBERS)
            return placement.crop(to_picture(pixels))

    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels (1, 3, H, W) in [-1, 1] -> z (1, C, h, w)."""
        with self.inside():
            vae, pixels = self.model.vae, pixels.to(self.device)
            with self.workload.measured_vae("encode", (pixels.shape[3], pixels.shape[2])):
                if max(pixels.shape[2:]) > TILE * vae.downscale:
                    return vae.encode_in_tiles(pixels, TILE, TILE_OVERLAP)
                return vae.encode(pixels)

    def free_memory(self) -> None:
        """Give back what the device's allocator keeps in reserve."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def to_picture(pixels: Tensor) -> Image.Image:
    """Decoded pixels (3, H, W), about [-1, 1], as an "RGB" picture."""
    levels = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to("cpu", torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy())
