"""References edited by words in training, so that the denoiser has seen what Algorithms 1 and 2 make of tokens.

The truth of such a triple has one part in another colour than its reference; the tokens are edited toward it.
"""

import numpy as np
import torch
from torch import Tensor

from colorizer.data import captions
from colorizer.manipulation import Edit, apply_edits
from colorizer.manipulation.pwv import MODES
from colorizer.models.model import ColorizationModel

SCALES = (0.85, 1.15)  # of the checkpoint's own target scale, so that other scales keep their meaning: less, or more


class TokenEditor:
    """Edits of a model's tokens at about its own target scale. Texts are encoded once: the text encoder is frozen."""

    def __init__(self, model: ColorizationModel):
        self.model = model
        self.scale = model.config.slider_ranges.get("target_scale", (0, 15, Edit.target_scale))[2]
        self.embeddings: dict[str, Tensor] = {}

    @torch.no_grad()
    def edit(self, tokens: Tensor, changes: list[tuple[str, str, str] | None], rng: np.random.Generator) -> Tensor:
        """tokens (B, 1 + n, D), those of each row with a change (part, word before, word after) edited."""
        config = self.model.config
        edited = tokens.clone()
        for row, change in enumerate(changes):
            if change is not None:
                part, before, after = change
                edit = Edit(
                    f"{after} {part}",
                    anchor=f"{before} {part}",
                    control=captions.PART_WORDS[part][0],
                    target_scale=float(self.scale * rng.uniform(*SCALES)),
                    mode=str(rng.choice(MODES)),
                )
                edited[row : row + 1], _ = apply_edits(
                    tokens[row : row + 1],
                    [edit],
                    self._encode,
                    config.kind,
                    config.relevance_polarity,
                    parts=config.parts,
                )
        return edited

    def _encode(self, texts: list[str]) -> Tensor:
        if new := [text for text in texts if text not in self.embeddings]:
            with torch.autocast(self.model.clip.mean.device.type, enabled=False):
                self.embeddings.update(zip(new, self.model.clip.encode_text(new).float(), strict=True))
        return torch.stack([self.embeddings[text] for text in texts])
