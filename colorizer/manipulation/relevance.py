"""Which parts of the reference a text is about: the position weight vector m, equation (9)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from colorizer.config import NO_PARTS, PartWords
from colorizer.errors import UserError
from colorizer.manipulation.regions import RegionMask

POLARITIES = ("low", "high")
# Two correlations closer than this part of the longest token's length differ by float32 rounding only.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Relevance:
    """m as the rest of the method reads it: 0 is related to the text, 1 is not, whatever the encoder's polarity.

    m: (B, n) in [0, 1], float32. defined: (B,) bool, False where all correlations are equal, so that the text does not
    tell regions apart; m is 1 (nothing is related) there, never NaN.
    """

    m: Tensor
    defined: Tensor

    def with_regions(self, mask: RegionMask | None) -> "Relevance":
        """With regions painted by hand over it. Where they decide every token, m is defined whatever the text."""
        if mask is None:
            return self
        return Relevance(m=mask.on_relevance(self.m), defined=self.defined | mask.decides_all)


def min_max(correlation: Tensor, tolerance: Tensor | float = 0.0) -> tuple[Tensor, Tensor]:
    """F of equation (9): min-max normalisation over the last dimension.

    correlation (B, n) -> (m (B, n) in [0, 1], defined (B,)). Not defined where max - min <= tolerance; m is 0 there.
    """
    lowest = correlation.amin(dim=-1, keepdim=True)
    spread = correlation.amax(dim=-1, keepdim=True) - lowest
    defined = spread > tolerance
    m = (correlation - lowest) / spread.where(defined, torch.ones_like(spread))
    return m.where(defined, torch.zeros_like(m)), defined.squeeze(-1)


def relevance(v: Tensor, c: Tensor, polarity: str = "low") -> Relevance:
    """m = F(v . c), equation (9), turned so that low is related.

    v: (B, n, D) local tokens, not normalised. c: (D,) control embedding of length 1.
    polarity: the checkpoint's `relevance_polarity`. "low": the tokens most related to a text have the lowest v . c
    (ViT-H/14), m stays as it is. "high": they have the highest, m becomes 1 - m, so that the same thresholds select the
    same regions with either kind of encoder.
    """
    check_polarity(polarity)
    v = v.float()
    tolerance = ROUNDING * v.norm(dim=-1).amax(dim=-1, keepdim=True)
    m, defined = min_max(v @ c.float(), tolerance)
    if polarity == "high":
        m = 1 - m
    return Relevance(m=m.where(defined[:, None], torch.ones_like(m)), defined=defined)


def focused_relevance(v: Tensor, c: Tensor, parts: Tensor, scale: float, polarity: str) -> Relevance:
    """m = 1 - P(c | token): what the token is not of the part that c names. Ours, for the mode "focused".

    P is a softmax of scale (v . text) over c and the texts of the other parts, which is what the local tokens of an
    encoder trained with part masks were trained for; equation (9) compares the tokens of one picture with each other
    instead, and calls the most similar ones related even where the part is small or missing.
    v: (B, n, D), c: (D,) as in `relevance`; parts: (P, D), text embeddings of all parts. The part nearest to c is the
    one that c names. Always defined: where it is missing, m is near 1 everywhere.
    """
    check_polarity(polarity)
    sign = 1 if polarity == "high" else -1
    others = parts[torch.arange(len(parts), device=parts.device) != (parts @ c).argmax()].to(c)
    logits = sign * scale * (v.float() @ torch.cat([c[None], others]).float().T)
    m = 1 - logits.softmax(-1)[..., 0]
    return Relevance(m=m, defined=torch.ones(len(m), dtype=torch.bool, device=m.device))


def relevance_of(
    mode: str, v: Tensor, c: Tensor, polarity: str, parts: Tensor | None = None, scale: float = 1.0
) -> Relevance:
    """`focused_relevance` for the mode "focused" where the encoder has parts, `relevance` otherwise."""
    if mode == "focused" and parts is not None and len(parts) > 1:
        return focused_relevance(v, c, parts, scale, polarity)
    return relevance(v, c, polarity)


def text_relevance(
    tokens: Tensor,
    control: str,
    encode_text: Callable[[list[str]], Tensor],
    polarity: str,
    mode: str = "paper",
    parts: PartWords = NO_PARTS,
) -> Relevance:
    """The relevance of the text `control` for the local tokens of `tokens` (B, 1 + n, D), as an edit of `mode` has it.

    encode_text: texts -> (len(texts), D), each of length 1.
    """
    words = parts.words if mode == "focused" else ()
    c, *others = encode_text([control, *words]).to(tokens.device)
    return relevance_of(mode, tokens[:, 1:], c, polarity, torch.stack(others) if others else None, parts.scale)


def check_polarity(polarity: str) -> None:
    """Raise UserError unless `polarity` is one of POLARITIES."""
    if polarity not in POLARITIES:
        raise UserError(f"Relevance polarity {polarity!r} is unknown; the checkpoint must say 'low' or 'high'.")
