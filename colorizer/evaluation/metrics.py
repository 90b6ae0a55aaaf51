"""The benchmark's measures: pure functions of pictures (H, W, 3) uint8, sketches (H, W) uint8 and masks (H, W) bool."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from colorizer.evaluation.areas import LINE, PAPER, FlatRegions

SAME_COLOUR = 10.0  # CIEDE2000 up to which a region has its colour
DARKER = 2.0  # L* (0 to 100) by which a line lies below its surroundings, at least: above the noise of a flat area
BEST_PSNR = 100.0  # dB; of equal pictures, where it would be infinite
_BATCH = 1 << 20  # pixels compared at once: each takes some hundred bytes meanwhile


@dataclass(frozen=True)
class Estimate:
    """A mean over `count` pictures and its 95 % bootstrap interval; all None without pictures."""

    mean: float | None
    low: float | None
    high: float | None
    count: int


def mean_ciede2000(result: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Mean colour difference CIEDE2000 over the pixels of `mask`."""
    return float(colour_differences(result[mask], truth[mask]).mean())


def region_hits(result: np.ndarray, regions: FlatRegions) -> np.ndarray:
    """(N,) bool: whether the region's median colour in the result is within CIEDE2000 10 of its colour in the truth.

    The median is taken of each channel of the sRGB values.
    """
    index = np.arange(1, len(regions) + 1)
    medians = [ndimage.median(result[..., channel], regions.labels, index) for channel in range(3)]
    return colour_differences(np.stack(medians, -1), regions.colours) <= SAME_COLOUR


def median_colour(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(3,): the median of each channel of the sRGB values over the pixels of `mask`."""
    return np.median(picture[mask], axis=0)


def psnr(result: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio over the whole picture in dB, at most 100."""
    error = np.square(result.astype(np.float64) - truth).mean()
    return min(BEST_PSNR, float(10 * np.log10(255**2 / error))) if error else BEST_PSNR


def ssim(result: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity over the whole picture, mean of the channels (Wang et al. 2004, Gaussian window)."""
    return float(
        structural_similarity(
            result,
            truth,
            channel_axis=-1,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def line_fidelity(result: np.ndarray, sketch: np.ndarray) -> float | None:
    """Share of the sketch's line pixels that are darker than their surroundings in the result.

    The surroundings are the pixels within 5 px (for a picture of 256 px; a square) that are paper in the sketch; darker
    means that L* is at least 2 below their mean. Pixels deep inside a black area of the sketch have no such
    surroundings and do not count. None where there are no lines.
    """
    reach = max(3, round(5 * max(sketch.shape) / 256))
    lightness = rgb2lab(result)[..., 0]
    paper = (sketch >= PAPER).astype(np.float64)
    weight, total = (
        ndimage.uniform_filter(plane, 2 * reach + 1, mode="constant") for plane in (paper, paper * lightness)
    )
    # Sums of the window's pixels are whole multiples of this; the filter leaves rounding errors far below it.
    judged = (sketch < LINE) & (weight > 0.5 / (2 * reach + 1) ** 2)
    if not judged.any():
        return None
    return float((lightness[judged] <= total[judged] / weight[judged] - DARKER).mean())


def bootstrap_mean(values, weights=None, seed: int = 0, resamples: int = 2000) -> Estimate:
    """The (weighted) mean and its 95 % percentile interval when the pictures are drawn again.

    values: one a picture, None where the measure does not apply. Without `weights` all count alike.
    """
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, float)
    kept = np.array([value is not None for value in values], bool) & (weights > 0)
    if not kept.any():
        return Estimate(None, None, None, 0)
    values, weights = np.array([value for value, keep in zip(values, kept, strict=True) if keep], float), weights[kept]
    drawn = np.random.default_rng(seed).integers(len(values), size=(resamples, len(values)))
    means = (values * weights)[drawn].sum(1) / weights[drawn].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(np.average(values, weights=weights)), float(low), float(high), len(values))


def colour_differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """CIEDE2000 between rows of sRGB colours (N, 3) in [0, 255]."""
    parts = [
        deltaE_ciede2000(rgb2lab(first[i : i + _BATCH] / 255), rgb2lab(second[i : i + _BATCH] / 255))
        for i in range(0, len(first), _BATCH)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)
