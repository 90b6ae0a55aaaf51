"""The pictures of a study as participants see them: without names or parameters that would tell what they are."""

import hashlib
import tempfile
from pathlib import Path

from PIL import Image

from colorizer.images import read_picture

SHOWN_SIDE = 1024  # longest side on the page, in pixels


class StudyPictures:
    """Reads the files of a study once and keeps small copies in a folder of its own, which ends with this object."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="study-")
        self._shown: dict[Path, Path] = {}
        self._hashes: dict[Path, str] = {}

    def shown(self, path: Path) -> Path:
        """A PNG of the picture to show; its name says nothing. Raises UserError."""
        if path not in self._shown:
            picture = read_picture(path)
            picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
            with tempfile.NamedTemporaryFile(dir=self._folder.name, suffix=".png", delete=False) as file:
                picture.save(file, format="PNG")
            self._shown[path] = Path(file.name)
        return self._shown[path]

    def file_hash(self, path: Path) -> str:
        """sha256 of a file, hexadecimal."""
        if path not in self._hashes:
            with path.open("rb") as file:
                self._hashes[path] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._hashes[path]


def picture_hash(picture: Image.Image) -> str:
    """sha256 of a picture's size and pixels, hexadecimal: the same whatever the file around them."""
    return hashlib.sha256(f"{picture.mode} {picture.size}".encode() + picture.tobytes()).hexdigest()
