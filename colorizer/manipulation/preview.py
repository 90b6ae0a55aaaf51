"""What an edit will reach, before anything is generated: relevance, bands and weights of every token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from colorizer.config import NO_PARTS, ModelConfig, PartWords
from colorizer.encoder import Encoder
from colorizer.manipulation.anchor import suggest_anchor
from colorizer.manipulation.apply import apply_edits
from colorizer.manipulation.cache import Kept, RelevanceCache, tokens_key
from colorizer.manipulation.edit import Edit
from colorizer.manipulation.pwv import dscale, omega
from colorizer.manipulation.relevance import text_relevance


@dataclass(frozen=True)
class Source:
    """Where a preview gets what it has not kept yet.

    model_key, picture_key: name the encoder and the reference by their content. picture, encoder: called only when
    something is missing.
    """

    model_key: str
    picture_key: str
    config: ModelConfig
    picture: Callable[[], Image.Image]
    encoder: Callable[[], Encoder]


@dataclass(frozen=True)
class Reach:
    """What one edit does to each of the n local tokens, row by row as they lie on the reference.

    m: (n,) relevance with the painted regions, low is related; 0 and 1 only where the control is "everything".
    weight: (n,) omega of equation (10), in units of d where `d` is None. defined: False where the text does not tell
    regions apart. d: of equation (11); None while there is no target.
    """

    m: Tensor
    weight: Tensor
    defined: bool
    d: float | None

    @property
    def side(self) -> int:
        """Rows, and columns, of the token grid."""
        return round(len(self.m) ** 0.5)


class EditPreview:
    """Looks of one session. All that is encoded is kept, so that a later look at the same texts needs no model.

    It holds no lock and can be copied; tensors are kept on the CPU.
    """

    def __init__(self):
        self._tokens = Kept(8)
        self._embeddings = Kept(256)
        self._notes = Kept(256)
        self._relevance = RelevanceCache()

    def look(self, source: Source, before: Sequence[Edit], edit: Edit, has_target: bool = True) -> Reach:
        """What `edit` reaches after the edits `before` it. For attention models.

        has_target False: only the control, thresholds and regions of `edit` count.
        Raises UserError, such as for a region painted on another token grid.
        """
        tokens, key = self._edited(source, tuple(edit for edit in before if edit.enabled))

        def encode_text(texts: list[str]) -> Tensor:
            return self._encode(source, texts)

        d = None
        if has_target:
            e, *a = encode_text([edit.target] if edit.anchor is None else [edit.target, edit.anchor])
            d = dscale(tokens[:, 0], e, a[0] if a else None, edit.target_scale, edit.enhance, edit.mode).item()
        unit = torch.tensor([1.0 if d is None else d])
        if edit.is_everywhere:
            inside = torch.ones(tokens.shape[1] - 1, dtype=torch.bool)
            if edit.region_mask is not None:
                inside = edit.region_mask.within_everything(len(inside))
            return Reach((~inside).float(), unit * inside, True, d)
        config = source.config
        found = self._relevance.get(
            key, edit.control, tokens, encode_text, config.relevance_polarity, edit.mode, config.parts
        )
        found = found.with_regions(edit.region_mask)
        weight = omega(found.m, unit, edit.thresholds, edit.strength_ratio, edit.mode)[0]
        return Reach(found.m[0], weight, bool(found.defined), d)

    def anchor(self, source: Source, before: Sequence[Edit], edit: Edit) -> str | None:
        """What the region of `edit` shows before it, in the words of its target; see `suggest_anchor`."""
        config = source.config
        tokens, _ = self._edited(source, tuple(edit for edit in before if edit.enabled))
        if config.kind == "cls" or edit.is_everywhere:
            shown, polarity = tokens[0, :1], "high"
        else:
            reach = self.look(source, before, edit)
            shown, polarity = tokens[0, 1:][reach.m <= edit.thresholds[1]], config.relevance_polarity
        return suggest_anchor(
            shown, edit.target, lambda texts: self._encode(source, texts), polarity, config.known_words
        )

    def side(self, source: Source) -> int:
        """Rows, and columns, of the token grid."""
        tokens, _ = self._edited(source, ())
        return round((tokens.shape[1] - 1) ** 0.5)

    def notes(self, source: Source, text: str) -> tuple[str, ...]:
        """What of `text` is cut or was never seen, as sentences for the user."""
        return self._notes.get(
            (source.model_key, text), lambda: tuple(source.encoder().text_notes(text, source.config.known_words))
        )

    def _edited(self, source: Source, edits: tuple[Edit, ...]) -> tuple[Tensor, str]:
        """Tokens (1, 1 + n, D) of the reference after `edits`, and their key."""

        def make() -> tuple[Tensor, str]:
            if not edits:
                tokens = source.encoder().encode_image(source.picture()).cpu()
            else:
                tokens, _ = apply_edits(
                    self._edited(source, ())[0],
                    edits,
                    lambda texts: self._encode(source, texts),
                    source.config.kind,
                    source.config.relevance_polarity,
                    parts=source.config.parts,
                )
            return tokens, tokens_key(tokens)

        return self._tokens.get((source.model_key, source.picture_key, edits), make)

    def _encode(self, source: Source, texts: list[str]) -> Tensor:
        """(len(texts), D), each of length 1."""
        return torch.stack(
            [
                self._embeddings.get(
                    (source.model_key, text), lambda text=text: source.encoder().encode_text([text])[0].cpu()
                )
                for text in texts
            ]
        )


def changed_region(
    tokens: Tensor,
    edits: Sequence[Edit],
    encode_text: Callable[[list[str]], Tensor],
    polarity: str,
    parts: PartWords = NO_PARTS,
) -> Tensor | None:
    """The tokens of a picture that any of the enabled edits is meant to change, m <= ts1, by their control texts.

    tokens: (1, 1 + n, D) of that picture, which need not be the reference: painted regions do not count. Returns (side,
    side) bool; None where no edit is bound to a region or one of them is meant for everything.
    """
    edits = [edit for edit in edits if edit.enabled]
    if not edits or any(edit.is_everywhere for edit in edits):
        return None
    inside = torch.zeros(tokens.shape[1] - 1, dtype=torch.bool)
    for edit in edits:
        m = text_relevance(tokens, edit.control, encode_text, polarity, edit.mode, parts).m[0]
        inside |= (m <= edit.thresholds[1]).cpu()
    side = round(len(inside) ** 0.5)
    return inside.reshape(side, side)
