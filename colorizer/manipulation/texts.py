"""What is wrong with a text before it is encoded: what the context length cuts off, words the encoder never saw."""

import re
from collections.abc import Callable, Collection

import torch
from torch import Tensor

# texts -> token ids (len(texts), context length), padded at the end
Tokenizer = Callable[[list[str]], Tensor]


def cut_words(text: str, tokenizer: Tokenizer) -> str:
    """The words at the end of `text` that do not fit the context; "" when all fit. A word cut in two is not named.

    Works with any tokenizer: the words that fit are the fewest with which the ids come out as for the whole text.
    """
    whole, empty = tokenizer([text, ""])
    if whole[-1] == empty[-1]:  # still padding at the end
        return ""
    words = text.split()
    fit = next(k for k in range(1, len(words) + 1) if torch.equal(tokenizer([" ".join(words[:k])])[0], whole))
    return " ".join(words[fit:])


def unknown_words(text: str, known_words: Collection[str]) -> list[str]:
    """The words of `text` that are not among `known_words` (lower case), in order, each once."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    return list(dict.fromkeys(word for word in words if word not in known_words))


def text_notes(text: str, tokenizer: Tokenizer | None, known_words: Collection[str]) -> list[str]:
    """Sentences to show the user about `text`, none when all is well. No known_words: an open vocabulary."""
    notes = []
    cut = cut_words(text, tokenizer) if tokenizer is not None else ""
    if cut:
        notes.append(f'The text "{text[:40].strip()}…" is too long; this part was cut: "{cut}".')
    unknown = unknown_words(text, frozenset(known_words)) if known_words else []
    if unknown:
        names = ", ".join(f'"{word}"' for word in unknown)
        notes.append(
            f"This model was not trained on the word{'s' * (len(unknown) > 1)} {names}; the edit may have no effect."
        )
    return notes
