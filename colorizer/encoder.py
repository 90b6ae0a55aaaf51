"""CLIP as a model uses it, safe to call from several threads, also while the denoiser runs in another."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorizer.checkpoint import load_clip
from colorizer.manipulation.texts import text_notes
from colorizer.models.clip import ReferenceEncoder
from colorizer.precision import choose_device, choose_dtype


class Encoder:
    """Reference pictures and texts to tokens. Its lock is its own: nobody waits here for a generation under way."""

    def __init__(self, clip: ReferenceEncoder, half: bool = False):
        """clip: in eval mode on its device; half: compute in float16, for a GPU."""
        self.clip = clip.to(torch.float16) if half else clip
        self._half = half
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: str | Path, device: str = "auto") -> "Encoder":
        """The CLIP of a checkpoint without its other networks. Raises UserError."""
        where = choose_device(device)
        return cls(load_clip(path, where), halves_clip(choose_dtype("auto", where), where))

    def encode_image(self, image: Image.Image) -> Tensor:
        """Image tokens (1, 1 + n, D), float32, CLS first, not normalised, of a picture of any size and aspect."""
        # Whole pixels are averaged first: 40 megapixels as floats would take half a gigabyte.
        image = image.convert("RGB")
        image = image.reduce(max(1, min(image.size) // (8 * self.clip.image_size)))
        # (H, W, 3) -> (1, 3, H, W)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
        with self._inside():
            return self.clip.encode_image(pixels.to(self.clip.mean.device) / 255).float()

    def encode_text(self, texts: list[str]) -> Tensor:
        """Text embeddings (len(texts), D), float32, each of length 1."""
        with self._inside():
            return self.clip.encode_text(texts).float()

    def text_notes(self, text: str, known_words: tuple[str, ...]) -> list[str]:
        """What of `text` is cut or was never seen, as sentences for the user."""
        return text_notes(text, self.clip.tokenizer, known_words)

    @contextmanager
    def _inside(self) -> Iterator[None]:
        device = self.clip.mean.device.type
        with self._lock, torch.inference_mode(), torch.autocast(device, torch.float16, enabled=self._half):
            yield


def halves_clip(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether CLIP computes in float16 where the denoiser computes in `dtype`: on a GPU only."""
    return dtype != torch.float32 and device.type == "cuda"
