"""A library of drawings as layers, made in parallel from seeds and kept in chunks so that a stopped run goes on.

Nothing is downloaded or stored in the repository: the library is made where the training runs.
"""

import json
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from colorizer.data.characters import render_character, sample_character
from colorizer.data.clipart import DEFAULT_FOLDER, candidates, load_clipart
from colorizer.data.layers import Layers

CHUNK = 100
CLIPART_CHUNK = 400  # files looked at for one chunk; about one in nine is suited
DEFAULT_SIZE = 320


@dataclass
class Library:
    """coverage: (N, K + 1, S, S) uint8; colours: (N, K, 3), NaN where a drawing has none of its own; the rest: N."""

    coverage: torch.Tensor
    colours: torch.Tensor
    styles: list[str]
    names: list[str]
    words: list[dict]

    def __len__(self) -> int:
        return len(self.styles)

    def to(self, device) -> "Library":
        return Library(self.coverage.to(device), self.colours, self.styles, self.names, self.words)


def character_chunk(index: int, split: str, size: int, seed: int) -> list[Layers]:
    """Characters index * CHUNK ... of the endless sequence that `seed` stands for."""
    first = index * CHUNK
    return [
        render_character(sample_character(np.random.default_rng([seed, first + i, split == "held-out"]), split), size)
        for i in range(CHUNK)
    ]


def clipart_chunk(index: int, split: str, size: int, folder: Path) -> list[Layers]:
    """Suited drawings among files index * CLIPART_CHUNK ... of the folder, shuffled once for all."""
    paths = candidates(folder, split)
    np.random.default_rng(0).shuffle(paths)
    loaded = (load_clipart(path, size) for path in paths[index * CLIPART_CHUNK : (index + 1) * CLIPART_CHUNK])
    return [layers for layers in loaded if layers is not None]


def build_library(
    characters: int,
    split: str = "train",
    size: int = DEFAULT_SIZE,
    seed: int = 0,
    clipart_folder: Path | None = DEFAULT_FOLDER,
    cache: Path | None = None,
    workers: int = 2,
) -> Library:
    """`characters` heads (rounded up to whole chunks) and all suited clip art of the split.

    clipart_folder None, or one that does not exist, and the split "unseen" give characters alone. Finished chunks are
    kept under `cache`.
    """
    jobs = {
        f"heads-{split}-{size}-{seed}-{i}": partial(character_chunk, i, split, size, seed)
        for i in range(-(-characters // CHUNK))
    }
    if split != "unseen" and clipart_folder is not None and clipart_folder.is_dir():
        count = len(candidates(clipart_folder, split))
        source = "clipart" if clipart_folder == DEFAULT_FOLDER else f"clipart-{_short_hash(clipart_folder)}"
        jobs |= {
            f"{source}-{split}-{size}-{i}": partial(clipart_chunk, i, split, size, clipart_folder)
            for i in range(-(-count // CLIPART_CHUNK))
        }
    with ProcessPoolExecutor(workers) as pool:
        chunks = pool.map(_cached, jobs.keys(), jobs.values(), [cache] * len(jobs))
        drawings = [layers for chunk in tqdm(chunks, total=len(jobs), desc="drawings") for layers in chunk]
    return pack(drawings)


def pack(drawings: list[Layers]) -> Library:
    """A library of these drawings."""
    coverage = torch.empty((len(drawings), *drawings[0].coverage.shape), dtype=torch.uint8)
    for index, layers in enumerate(drawings):
        coverage[index] = torch.from_numpy(layers.coverage)
    return Library(
        coverage,
        torch.from_numpy(np.stack([layers.colours for layers in drawings])),
        [layers.style for layers in drawings],
        [layers.name for layers in drawings],
        [layers.words for layers in drawings],
    )


def _short_hash(folder: Path) -> str:
    return f"{zlib.crc32(str(folder.resolve()).encode()):08x}"


def _cached(key: str, make, cache: Path | None) -> list[Layers]:
    path = cache / f"{key}.npz" if cache else None
    if path and path.exists():
        with np.load(path, allow_pickle=False) as stored:
            meta = stored["meta"].tolist()
            parts = zip(stored["coverage"], stored["colours"], meta, strict=True)
            return [Layers(coverage, colours, **_read_meta(text)) for coverage, colours, text in parts]
    drawings = make()
    if path and drawings:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(
            part,
            coverage=np.stack([layers.coverage for layers in drawings]),
            colours=np.stack([layers.colours for layers in drawings]),
            meta=np.array([_write_meta(layers) for layers in drawings]),
        )
        part.replace(path)
    return drawings


def _write_meta(layers: Layers) -> str:
    return json.dumps({"style": layers.style, "name": layers.name, "words": layers.words})


def _read_meta(text: str) -> dict:
    return json.loads(text)
