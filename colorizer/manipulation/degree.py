"""The degree strip: one edit at several target scales, so that progressive change is seen."""

import dataclasses
import math
from collections.abc import Sequence

from colorizer.errors import UserError
from colorizer.manipulation.edit import Edit

FEWEST, MOST = 3, 7


def degree_scales(low: float, high: float, count: int) -> tuple[float, ...]:
    """`count` target scales (3 to 7) from `low` to `high`, both included, equally far apart."""
    if not FEWEST <= count <= MOST:
        raise UserError(f"A degree strip shows {FEWEST} to {MOST} pictures, not {count}.")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(f"The strip's first scale {low:g} must be below its last {high:g}.")
    return tuple(low + (high - low) * i / (count - 1) for i in range(count))


def degree_edits(edits: Sequence[Edit], index: int, scales: Sequence[float]) -> list[tuple[Edit, ...]]:
    """For each scale, the list of edits with the one at `index` set to it; the others stay."""
    return [
        (*edits[:index], dataclasses.replace(edits[index], target_scale=scale), *edits[index + 1 :]) for scale in scales
    ]
