"""The four thresholds ts0..ts3 of equation (10): checks, proposals, and keeping them in order."""

import numpy as np
from numpy.typing import ArrayLike
from skimage.filters import threshold_multiotsu

from colorizer.errors import UserError

DEFAULT_THRESHOLDS = (0.5, 0.55, 0.65, 0.95)
GAP = 0.01  # the closest two thresholds may come on a slider
BINS = 256


def check_thresholds(values) -> tuple[float, ...]:
    """Four numbers, strictly increasing within (0, 1), as a tuple. Raises UserError naming the values that are not."""
    is_list = isinstance(values, list | tuple)
    if not is_list or len(values) != 4 or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        raise UserError(f"Four thresholds ts0, ts1, ts2, ts3 are needed, not {values!r:.80}.")
    for i, value in enumerate(values):
        if not 0 < value < 1:  # nan is refused here too
            raise UserError(f"Threshold ts{i} = {value!r:.40} must lie between 0 and 1 (neither included).")
    for i in range(3):
        if values[i] >= values[i + 1]:
            raise UserError(
                f"Thresholds must increase: ts{i} = {values[i]:g} is not below ts{i + 1} = {values[i + 1]:g}; move one."
            )
    return tuple(float(value) for value in values)


def auto_thresholds(m: ArrayLike) -> tuple[float, ...]:
    """Thresholds proposed from the relevance of all tokens.

    m: n values in [0, 1], low is related. Returns four values, at least GAP apart, in steps of GAP.
    The paper wants what changes within m <= ts1 and what stays in m > ts2. ts1 and ts2 are therefore the two
    thresholds of Otsu's method for three classes (related, between, unrelated; Liao et al. 2001), and ts0 and ts3
    divide the outer classes as the defaults do. With fewer than three different values of m: the defaults.
    """
    counts, edges = np.histogram(np.asarray(m, dtype=np.float64), bins=BINS, range=(0, 1))
    if np.count_nonzero(counts) < 3:
        return DEFAULT_THRESHOLDS
    # the threshold belongs to the lower class: take its bin's upper edge, not its centre
    centres = edges[:-1] + 0.5 / BINS
    ts1, ts2 = threshold_multiotsu(classes=3, hist=(counts, centres)) + 0.5 / BINS
    d0, d1, d2, d3 = DEFAULT_THRESHOLDS
    return separate_thresholds((ts1 * d0 / d1, ts1, ts2, ts2 + (1 - ts2) * (d3 - d2) / (1 - d2)))


def separate_thresholds(values: ArrayLike, moved: int | None = None) -> tuple[float, ...]:
    """The nearest thresholds in steps of GAP that keep the order, at least GAP apart, inside (0, 1).

    moved: index of the slider in the user's hand; it stays where it was put as far as there is room, and its
    neighbours are pushed along.
    """
    steps = round(1 / GAP)
    ticks = [min(max(round(float(value) * steps), i + 1), steps - 4 + i) for i, value in enumerate(values)]
    pivot = 0 if moved is None else moved
    for i in range(pivot + 1, 4):
        ticks[i] = max(ticks[i], ticks[i - 1] + 1)
    for i in range(pivot - 1, -1, -1):
        ticks[i] = min(ticks[i], ticks[i + 1] - 1)
    return tuple(tick / steps for tick in ticks)
