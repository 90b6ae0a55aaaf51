"""A sequence of edits on the tokens of a reference: Algorithm 1 (CLS models) and Algorithm 2 (Attention models)."""

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor

from colorizer.config import NO_PARTS, PartWords
from colorizer.errors import UserError
from colorizer.manipulation.edit import Edit
from colorizer.manipulation.global_edit import edit_cls
from colorizer.manipulation.local_edit import edit_local
from colorizer.manipulation.relevance import check_polarity
from colorizer.manipulation.texts import Tokenizer, text_notes

KINDS = ("attention", "cls")


def apply_edits(
    tokens: Tensor,
    edits: Sequence[Edit],
    encode_text: Callable[[list[str]], Tensor],
    kind: str,
    polarity: str,
    tokenizer: Tokenizer | None = None,
    known_words: Collection[str] = (),
    parts: PartWords = NO_PARTS,
) -> tuple[Tensor, list[str]]:
    """The tokens after all enabled edits, each starting from what the one before left, and notes for the user.

    tokens: (B, 1 + n, D), CLS first, not normalised. encode_text: texts -> (len(texts), D), each of length 1.
    kind: "attention" changes the local tokens only (v_cls stays what the reference gave), "cls" the CLS token only.
    polarity: "low" or "high", which end of the relevance m is related (see `relevance`).
    tokenizer, known_words: given, texts that are cut and unknown words are noted. parts: of the checkpoint, for
    focused edits.
    Computed in float32; returned in the dtype of `tokens`.
    """
    if kind not in KINDS:
        raise UserError(f"Model kind {kind!r} is unknown; the checkpoint must say 'attention' or 'cls'.")
    check_polarity(polarity)
    edits = [edit for edit in edits if edit.enabled]
    if not edits:
        return tokens, []
    texts = list(dict.fromkeys(text for edit in edits for text in _texts(edit, kind)))
    notes = [note for text in texts for note in text_notes(text, tokenizer, known_words)]
    focused = kind == "attention" and any(edit.mode == "focused" and not edit.is_everywhere for edit in edits)
    needed = list(dict.fromkeys([*texts, *parts.words])) if focused else texts
    embeddings = dict(zip(needed, encode_text(needed).to(tokens.device, torch.float32), strict=True))
    of_parts = torch.stack([embeddings[word] for word in parts.words]) if focused and parts.words else None

    v_cls, v = tokens[:, 0].float(), tokens[:, 1:].float()
    for edit in edits:
        e, a, c = (embeddings.get(text) for text in (edit.target, edit.anchor, edit.control))
        if kind == "cls":
            v_cls = edit_cls(v_cls, e, a, edit.target_scale, edit.enhance)
            notes += _global_notes(edit)
        else:
            c = None if edit.is_everywhere else c
            v, defined = edit_local(v, v_cls, e, a, c, edit, polarity, of_parts, parts.scale)
            notes += _undefined_notes(edit, defined)
    return torch.cat([v_cls[:, None], v], dim=1).to(tokens.dtype), notes


def _texts(edit: Edit, kind: str) -> list[str]:
    texts = [edit.target] if edit.anchor is None else [edit.target, edit.anchor]
    return texts if kind == "cls" or edit.is_everywhere else [*texts, edit.control]


def _global_notes(edit: Edit) -> list[str]:
    if edit.is_everywhere and edit.region_mask is None:
        return []
    return [f'This model edits the whole picture; the region of the edit "{edit.target}" is not used.']


def _undefined_notes(edit: Edit, defined: Tensor) -> list[str]:
    if bool(defined.all()):
        return []
    return [f'The text "{edit.control}" does not tell regions apart; the edit "{edit.target}" changed nothing.']
