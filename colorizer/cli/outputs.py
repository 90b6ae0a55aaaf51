"""Which picture goes into which PNG: settled, and found writable, before any work is done."""

import os
from collections import Counter
from pathlib import Path

from PIL import Image

from colorizer.errors import UserError


def plan_outputs(source: Path, out: Path, *kept: Path) -> list[tuple[Path, Path]]:
    """Pairs of a picture to read and the PNG to write. `out` is a folder, made if need be, where `source` is one.

    kept: other files that must not be overwritten. Raises UserError for a plan that cannot be carried out.
    """
    if not source.exists():
        raise UserError(f"There is no file or folder {source}.")
    pairs = _of_folder(source, out) if source.is_dir() else [_of_file(source, out)]
    unwritable = {target.parent for _, target in pairs if not os.access(target.resolve().parent, os.W_OK)}
    if unwritable:
        raise UserError(f"Nothing can be written into {unwritable.pop()}; give another place to write to.")
    inputs = {path.resolve() for path in (*kept, *(picture for picture, _ in pairs))}
    for _, target in pairs:
        if target.resolve() in inputs:
            raise UserError(f"{target} would be overwritten; give another place to write to.")
    return pairs


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG without parameters; UserError where it cannot be written."""
    try:
        picture.save(path, format="PNG")
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); check the folder.") from error


def _of_file(source: Path, out: Path) -> tuple[Path, Path]:
    target = out / f"{source.stem}.png" if out.is_dir() else out
    if target.suffix.lower() != ".png":
        raise UserError(f"{target} does not end in .png, but pictures are written as PNG; give another name.")
    if not target.resolve().parent.is_dir():
        raise UserError(f"{target} cannot be written; give a file in a folder that exists.")
    return source, target


def _of_folder(folder: Path, out: Path) -> list[tuple[Path, Path]]:
    sources = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not sources:
        raise UserError(f"The folder {folder} is empty; put pictures there.")
    if out.resolve() == folder.resolve():
        raise UserError(f"The pictures of {folder} would be overwritten; give another folder to write to.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out} cannot be a folder ({error.strerror}); give another place to write to.") from None
    stems = Counter(path.stem for path in sources)
    # a.png and a.jpg must not both become a.png
    return [(path, out / f"{path.stem if stems[path.stem] == 1 else path.name}.png") for path in sources]
