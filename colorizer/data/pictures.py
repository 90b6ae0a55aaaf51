"""People's own pictures as triples: which file belongs to which, the share held out, and how one becomes tensors.

A folder, or a zip archive, holds pictures in any subfolders. Beside them it may have `sketch/` and `reference/` with
files of the same subfolder and name (the suffix may differ); the pictures may then stand in `truth/`, or next to these.
Sketches that are missing are extracted.
"""

import itertools
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from colorizer.data.deform import random_warp
from colorizer.data.degrade import degrade
from colorizer.data.files import FileList, list_files
from colorizer.data.triples import TripleOptions
from colorizer.errors import UserError
from colorizer.images import read_picture, same_proportions
from colorizer.lineart import classify_sketch, extract_lines, has_lines, prepare_sketch, read_line_art

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
ROLES = ("truth", "sketch", "reference")
HELD_OUT = 0.02  # share of the pictures, by a stable hash of their names
FEW = 8  # where that is fewer pictures
LARGEST_CROP = 1.25  # times the training size: the shorter side before a square is cut out
SMALLEST = 0.5  # times the training size: pictures with a shorter side below it would be blurred


@dataclass(frozen=True)
class Pictures:
    """items: (N, 3) int64, numbers of the files that are truth, sketch and reference, -1 where there is none."""

    files: FileList
    items: np.ndarray

    def __len__(self) -> int:
        return len(self.items)

    def name(self, index: int) -> str:
        """Where the picture is, for messages."""
        return self.files.label(int(self.items[index, 0]))

    def split(self, options: TripleOptions) -> tuple["Pictures", "Pictures"]:
        """For training and held out; see `HELD_OUT`. Few pictures give a fifth, of those that can be used.

        One picture alone serves for both. Raises UserError when no picture can be used.
        """
        hashes = np.array([zlib.crc32(self.files.name(int(i)).encode("utf-8", "replace")) for i in self.items[:, 0]])
        held_out = hashes < HELD_OUT * 2**32
        if held_out.sum() < FEW:
            usable = (int(i) for i in hashes.argsort(kind="stable") if self.reason_against(int(i), options) is None)
            chosen = list(itertools.islice(usable, min(FEW, max(1, len(self) // 5))))
            if not chosen:
                reasons = "; ".join(f"{self.name(i)}: {self.reason_against(i, options)}" for i in range(len(self))[:3])
                raise UserError(f"None of the pictures can be used: {reasons}")
            held_out = np.isin(np.arange(len(self)), chosen)
        kept = ~held_out if len(self) > 1 else held_out
        return Pictures(self.files, self.items[kept]), Pictures(self.files, self.items[held_out])

    def reason_against(self, index: int, options: TripleOptions) -> str | None:
        """Why the picture cannot be used, None where it can."""
        try:
            load_item(self, index, options, [0])
        except (UserError, OSError) as error:
            return str(error)
        return None


def find_pictures(sources: list[Path]) -> Pictures:
    """The pictures in folders and zip archives; archives that lie in a folder count as well.

    Raises UserError when there is nothing to find.
    """
    containers = []
    for source in sources:
        containers.append(source)
        if source.is_dir():
            containers += sorted(source.rglob("*.zip"))
    files = list_files(containers, SUFFIXES)
    roles: dict[str, dict[tuple[int, str], int]] = {role: {} for role in ROLES}
    for index in range(len(files)):
        role, key = _role_and_key(files.name(index))
        roles[role].setdefault((files.container(index), key), index)
    if not roles["truth"]:
        places = ", ".join(map(str, sources))
        raise UserError(
            f"There are no pictures in {places}; give a folder of PNG, JPEG or WebP files, or zip archives."
        )
    partners = [[roles[role].get(key, -1) for role in ROLES] for key in roles["truth"]]
    return Pictures(files, np.array(partners, np.int64))


def _role_and_key(name: str) -> tuple[str, str]:
    """ "sketch/a/b.png" -> ("sketch", "a/b"); what is in none of the three folders is a truth."""
    stem = name.rpartition(".")[0]
    first, slash, rest = stem.partition("/")
    return (first, rest) if slash and first in ROLES else ("truth", stem)


def load_item(pictures: Pictures, index: int, options: TripleOptions, seed: list[int]) -> dict[str, Tensor]:
    """One triple: truth, reference (3, S, S) and sketch (1, S, S), uint8. Raises UserError or OSError.

    A square of the picture at a random place, mirrored half of the time, `seed` decides. options.reference "self" or
    "deform" makes the reference from the truth, where "deform" takes the file in reference/ if there is one; "cross"
    needs that file. Extracted sketches are degraded, but for a share options.clean; sketches of one's own are not.
    """
    rng = np.random.default_rng(seed)
    truth_file, sketch_file, reference_file = (int(number) for number in pictures.items[index])
    truth = _read(pictures.files, truth_file, read_picture)
    size = options.size
    if min(truth.size) < SMALLEST * size:
        raise UserError(f"{truth.width} x {truth.height} pixels are too few for training at {size}")
    truth = truth.reduce(max(1, min(truth.size) // (2 * size)))  # finding lines in large pictures takes long
    if sketch_file >= 0:
        sketch = _own_sketch(_read(pictures.files, sketch_file, read_line_art), truth)
    else:
        sketch = extract_lines(truth)
    side = round(size * rng.uniform(1, LARGEST_CROP))
    scale = side / min(truth.size)
    scaled = [max(size, round(length * scale)) for length in truth.size]
    left, top = (int(rng.integers(length - size + 1)) for length in scaled)
    mirrored = rng.random() < 0.5
    box = (left / scaled[0], top / scaled[1], (left + size) / scaled[0], (top + size) / scaled[1])
    truth, sketch = (_square(picture, box, size, mirrored) for picture in (truth, sketch))
    truth, lines = _to_tensor(truth), 1 - _to_tensor(sketch) / 255
    generator = torch.Generator().manual_seed(int(rng.integers(2**32)))
    if sketch_file < 0:
        lines = 1 - degrade(lines[None], generator, options.clean)[0]
    reference = truth
    if options.reference != "self" and reference_file >= 0:
        picture = _read(pictures.files, reference_file, read_picture)
        reference = _to_tensor(picture.resize((size, size), Image.Resampling.BICUBIC))
    elif options.reference == "deform":
        reference = random_warp(truth[None] / 255, generator)[0] * 255
    elif options.reference == "cross":
        raise UserError("it has no file of the same name in reference/, which this strategy needs")
    levels = {"truth": truth, "reference": reference, "sketch": (1 - lines) * 255}
    return {name: pixels.round().clamp(0, 255).to(torch.uint8) for name, pixels in levels.items()}


def _read(files: FileList, index: int, reader) -> Image.Image:
    try:
        return reader(files.read(index))
    except UserError as error:
        raise UserError(f"{files.name(index)}: {error}") from None


def _own_sketch(line_art: Image.Image, truth: Image.Image) -> Image.Image:
    if not same_proportions(line_art, truth):
        raise UserError("its sketch has other proportions")
    sketch = prepare_sketch(line_art, "invert" if classify_sketch(line_art) == "invert" else "as-is")
    if not has_lines(sketch):
        raise UserError("its sketch shows no lines")
    return sketch


def _square(picture: Image.Image, box: tuple[float, float, float, float], size: int, mirrored: bool) -> Image.Image:
    """The part `box` (shares of the sides) as a square of `size` pixels."""
    width, height = picture.size
    region = (box[0] * width, box[1] * height, box[2] * width, box[3] * height)
    square = picture.resize((size, size), Image.Resampling.LANCZOS, box=region)
    return ImageOps.mirror(square) if mirrored else square


def _to_tensor(picture: Image.Image) -> Tensor:
    """ "RGB" -> (3, H, W), "L" -> (1, H, W), float32 in [0, 255]."""
    pixels = np.asarray(picture, np.float32)
    return torch.from_numpy(np.atleast_3d(pixels).transpose(2, 0, 1).copy())
