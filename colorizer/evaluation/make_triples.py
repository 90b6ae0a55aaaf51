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
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from colorizer.data.library import Library
from colorizer.data.triples import TripleOptions, Triples, TripleSampler
from colorizer.errors import UserError
from colorizer.evaluation.areas import PAPER

FORMAT = "colorizediffusion-triples"
PARTS = ("sketch", "reference", "truth", "figure")
STANDARD = TripleOptions(clean=1.0, shaded=0.0, plain=0.5, clipart=0.15)
_LEAST_DRAWN = 0.7  # characters have 0.8 and more; clip art whose colours have no outlines has less than 0.6
_EDGE = 0.16  # of [0, 1]: a difference between neighbours from which on there is an edge
_MOST_TRIES = 50


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


def _write_item(folder: Path, library: Library, triple_set: TripleSet, index: int) -> dict:
    triples = _draw(library, triple_set, index)
    shown, partner = triples.drawings[0]
    style = library.styles[shown]
    name = f"{index:04d}-{style}"
    for part in PARTS:
        _to_picture(getattr(triples, part)[0]).save(folder / part / f"{name}.png")
    return {"name": name, "style": style, "drawing": library.names[shown], "reference": library.names[partner]}


def _draw(library: Library, triple_set: TripleSet, index: int) -> Triples:
    """Item `index`: the first of its tries that asks of a model what its sketch and reference can tell.

    The sketch draws the outlines of the truth's colours, and the reference is another character, or another layout of
    the clip art.
    """
    options = triple_set.options
    is_clipart = np.random.default_rng([triple_set.seed, index]).random() < options.clipart
    options = dataclasses.replace(options, clipart=float(is_clipart))
    for trial in range(_MOST_TRIES):
        seed = int(np.random.SeedSequence([triple_set.seed, index, trial]).generate_state(1)[0])
        triples = TripleSampler(library, options, seed).sample(1)
        triples = dataclasses.replace(triples, sketch=_visible(triples.sketch))
        if _drawn_share(triples) >= _LEAST_DRAWN and (options.reference == "self" or _differs(triples, library)):
            return triples
    raise UserError("The library has too few drawings with outlines; ask for more characters.")


def _drawn_share(triples: Triples) -> float:
    """The share of the truth's edges that lie within 3 px of a line of the sketch."""
    truth, sketch = triples.truth, triples.sketch
    contrast = (F.max_pool2d(truth, 3, 1, 1) + F.max_pool2d(-truth, 3, 1, 1)).amax(1, keepdim=True)
    edges = contrast > _EDGE
    beside = F.max_pool2d((sketch < PAPER / 255).float(), 7, 1, 3) > 0
    return float((edges & beside).sum() / edges.sum().clamp(min=1))


def _differs(triples: Triples, library: Library) -> bool:
    shown, partner = triples.drawings[0]
    if library.styles[shown] == "clipart":
        return not torch.equal(triples.reference, triples.truth)
    return shown != partner


def _visible(sketch: Tensor) -> Tensor:
    """Faint outlines made dark, as for training: some styles draw them as shadows only."""
    lines = 1 - sketch
    return 1 - (lines * 2.5).clamp(max=1) if lines.max() < 0.6 else sketch


def _to_picture(pixels: Tensor) -> Image.Image:
    """(1 or 3, S, S) in [0, 1] -> "L" or "RGB"."""
    levels = (pixels * 255).round().to("cpu", torch.uint8).numpy()
    return Image.fromarray(levels[0] if len(levels) == 1 else np.ascontiguousarray(levels.transpose(1, 2, 0)))
