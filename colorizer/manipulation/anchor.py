"""An anchor from the reference itself: the target in the colour that its region has now. Ours."""

from collections.abc import Callable, Collection

from torch import Tensor

COLOURS = (
    "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "black", "gray", "white",
    "pale", "fair", "tan", "dark",
)  # fmt: skip


def suggest_anchor(
    v: Tensor, target: str, encode_text: Callable[[list[str]], Tensor], polarity: str, known_words: Collection[str] = ()
) -> str | None:
    """The target with the colour that `v` shows instead of its own, "purple hair" for "green hair".

    None where the target names no colour or more than one, or the colour that is there already.
    v: (n, D) tokens of the region, or the CLS token alone; zero-shot, they are compared with the target in every
    colour. polarity: "low" where the texts that tokens show have the lowest v . text, as in `relevance`; "high" for
    CLS. known_words: of the text encoder, empty for an open vocabulary.
    """
    words = target.split()
    places = [place for place, word in enumerate(words) if word.lower() in COLOURS]
    if len(places) != 1 or len(v) == 0:
        return None
    own = words[places[0]].lower()
    colours = [colour for colour in COLOURS if colour == own or not known_words or colour in known_words]
    texts = [" ".join([*words[: places[0]], colour, *words[places[0] + 1 :]]) for colour in colours]
    scores = v.float().mean(dim=0) @ encode_text(texts).to(v.device).T
    best = int(scores.argmin() if polarity == "low" else scores.argmax())
    return None if colours[best] == own else texts[best]
