"""Which parts of the reference a text is about: the position weight vector m, equation (9)."""

from dataclasses import dataclass

import torch
from torch import Tensor

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


def check_polarity(polarity: str) -> None:
    """Raise UserError unless `polarity` is one of POLARITIES."""
    if polarity not in POLARITIES:
        raise UserError(f"Relevance polarity {polarity!r} is unknown; the checkpoint must say 'low' or 'high'.")
