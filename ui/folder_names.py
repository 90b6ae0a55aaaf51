"""Names of results and the zip that holds them."""

import zipfile
from collections.abc import Sequence
from pathlib import Path


def result_stems(sketches: Sequence[Path]) -> list[str]:
    """A name for the result of each sketch, without suffix: the sketch's own, numbered where several have the same.

    They differ on systems that do not tell capitals apart, too.
    """
    taken: set[str] = set()
    stems = []
    for sketch in sketches:
        stem, number = sketch.stem, 1
        while stem.lower() in taken:
            number += 1
            stem = f"{sketch.stem}-{number}"
        taken.add(stem.lower())
        stems.append(stem)
    return stems


def write_zip(pictures: Sequence[Path], target: Path) -> Path:
    """A zip of PNG files under their names, which no compression would make smaller. Returns `target`."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for picture in pictures:
            archive.write(picture, picture.name)
    return target
