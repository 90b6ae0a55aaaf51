"""Reading a folder of triples: sketch/NAME.png, reference/NAME.png, truth/NAME.png and, where given, figure/NAME.png.

Any format that `read_picture` takes will do; the name without its suffix tells what belongs together.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from colorizer.errors import UserError
from colorizer.evaluation.areas import figure_mask
from colorizer.images import read_picture, same_proportions
from colorizer.lineart import classify_sketch, has_lines, prepare_sketch, read_line_art

PARTS = ("sketch", "reference", "truth")
SMALLEST = 256  # longest side in pixels, of sketch and truth
LARGEST = 2048  # longest side in pixels at which pictures are compared
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@dataclass(frozen=True)
class Triple:
    """One item. sketch: mode "L", dark lines on white; reference, truth: mode "RGB".

    For comparison, all of the truth's size: lines (H, W) uint8 is the sketch, figure (H, W) bool.
    """

    name: str
    sketch: Image.Image
    reference: Image.Image
    truth: Image.Image
    lines: np.ndarray
    figure: np.ndarray


def find_triples(folder: Path) -> dict[str, dict[str, Path]]:
    """name -> part -> path, sorted by name; parts may be missing. Raises UserError when there is nothing to find."""
    found = find_parts(folder, PARTS, ("figure",))
    if not found:
        raise UserError(f"{folder} has no pictures; put sketch/NAME.png, reference/NAME.png and truth/NAME.png there.")
    return found


def find_parts(folder: Path, parts: tuple[str, ...], more: tuple[str, ...] = ()) -> dict[str, dict[str, Path]]:
    """name -> part -> path of the pictures in the subfolders `parts`, and those that `more` has of the same names.

    Sorted by name; parts may be missing. Raises UserError when a subfolder of `parts` does not exist.
    """
    found: dict[str, dict[str, Path]] = {}
    for part in (*parts, *more):
        place = folder / part
        if part in parts and not place.is_dir():
            needed = " and ".join([", ".join(f"{name}/" for name in parts[:-1]), f"{parts[-1]}/"])
            raise UserError(f"{place} does not exist; the folder needs {needed}.")
        for path in _listed(place) if place.is_dir() else ():
            known = part in parts or path.stem in found
            if known and path.suffix.lower() in _SUFFIXES and not path.name.startswith("."):
                found.setdefault(path.stem, {}).setdefault(part, path)
    return dict(sorted(found.items()))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}); check its permissions.") from error


def read_triple(name: str, paths: dict[str, Path], sketch_mode: str = "auto") -> Triple:
    """Read one item. Raises UserError with what is wrong and with which file.

    sketch_mode: see `prepare_sketch`; "auto" inverts light lines on dark ground, and takes everything else as it is.

    A truth above 2048 px is compared at that size. Where figure/NAME.png exists it is white where the figure is;
    otherwise see `figure_mask`.
    """
    if missing := [part for part in PARTS if part not in paths]:
        raise UserError(f"{' and '.join(f'{part}/{name}.png' for part in missing)} missing")
    line_art = read_part(paths["sketch"], read_line_art)
    reference, truth = (read_part(paths[part], read_picture) for part in ("reference", "truth"))
    for part, picture in (("sketch", line_art), ("truth", truth)):
        if max(picture.size) < SMALLEST:
            size = f"{picture.width} x {picture.height}"
            raise UserError(f"{part}/{paths[part].name} is {size} pixels; it needs {SMALLEST} on its longer side")
    if not same_proportions(line_art, truth):
        raise UserError("sketch and truth have different proportions")
    if sketch_mode == "auto":  # the folder says that it is a sketch, however much of it is filled
        sketch_mode = "invert" if classify_sketch(line_art) == "invert" else "as-is"
    sketch = prepare_sketch(line_art, sketch_mode)
    if not has_lines(sketch):
        raise UserError(f"sketch/{paths['sketch'].name} shows no lines")
    scale = min(1, LARGEST / max(truth.size))
    # Without smoothing, so that flat areas keep exactly their colour.
    truth = truth.resize([round(side * scale) for side in truth.size], Image.Resampling.NEAREST)
    if "figure" in paths:
        given = read_part(paths["figure"], read_picture).convert("L")
        figure = np.asarray(given.resize(truth.size, Image.Resampling.NEAREST)) >= 128
    else:
        figure = figure_mask(np.asarray(truth))
    if not figure.any():
        raise UserError(f"truth/{paths['truth'].name} shows no figure")
    return Triple(name, sketch, reference, truth, np.asarray(_fit(sketch, truth)), figure)


def white_sketch(triple: Triple) -> np.ndarray:
    """A baseline: the sketch left uncoloured, (H, W, 3) uint8."""
    return np.repeat(triple.lines[..., None], 3, -1)


def reference_mean(triple: Triple) -> np.ndarray:
    """A baseline: the figure filled with the mean colour of the reference, the rest white, the lines on top.

    (H, W, 3) uint8. The mean is taken of the sRGB values of the reference's figure, see `figure_mask`.
    """
    reference = np.asarray(triple.reference)
    mask = figure_mask(reference)
    colour = reference[mask if mask.any() else ...].reshape(-1, 3).mean(0)
    filled = np.where(triple.figure[..., None], colour, 255)
    return np.rint(filled * (triple.lines[..., None] / 255)).astype(np.uint8)


def fit_result(result: Image.Image, triple: Triple) -> np.ndarray:
    """A generated picture at the truth's size, (H, W, 3) uint8."""
    return np.asarray(_fit(result, triple.truth))


def _fit(picture: Image.Image, truth: Image.Image) -> Image.Image:
    return picture if picture.size == truth.size else picture.resize(truth.size, Image.Resampling.LANCZOS)


def read_part(path: Path, reader) -> Image.Image:
    """The picture, by `read_picture` or `read_line_art`; a UserError names the file with its folder."""
    try:
        return reader(path)
    except UserError as error:
        raise UserError(f"{path.parent.name}/{path.name}: {error}") from error
