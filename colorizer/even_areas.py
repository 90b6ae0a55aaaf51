"""A result whose areas between the lines are evened out.

A small model paints a flat area with clouds. Where the colours of an area lie close together they are drawn to their
median; what lies apart, as a shadow, a pattern or light, is left. This is no part of the paper's method.
"""

import numpy as np

from colorizer.line_areas import LineAreas

MIXED = 0.8  # share of an area's pixels that must lie within reach of its median


def even_areas(lab: np.ndarray, areas: LineAreas, strength: float) -> np.ndarray:
    """A result in CIELAB (H, W, 3) with its areas evened out.

    strength: 0 leaves it, 1 gives each area one colour. In between, with reach = 36 strength / (1 - strength), colours
    nearer than a quarter of the reach to the median become it, those beyond three quarters stay.
    """
    if strength <= 0:
        return lab
    reach = 36 * strength / (1 - strength) if strength < 1 else np.inf
    lab = lab.copy()
    for place, here, counting in areas:
        lab[place] = _evened(lab[place], here, counting, reach)
    return lab


def _evened(lab: np.ndarray, here: np.ndarray, counting: np.ndarray, reach: float) -> np.ndarray:
    """lab (h, w, 3) with the pixels `here` drawn to the median of those `counting`; others are lines' soft edges."""
    median = np.median(lab[counting], 0)
    lightness = np.where(counting, median[0], np.minimum(lab[..., 0], median[0]))
    # The darker a mixture with ink, the less colour it has.
    target = np.concatenate([lightness[..., None], median[1:] * (lightness / max(median[0], 1))[..., None]], axis=2)
    apart = np.linalg.norm(lab - target, axis=2)
    if np.mean(apart[counting] <= reach * 2 / 3) < MIXED:
        return lab
    weight = np.clip(1.5 - 2 * apart / reach, 0, 1) * here
    return lab + weight[..., None] * (target - lab)
