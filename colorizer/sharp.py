"""Between the passes of a sharp picture: how large each is, and the picture that the next one begins with."""

import math

from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.functional import pil_to_tensor

from colorizer.images import Placement
from colorizer.layers import keep_lines

REFINE_NOISE = 0.4  # beta_t at which a later pass begins


def draft_size(native: int, size: int) -> int | None:
    """Longest side in pixels of the pass before one of `size`; None where that is the first.

    All passes from the native size on are larger than the one before by the same factor, at most 2: lines that are
    much thicker than the model ever saw are drawn ragged.
    """
    if size <= native:
        return None
    passes = math.ceil(math.log2(size / native))
    return round(native * (size / native) ** ((passes - 1) / passes))


def enlarged(picture: Image.Image, lines: Image.Image, target: Placement) -> Tensor:
    """A result (mode "RGB") as the pixels (1, 3, H, W) in [-1, 1] of a larger canvas, with the lines laid over it.

    lines: the sketch, mode "L", of any size. Beyond the picture its border is continued. The latent itself must not be
    enlarged: values between those of neighbouring positions are no picture to the decoder, and noise to the model.
    """
    left, top, right, bottom = target.box
    picture = keep_lines(picture, lines.resize((right - left, bottom - top), Image.Resampling.LANCZOS))
    pixels = pil_to_tensor(picture)[None] / 127.5 - 1
    margins = (left, target.width - right, top, target.height - bottom)
    return F.pad(pixels, margins, mode="replicate")
