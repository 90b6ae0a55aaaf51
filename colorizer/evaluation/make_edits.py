"""The set for the benchmark of edits: characters whose one attribute changes its colour, with exact truth and mask.

FOLDER/sketch, FOLDER/reference (it shows the anchor's colour), FOLDER/truth (before the edit), FOLDER/edited (after it)
and FOLDER/mask (grey level = exact share of a pixel that changes) hold NAME.png of each item; FOLDER/edits.json tells
the texts of each edit and how the set was made.
"""

import dataclasses
import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor
from tqdm import tqdm

from colorizer.data.captions import PART_WORDS
from colorizer.data.compose import compose, eye_lines, part_masks, place, random_layout
from colorizer.data.layers import NUM_SLOTS, SLOTS
from colorizer.data.library import Library
from colorizer.data.palette import COLOUR_NAMES, DEFAULTS, SKIN_NAMES, Palette, sample_palette
from colorizer.data.triples import MAIN_PARTS
from colorizer.errors import UserError
from colorizer.evaluation.edits import FORMAT, PARTS
from colorizer.evaluation.make_triples import LEAST_TOLD, to_levels, told_share, visible_lines

ATTRIBUTES = ("hair", "eyes", "skin", "background", "clothes")
# Share of the picture that must change at least: below it there is nothing to take a median of.
LEAST_AREA = {"hair": 0.02, "eyes": 0.002, "skin": 0.02, "background": 0.05, "clothes": 0.02}
LEAST_CHANGE = 30.0  # CIEDE2000 between anchor and target colour, so that coming nearer to one of them says something
_IRIS = 0.85  # darkness of irises in a sketch, which its outlines alone leave out
_MOST_TRIES = 300


@dataclass(frozen=True)
class EditSet:
    """count items; item i depends on the library, the options and i, not on `count`. Attributes take turns.

    size: side in pixels; same: share whose reference is the drawing of the sketch itself, otherwise it is another one;
    plain: share of drawings left as drawn.
    """

    count: int = 100
    seed: int = 0
    size: int = 256
    same: float = 0.5
    plain: float = 0.5


def make_edits(folder: Path, library: Library, edit_set: EditSet, about: dict) -> dict:
    """Write the set and return what edits.json holds. about: facts about the library.

    Raises UserError when the folder is not empty or cannot be written, and when the library lacks suited drawings.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty; give a new folder.")
        for part in PARTS:
            (folder / part).mkdir(parents=True)
        items = [_write_item(folder, library, edit_set, i) for i in tqdm(range(edit_set.count), desc="edits", unit="")]
        manifest = {"format": FORMAT, **dataclasses.asdict(edit_set), "library": about, "items": items}
        (folder / "edits.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}); give another folder.") from error
    return manifest


@functools.cache
def typical_colours(part: str) -> dict[str, np.ndarray]:
    """Colour word -> RGB in [0, 1], the mean of what palettes give the part under this word: what the word asks for."""
    known = SKIN_NAMES.keys() | COLOUR_NAMES.keys()
    drawn: dict[str, list] = {}
    for palette in _many_palettes():
        if palette.names[part] in known:
            drawn.setdefault(palette.names[part], []).append(_colour(palette, part))
    return {word: np.mean(colours, 0).astype(np.float32) for word, colours in sorted(drawn.items())}


@functools.cache
def _many_palettes() -> list[Palette]:
    rng = np.random.default_rng(0)
    return [sample_palette(rng) for _ in range(4000)]


def _write_item(folder: Path, library: Library, edit_set: EditSet, index: int) -> dict:
    attribute = ATTRIBUTES[index % len(ATTRIBUTES)]
    for trial in range(_MOST_TRIES):
        drawn = _try(library, edit_set, attribute, [edit_set.seed, index, trial])
        if drawn is not None:
            break
    else:
        raise UserError(f"The library has too few drawings that show {attribute}; ask for more characters.")
    item, pictures = drawn
    name = f"{index:04d}-{attribute}"
    for part in PARTS:
        Image.fromarray(pictures[part]).save(folder / part / f"{name}.png")
    return {"name": name, **item}


def _try(library: Library, edit_set: EditSet, attribute: str, seed: list[int]) -> tuple[dict, dict] | None:
    """Texts and pictures of an item, None where the draw does not suit."""
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(int(rng.integers(2**32)))
    first = int(rng.integers(len(library)))
    same = rng.random() < edit_set.same
    needed = (MAIN_PARTS & _parts(library, first)) | ({attribute} - {"background"})
    if library.styles[first] == "clipart" or not needed <= _parts(library, first):
        return None
    second = first if same else _other(library, first, needed, rng)
    if second is None:
        return None
    palette, target, colour = _palette_and_target(attribute, rng)
    slots = palette.slots.copy()
    for slot, usual in DEFAULTS.items():  # what the reference does not show has its usual colour
        if slot not in _parts(library, second):
            slots[SLOTS.index(slot)] = usual
    edited_slots, edited_background = slots.copy(), palette.background
    if attribute == "background":
        edited_background = colour
    else:
        edited_slots[SLOTS.index(attribute)] = colour

    coverage = library.coverage[[first]]
    layout = random_layout(1, edit_set.size, generator, edit_set.plain)
    ink = torch.from_numpy(palette.ink)[None]

    def picture(shown: Tensor, at, colours: np.ndarray, background: np.ndarray) -> Tensor:
        figure = compose(shown, torch.from_numpy(colours)[None], ink, at)
        return figure.over(torch.from_numpy(background).view(1, 3, 1, 1)).clamp(0, 1)

    figure = compose(coverage, torch.from_numpy(slots)[None], ink, layout)
    lines = 1 - visible_lines(1 - figure.lines)
    if attribute == "eyes":
        lines = torch.maximum(lines, _IRIS * eye_lines(coverage, layout))
    mask = _share(coverage, attribute, layout)
    truth = picture(coverage, layout, slots, palette.background)
    elsewhere = random_layout(1, edit_set.size, generator, edit_set.plain)
    reference = truth if same else picture(library.coverage[[second]], elsewhere, slots, palette.background)
    pictures = {
        "sketch": to_levels(1 - lines[0]),
        "reference": to_levels(reference[0]),
        "truth": to_levels(truth[0]),
        "edited": to_levels(picture(coverage, layout, edited_slots, edited_background)[0]),
        "mask": to_levels(mask[0]),
    }
    shown = part_masks(library.coverage[[second]], layout if same else elsewhere, 64)[0]
    seen = shown[NUM_SLOTS + 1 if attribute == "background" else SLOTS.index(attribute)].mean()
    if (mask >= 0.5).float().mean() < LEAST_AREA[attribute] or seen < LEAST_AREA[attribute]:
        return None
    told = {part: pictures[part] for part in ("sketch", "reference", "truth")}
    if told_share(told | {"figure": to_levels(figure.alpha[0])}) < LEAST_TOLD:
        return None
    texts = {
        "target": f"{target} {attribute}",
        "anchor": f"{palette.names[attribute]} {attribute}",
        "control": PART_WORDS[attribute][0],
    }
    about = {"style": library.styles[first], "drawing": library.names[first], "shown": library.names[second]}
    return {"attribute": attribute, **texts, **about}, pictures


def _palette_and_target(attribute: str, rng: np.random.Generator) -> tuple[Palette, str, np.ndarray]:
    """A palette whose colour of the attribute has a plain name, another colour word, and the colour it asks for."""
    typical = typical_colours(attribute)
    while True:
        palette = sample_palette(rng)
        target = str(rng.choice(list(typical)))
        change = deltaE_ciede2000(rgb2lab(_colour(palette, attribute)), rgb2lab(typical[target]))
        if palette.names[attribute] in typical and palette.names[attribute] != target and change >= LEAST_CHANGE:
            return palette, target, typical[target]


def _colour(palette: Palette, part: str) -> np.ndarray:
    return palette.background if part == "background" else palette.slots[SLOTS.index(part)]


def _parts(library: Library, index: int) -> set[str]:
    return set(library.words[index].get("parts", ()))


def _other(library: Library, first: int, needed: set[str], rng: np.random.Generator) -> int | None:
    """Another character that shows all the parts, of the same style seven times in ten."""
    style = library.styles[first] if rng.random() < 0.7 else None
    for index in rng.permutation(len(library)):
        suited = index != first and library.styles[index] != "clipart" and style in (None, library.styles[index])
        if suited and needed <= _parts(library, index):
            return int(index)
    return None


def _share(coverage: Tensor, attribute: str, layout) -> Tensor:
    """(1, 1, S, S): the share of each pixel that has the attribute's colour."""
    maps = coverage.float() / 255
    if attribute == "background":
        return 1 - place(maps.sum(1, keepdim=True).clamp(max=1), layout)
    index = SLOTS.index(attribute)
    return place(maps[:, index : index + 1], layout)
