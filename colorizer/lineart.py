"""From whatever is given as a sketch to what the model expects: dark lines on white paper.

Three preparations are offered, and :func:`classify_sketch` chooses between them:

* ``as-is``: the picture is a drawing on light paper. The paper is made white, coloured lines become dark.
* ``invert``: the picture is a drawing on a dark ground (chalk, blueprint, white on black).
* ``extract``: the picture is a painting or a photograph; its outlines are drawn.
"""

from typing import Literal

import numpy as np
from PIL import Image, ImageChops, ImageFilter
from scipy import ndimage

from colorizer.errors import UserError
from colorizer.images import PictureSource, on_ground, open_picture

Preparation = Literal["as-is", "invert", "extract"]
MODES = ("auto", "as-is", "invert", "extract")

_STUDY_SIDE = 384  # pixels: classification and the paper's brightness are judged on a picture of this size
_VISIBLE = 32  # of 255: alpha from which a pixel counts as drawn


def read_line_art(source: PictureSource) -> Image.Image:
    """Read a sketch as mode "RGB"; line art on transparent ground keeps its lines, whatever their colour.

    Accepts and refuses what :func:`colorizer.images.read_picture` does. Light strokes on a transparent ground would
    vanish on white, so there the strokes' opacity becomes the darkness of the lines.
    """
    picture = open_picture(source)
    if picture.mode == "RGBA" and _are_light_strokes(picture):
        return ImageChops.invert(picture.getchannel("A")).convert("RGB")
    return on_ground(picture, "white")


def prepare_sketch(picture: Image.Image, mode: str = "auto") -> Image.Image:
    """Make a sketch for the model.

    Args:
        picture: mode "RGB", as :func:`read_line_art` gives it.
        mode: "as-is", "invert", "extract", or "auto" for the one that :func:`classify_sketch` finds.

    Returns:
        Mode "L", the same size: dark lines on white (255).
    """
    if mode not in MODES:
        raise UserError(f"There is no preparation {mode!r}; choose one of {', '.join(MODES)}.")
    if mode == "auto":
        mode = classify_sketch(picture)
    if mode == "extract":
        return extract_lines(picture)
    return whiten_paper(ImageChops.invert(picture) if mode == "invert" else picture)


def load_sketch(source, mode: str = "auto") -> Image.Image:
    """Read line art and prepare it, in one go; mode "L", dark lines on white.

    source, mode: as for :func:`read_line_art` and :func:`prepare_sketch`. Raises UserError, also for a blank picture.
    """
    sketch = prepare_sketch(read_line_art(source), mode)
    if not has_lines(sketch):
        raise UserError("The sketch shows no lines; choose another sketch preparation or another picture.")
    return sketch


def has_lines(sketch: Image.Image) -> bool:
    """Whether a prepared sketch (mode "L") shows a drawing: neither blank nor nearly all dark."""
    dark = np.asarray(sketch) < 192
    return 1e-4 < float(dark.mean()) < 0.9


def classify_sketch(picture: Image.Image) -> Preparation:
    """Which preparation suits a picture of mode "RGB".

    A drawing has a ground of one light (or, to be inverted, dark) tone that covers much of the picture, perhaps
    unevenly lit, and marks on it that are thin. Black areas are accepted on light ground, because inked drawings have
    them; wide areas of any other tone make it a painting.
    """
    small = picture.copy()
    small.thumbnail((_STUDY_SIDE, _STUDY_SIDE), Image.Resampling.BOX)
    light = _ink(small, min_brightness=0.25, max_saturation=0.5, max_unevenness=0.25)
    dark = _ink(ImageChops.invert(small), min_brightness=0.65, max_saturation=0.75, max_unevenness=0.12)
    if light is None and dark is None:
        return "extract"
    # paper in poor light may pass for a dark ground, but then its grain is all that is drawn on it
    return "as-is" if dark is None or (light is not None and light >= dark) else "invert"


def extract_lines(picture: Image.Image) -> Image.Image:
    """Draw the outlines of a painting or photograph.

    Each channel is compared with its local maximum. A line, or the dark side of an edge, lies below it, and a smooth
    area of any brightness does not, so dark clothes stay white inside. The drop is measured against the brightest
    channel: a dim channel is mostly noise. Returns mode "L", dark lines on white.
    """
    scale = max(picture.size) / 720  # the filter's sizes are for a picture of 720 px
    radius = max(1, round(2 * scale))
    smooth = picture.filter(ImageFilter.GaussianBlur(0.6 * scale))
    planes = [np.asarray(plane) for plane in smooth.split()]
    maxima = [ndimage.maximum_filter(plane, 2 * radius + 1) for plane in planes]
    drops = [maximum - plane for maximum, plane in zip(maxima, planes, strict=True)]
    drop = np.maximum.reduce(drops).astype(np.float32)
    brightest = np.maximum.reduce(maxima).astype(np.float32)
    ratio = 1 - drop / (brightest + 24)  # 24 of 255: below it a drop is not seen
    return _to_grey(np.clip((ratio - 0.6) / (0.95 - 0.6), 0, 1) ** 1.5)


def whiten_paper(picture: Image.Image) -> Image.Image:
    """Make the paper of a drawing on light ground white, and its lines dark.

    A clean black-on-white drawing is returned unchanged. Otherwise every channel is divided by the paper's local
    brightness and the smallest of the three counts, so that lines of any colour are dark; grain is removed and faint
    lines are strengthened. Takes mode "RGB", returns mode "L".
    """
    clean = _is_clean(picture)
    ratio = _paper_ratio(picture, clean)
    if not clean and _grain_limit(_thinned(ratio)) < 0.94:  # the grain would swallow faint lines
        ratio = ndimage.gaussian_filter(ratio, max(0.7, max(picture.size) / 720))
    sample = _thinned(ratio)
    white = 1.0 if clean else _grain_limit(sample)
    marks = sample[sample < 0.9 * white]
    if marks.size < 2e-4 * sample.size:
        return _to_grey(ratio / white)
    black = min(float(np.quantile(marks, 0.1)), 0.9 * white)
    strength = min(5.0, max(1.0, 0.8 / (1 - black / white)))  # the dark tenth of the marks reaches 0.2 at least
    return _to_grey(1 - (1 - ratio / white) * strength)


def _are_light_strokes(picture: Image.Image) -> bool:
    """Whether an "RGBA" picture holds thin strokes of a light colour on transparent ground."""
    small = picture.copy()
    small.thumbnail((_STUDY_SIDE, _STUDY_SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small)
    drawn = pixels[..., 3] > _VISIBLE
    if not drawn.any() or drawn.mean() > 0.6:
        return False
    return np.median(pixels[drawn, :3].min(axis=-1)) > 160 and _wide(drawn).sum() < 0.25 * drawn.sum()


def _wide(mask: np.ndarray) -> np.ndarray:
    """The parts of a mask that are wider than a line: 4 % of the longer side. The mask's borders count as inside."""
    radius = max(2, round(0.02 * max(mask.shape)))
    distance = ndimage.distance_transform_edt(mask)
    cores = distance > radius
    return mask & (ndimage.distance_transform_edt(~cores) <= radius) if cores.any() else cores


def _ink(small: Image.Image, min_brightness: float, max_saturation: float, max_unevenness: float) -> float | None:
    """How much is drawn on a picture if it is a drawing on light paper, 0 to 1 (all black); None if it is not.

    The limits are what the paper may be: HSV brightness and saturation, and the deviation of its brightness.
    """
    clean = _is_clean(small)
    paper = np.asarray(_paper(small), dtype=np.float32) / 255
    brightness = paper.max(axis=-1)
    tint = paper / brightness[..., None]
    if not clean and (
        np.median(brightness) < min_brightness
        or np.median(1 - tint.min(axis=-1)) > max_saturation
        or brightness.std() > max_unevenness
        or tint.std(axis=(0, 1)).max() > 0.05
    ):
        return None
    ratio = _paper_ratio(small, clean)
    marks = ratio < (0.92 if clean else 0.85)
    wide = _wide(marks)
    black = wide & (np.asarray(small).max(axis=-1) < 70)
    if black.mean() > (0.45 if clean else 0.1) or (wide & ~black).mean() > 0.06 or marks.mean() > 0.55:
        return None
    return float(np.where(marks, 1 - ratio, 0).mean())


def _is_clean(picture: Image.Image) -> bool:
    """Whether the ground is digital white, which needs no correction."""
    small = picture.resize([min(side, _STUDY_SIDE) for side in picture.size], Image.Resampling.NEAREST)
    return float((np.asarray(small).min(axis=-1) >= 250).mean()) > 0.3


def _paper(picture: Image.Image) -> Image.Image:
    """The bare paper under a drawing on light ground, mode "RGB", 96 px: uneven light and tint, no marks.

    A grey closing over a fifth of the picture removes marks narrower than that and keeps slopes of light, except at
    the border, which is continued from the inside.
    """
    radius = 9
    cells = np.asarray(picture.resize((96, 96), Image.Resampling.BOX))
    closed = ndimage.grey_closing(cells, size=(2 * radius + 1, 2 * radius + 1, 1)).astype(np.float32)
    inside = ndimage.gaussian_filter(closed[radius:-radius, radius:-radius], (2, 2, 0))
    paper = np.pad(inside, ((radius, radius), (radius, radius), (0, 0)), mode="reflect", reflect_type="odd")
    floor = 0.35 * np.quantile(inside, 0.95, axis=(0, 1))  # no paper is that unevenly lit: a dark area, keep it dark
    return Image.fromarray(np.clip(paper, np.maximum(floor, 1), 255).astype(np.uint8))


def _paper_ratio(picture: Image.Image, clean: bool) -> np.ndarray:
    """Brightness relative to the paper, the smallest over the channels: float32 (H, W) in [0, 1]."""
    planes = [np.asarray(plane) for plane in picture.split()]
    if clean:
        return np.minimum.reduce(planes) / np.float32(255)
    papers = _paper(picture).resize(picture.size, Image.Resampling.BILINEAR).split()
    ratio = np.ones(planes[0].shape, np.float32)
    for plane, paper in zip(planes, papers, strict=True):
        if paper.getextrema()[1] >= 64:  # a channel that the paper hardly reflects shows only noise
            level = np.maximum(np.asarray(paper), 16, dtype=np.float32)
            np.minimum(ratio, plane / level, out=ratio)
    return ratio


def _thinned(ratio: np.ndarray) -> np.ndarray:
    """Enough of the pixels to judge a picture by."""
    return ratio[:: max(1, ratio.shape[0] // _STUDY_SIDE), :: max(1, ratio.shape[1] // _STUDY_SIDE)]


def _grain_limit(ratio: np.ndarray) -> float:
    """The ratio above which a pixel is bare paper: four deviations of the grain below its middle."""
    middle = float(np.median(ratio))
    deviation = 1.4826 * float(np.median(np.abs(ratio - middle)))
    return min(0.96, max(0.6, middle - 4 * deviation))


def _to_grey(levels: np.ndarray) -> Image.Image:
    return Image.fromarray((np.clip(levels, 0, 1) * 255 + 0.5).astype(np.uint8))
