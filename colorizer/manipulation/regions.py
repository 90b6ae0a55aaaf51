"""Regions painted by hand: which tokens belong to an edit and which do not, whatever the text says."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from colorizer.errors import UserError

SIGNS = {"+": 1, "-": -1, ".": 0}
MODES = ("add", "remove", "replace")
LARGEST_SIDE = 64


@dataclass(frozen=True)
class RegionMask:
    """One sign per token, row by row as the tokens lie on the reference.

    "+" belongs to the edit (m becomes 0, most related), "-" does not (m becomes 1), "." is left to the text.
    Raises UserError for rows of different lengths, other signs, or a side over 64.
    """

    rows: tuple[str, ...]

    def __post_init__(self):
        widths = {len(row) for row in self.rows}
        if len(widths) != 1 or 0 in widths or max(*widths, len(self.rows)) > LARGEST_SIDE:
            raise UserError(
                f"A painted region needs 1 to {LARGEST_SIDE} rows of one length, at most {LARGEST_SIDE} signs."
            )
        if set("".join(self.rows)) - set(SIGNS):
            raise UserError(
                "A painted region is written with the signs '+' (belongs), '-' (does not) and '.' (by the text)."
            )

    @classmethod
    def parse(cls, text: str) -> "RegionMask":
        """From the compact form, rows joined by "/": "+../.-."."""
        if not isinstance(text, str):
            raise UserError('A painted region is written as one text, rows joined by "/", like "+../.-.".')
        return cls(tuple(text.strip().split("/")))

    @classmethod
    def painted(cls, cells: ArrayLike, mode: str) -> "RegionMask":
        """From painted cells (rows, columns), true where painted.

        mode "add": painted tokens belong to the edit. "remove": they do not. "replace": they belong and all others do
        not, so the text no longer matters.
        """
        if mode not in MODES:
            raise UserError(f"Mask mode {mode!r} is unknown; use add, remove or replace.")
        sign, rest = {"add": "+.", "remove": "-.", "replace": "+-"}[mode]
        return cls(tuple("".join(sign if cell else rest for cell in row) for row in np.asarray(cells, dtype=bool)))

    def __str__(self) -> str:
        return "/".join(self.rows)

    @property
    def decides_all(self) -> bool:
        """No token is left to the text."""
        return "." not in str(self)

    def then(self, later: "RegionMask") -> "RegionMask":
        """This mask with a later stroke of the same size over it: the later sign wins where it is not "."."""
        pairs = zip(self.rows, later.rows, strict=True)
        return RegionMask(
            tuple("".join(b if b != "." else a for a, b in zip(*rows, strict=True)) for rows in pairs),
        )

    def on_relevance(self, m: Tensor) -> Tensor:
        """m (B, n), low is related, with the painted tokens set to 0 or 1. Raises UserError for another token grid."""
        signs = self._signs(m.shape[1]).to(m.device)
        return m.masked_fill(signs > 0, 0.0).masked_fill(signs < 0, 1.0)

    def within_everything(self, num_tokens: int) -> Tensor:
        """(n,) bool: the tokens that the control "everything" means with this mask. Only "-" takes tokens out."""
        return self._signs(num_tokens) >= 0

    def _signs(self, num_tokens: int) -> Tensor:
        rows, columns = len(self.rows), len(self.rows[0])
        if rows * columns != num_tokens:
            side = round(num_tokens**0.5)
            raise UserError(
                f"The painted region has {rows} x {columns} cells but this model's token grid is {side} x {side}; "
                "paint it again for this model."
            )
        return torch.tensor([SIGNS[sign] for row in self.rows for sign in row])


def unchanged_cells(before: Tensor, after: Tensor) -> Tensor:
    """(side, side) bool, as the tokens lie on the reference: those changed by at most a tenth of the largest change.

    before, after: (1, 1 + n, D), CLS first. An edited CLS token is an edit of everything.
    """
    change = (after - before)[0].float().norm(dim=1)
    side = round((len(change) - 1) ** 0.5)
    if change[0] > 0:
        return torch.zeros(side, side, dtype=torch.bool)
    return (change[1:] <= 0.1 * change.max()).reshape(side, side).cpu()
