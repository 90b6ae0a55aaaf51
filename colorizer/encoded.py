"""What is prepared once and serves many generations: a reference and a sketch as the model takes them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor

from colorizer.images import Placement
from colorizer.match_colours import NEAR, NEAR_EDITED, Palette, palette_of


@dataclass(frozen=True)
class EncodedReference:
    """tokens: (1, 1 + n, D) float32, CLS first, not normalised; on the model's device.

    picture: the reference itself, mode "RGB", perhaps smaller, for attention injection, AdaIN and its colours.
    unedited: (rows, columns) bool, a grid over the picture of what no edit has reached; None for all of it.
    """

    tokens: Tensor
    picture: Image.Image | None = None
    unedited: Tensor | None = None

    def palette(self, counting: Tensor | None = None) -> Palette:
        """The colours that no edit has reached. counting: (rows, columns) bool, a grid of what else counts."""
        if self.picture is None:
            return Palette(np.empty((0, 3)))
        grids = [grid.cpu().numpy() for grid in (self.unedited, counting) if grid is not None]
        colours = palette_of(self.picture, np.logical_and.reduce(grids) if grids else None)
        is_edited = self.unedited is not None and not self.unedited.all()
        return Palette(colours, NEAR_EDITED if is_edited else NEAR)


@dataclass(frozen=True)
class EncodedSketch:
    """features: the sketch encoder's, batch 1. latent_size: (h, w). placement: where the sketch lies on its padding.

    lines: the sketch itself, mode "L", in its own size. draft: for a sharp picture, the same for the pass before.
    """

    features: tuple[Tensor, ...]
    latent_size: tuple[int, int]
    placement: Placement
    lines: Image.Image
    draft: "EncodedSketch | None" = None

    @property
    def passes(self) -> "tuple[EncodedSketch, ...]":
        """What each pass of a run draws along: the drafts, the smallest first, and this."""
        return (*(self.draft.passes if self.draft else ()), self)

    @property
    def canvas(self) -> tuple[int, int]:
        """Width and height in pixels of what the model draws, with the padding."""
        return self.placement.width, self.placement.height

    @property
    def size(self) -> int:
        """Longest side of the picture to be made, in pixels."""
        left, top, right, bottom = self.placement.box
        return max(right - left, bottom - top)
