"""Reading a folder of edits: NAME.png in sketch/, reference/, truth/ (before), edited/ (after), mask/; and edits.json.

edits.json holds a list of items, or an object whose "items" is one: {"name": NAME, "attribute": "hair", "target":
"green hair", "anchor": "pink hair", "control": "the hair"}. Only name and target are needed; other keys are not read.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from colorizer.errors import UserError
from colorizer.evaluation.triples import Triple, find_parts, read_part, read_triple
from colorizer.images import read_picture, same_proportions
from colorizer.manipulation import EVERYTHING, Edit

FORMAT = "colorizediffusion-edits"
PARTS = ("sketch", "reference", "truth", "edited", "mask")
INSIDE, OUTSIDE = 128, 32  # levels of a mask from which a pixel changes, and below which it must not
SMALLEST = 16  # pixels that change, at least
_LARGEST_FILE = 64 * 2**20


@dataclass(frozen=True)
class EditItem:
    """One item. edited: (H, W, 3) uint8, the truth after the edit; inside, outside: (H, W) bool, of the truth's size.

    Pixels that the region shares with something else are in neither.
    """

    triple: Triple
    attribute: str
    edit: Edit
    edited: np.ndarray
    inside: np.ndarray
    outside: np.ndarray

    @property
    def name(self) -> str:
        return self.triple.name


def find_edits(folder: Path) -> list[tuple[dict, dict[str, Path]]]:
    """What edits.json says of each item, and part -> path of its pictures, sorted by name.

    Raises UserError for a missing folder, missing subfolders and an edits.json that holds no list of named items.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.")
    path = folder / "edits.json"
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise UserError(f"{path} is over {_LARGEST_FILE >> 20} MB; a list of edits is smaller.")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); the folder needs it.") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{path} is no JSON file: {error}.") from error
    items = values.get("items") if isinstance(values, dict) else values
    if not isinstance(items, list) or not items:
        raise UserError(f"{path} must hold a list of items, each with a name and a target.")
    for place, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise UserError(f"Item {place + 1} of {path} has no name; give it the name of its pictures.")
    names = [item["name"] for item in items]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{path} names {twice!r} twice; give every item a name of its own.")
    found = find_parts(folder, PARTS)
    return sorted(((item, found.get(item["name"], {})) for item in items), key=lambda pair: pair[0]["name"])


def read_edit(item: dict, paths: dict[str, Path], sketch_mode: str = "auto") -> EditItem:
    """Read one item. Raises UserError with what is wrong and with which file."""
    name = item["name"]
    if missing := [part for part in PARTS if part not in paths]:
        raise UserError(f"{' and '.join(f'{part}/{name}.png' for part in missing)} missing")
    given = {key: item[key] for key in ("target", "anchor", "control") if item.get(key) is not None}
    edit = Edit.from_dict({"control": EVERYTHING, **given})
    triple = read_triple(name, paths, sketch_mode)
    edited, mask = (read_part(paths[part], read_picture) for part in ("edited", "mask"))
    for part, picture in (("edited", edited), ("mask", mask)):
        if not same_proportions(picture, triple.truth):
            raise UserError(f"{part}/{paths[part].name} and truth have different proportions")
    edited, mask = (picture.resize(triple.truth.size, Image.Resampling.NEAREST) for picture in (edited, mask))
    levels = np.asarray(mask.convert("L"))
    inside, outside = levels >= INSIDE, levels < OUTSIDE
    if inside.sum() < SMALLEST:
        raise UserError(f"mask/{paths['mask'].name} is white on {inside.sum()} pixels; it needs {SMALLEST}")
    attribute = item.get("attribute", "edit")
    return EditItem(triple, str(attribute)[:60], edit, np.asarray(edited), inside, outside)
