"""The standard set of the benchmark: a folder of triples with exact truth, drawn from a library.

FOLDER/sketch, FOLDER/reference, FOLDER/truth and FOLDER/figure (white where the figure is) hold NAME.png of each item;
FOLDER/manifest.json tells the options and what each item shows.
"""

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor
from tqdm import tqdm

from colorizer.data.library import Library
from colorizer.data.palette import DEFAULTS
from colorizer.data.triples import TripleOptions, Triples, TripleSampler
from colorizer.errors import UserError
from colorizer.evaluation.areas import PAPER, flat_regions

FORMAT = "colorizediffusion-triples"
PARTS = ("sketch", "reference", "truth", "figure")
STANDARD = TripleOptions(clean=1.0, shaded=0.0, plain=0.5, clipart=0.15, bordered=1.0)
LEAST_TOLD = 0.95  # what nothing tells would measure luck; irises may be left out of a sketch, dark glasses may not
_MOST_TRIES = 200


@dataclass(frozen=True)
class TripleSet:
    """count triples of `options`; item i depends on the library, the options, `seed` and i, not on `count`."""

    count: int = 300
    seed: int = 0
    options: TripleOptions = STANDARD


def make_triples(folder: Path, library: Library, triple_set: TripleSet, about: dict) -> dict:
    """Write the set and return its manifest. about: facts about the library, for the manifest.

    Raises UserError when the folder is not empty or cannot be written.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty; give a new folder.")
        for part in PARTS:
            (folder / part).mkdir(parents=True)
        items = [
            _write_item(folder, library, triple_set, i) for i in tqdm(range(triple_set.count), desc="triples", unit="")
        ]
        manifest = {
            "format": FORMAT,
            **dataclasses.asdict(triple_set),
            "library": about,
            "styles": dict(Counter(item["style"] for item in items)),
            "items": items,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}); give another folder.") from error
    return manifest


def only_styles(library: Library, styles: list[str]) -> Library:
    """The library with the characters of these styles alone, and all of its clip art; UserError when none is left."""
    kept = [i for i, style in enumerate(library.styles) if style in styles or style == "clipart"]
    if all(library.styles[i] == "clipart" for i in kept):
        raise UserError(f"There are no drawings of style {', '.join(styles)}; ask for more characters.")
    names, words = ([values[i] for i in kept] for values in (library.names, library.words))
    return Library(
        library.coverage[kept], library.colours[kept], [library.styles[i] for i in kept], names=names, words=words
    )


def told_share(item: dict[str, np.ndarray], colours: bool = True) -> float:
    """The share of the figure's flat areas whose place the sketch tells and whose colour the reference tells.

    item: part -> picture, uint8. A place is told when at least half of the region's outline lies within 3 px of a line;
    a colour when 16 px of the reference have it, or when it is one that parts have by default. Without `colours`, those
    are taken as told. 0 where there are fewer than two regions.
    """
    sketch, figure = item["sketch"], item["figure"] >= 128
    regions = flat_regions(item["truth"], sketch, figure)
    labels = regions.labels
    if len(regions) < 2:
        return 0.0
    # Outside the picture is no other region: there is no outline along its border.
    outline = (ndimage.minimum_filter(labels, 3) != labels) | (ndimage.maximum_filter(labels, 3) != labels)
    beside = ndimage.minimum_filter(sketch, 7) < PAPER
    lengths, drawn = (np.bincount(labels[mask], minlength=len(regions) + 1)[1:] for mask in (outline, outline & beside))
    told = drawn >= 0.5 * lengths
    if colours:
        found, counts = np.unique(item["reference"].reshape(-1, 3), axis=0, return_counts=True)
        known = np.concatenate([found[counts >= 16], np.rint(255 * np.array(list(DEFAULTS.values())))])
        told &= (np.abs(regions.colours[:, None] - known[None]).max(-1) <= 3).any(1)
    areas = np.bincount(labels[figure], minlength=len(regions) + 1)[1:]
    return float(areas[told].sum() / max(areas.sum(), 1))


def _write_item(folder: Path, library: Library, triple_set: TripleSet, index: int) -> dict:
    item, (shown, partner) = _draw(library, triple_set, index)
    style = library.styles[shown]
    name = f"{index:04d}-{style}"
    for part in PARTS:
        Image.fromarray(item[part]).save(folder / part / f"{name}.png")
    return {"name": name, "style": style, "drawing": library.names[shown], "reference": library.names[partner]}


def _draw(library: Library, triple_set: TripleSet, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Pictures and drawings of item `index`: the first of its tries that asks what sketch and reference can tell.

    The reference is another character, or another layout of the clip art.
    """
    options = triple_set.options
    pool = _pool(library, options.clipart, np.random.default_rng([triple_set.seed, index]))
    # Shading makes a colour darker here than there; clip art is its own reference.
    exact = options.shaded == 0 and library.styles[pool[0]] != "clipart"
    for trial in range(_MOST_TRIES):
        rng = np.random.default_rng([triple_set.seed, index, trial])
        triples = TripleSampler(library, options, int(rng.integers(2**32))).sample(1, rng.choice(pool, 1))
        triples = dataclasses.replace(triples, sketch=visible_lines(triples.sketch))
        if options.reference == "cross" and not _differs(triples, library):
            continue
        item = {part: to_levels(getattr(triples, part)[0]) for part in PARTS}
        if told_share(item, exact) >= LEAST_TOLD:
            return item, triples.drawings[0]
    raise UserError("The library has too few drawings with outlines; ask for more characters.")


def _pool(library: Library, clipart: float, rng: np.random.Generator) -> np.ndarray:
    """The drawings of one style: clip art with this probability, or each style as often as the library has it."""
    styles = np.array(library.styles)
    if rng.random() < clipart and "clipart" in styles:
        return np.flatnonzero(styles == "clipart")
    return np.flatnonzero(styles == rng.choice(styles[styles != "clipart"]))


def _differs(triples: Triples, library: Library) -> bool:
    shown, partner = triples.drawings[0]
    if library.styles[shown] == "clipart":
        return not torch.equal(triples.reference, triples.truth)
    return shown != partner


def visible_lines(sketch: Tensor) -> Tensor:
    """Faint outlines made dark, as for training: some styles draw them as shadows only."""
    lines = 1 - sketch
    return 1 - (lines * 2.5).clamp(max=1) if lines.max() < 0.6 else sketch


def to_levels(pixels: Tensor) -> np.ndarray:
    """(1, S, S) in [0, 1] -> (S, S) uint8; (3, S, S) -> (S, S, 3) uint8."""
    levels = (pixels * 255).round().to("cpu", torch.uint8).numpy()
    return levels[0] if len(levels) == 1 else np.ascontiguousarray(levels.transpose(1, 2, 0))
