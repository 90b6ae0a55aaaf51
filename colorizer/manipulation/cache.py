"""What the edit panel keeps between moves of a slider, so that only bands and weights are computed again."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor

from colorizer.config import NO_PARTS, PartWords
from colorizer.manipulation.relevance import Relevance, text_relevance


class Kept:
    """The last `capacity` values by key, the least recently used dropped first.

    One for each session: nothing is kept at module level, and an instance holds no lock, so that it can be copied.
    """

    def __init__(self, capacity: int):
        self.capacity = capacity
        self._entries: OrderedDict[Hashable, Any] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value of `key`, which is never None, made at the first call only."""
        # taken out and put back: two handlers of one session may come here at once
        found = self._entries.pop(key, None)
        if found is None:
            found = make()
        self._entries[key] = found
        while len(self._entries) > self.capacity:
            self._entries.popitem(last=False)
        return found

    def peek(self, key: Hashable) -> Any | None:
        """The value of `key` if it is kept."""
        found = self._entries.pop(key, None)
        if found is not None:
            self._entries[key] = found
        return found


def tokens_key(tokens: Tensor) -> str:
    """A hash of reference tokens. It differs with the picture, the encoder and any edits made before."""
    data = tokens.detach().to("cpu", torch.float32).contiguous().numpy()
    return hashlib.sha256(repr(data.shape).encode() + data.tobytes()).hexdigest()


class RelevanceCache:
    """The relevance of the last `capacity` pairs of reference and control text."""

    def __init__(self, capacity: int = 64):
        self._kept = Kept(capacity)

    def __len__(self) -> int:
        return len(self._kept)

    def get(
        self,
        key: str,
        control: str,
        tokens: Tensor,
        encode_text: Callable[[list[str]], Tensor],
        polarity: str,
        mode: str = "paper",
        parts: PartWords = NO_PARTS,
    ) -> Relevance:
        """The relevance of `control` for the local tokens of `tokens` (B, 1 + n, D), computed at the first call only.

        key: `tokens_key(tokens)`, which the caller keeps with the reference.
        """
        return self._kept.get(
            (key, control, polarity, mode),
            lambda: text_relevance(tokens, control, encode_text, polarity, mode, parts),
        )
