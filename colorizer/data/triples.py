"""(sketch, reference, truth) triples with exact truth, and captioned pictures with exact part masks, by the batch.

"cross": the reference is ANOTHER drawing in the palette of the truth; only a generator can give such triples.
"self": the reference is the truth itself, as in the paper's shuffle training.
"deform": the truth itself warped by moving least squares, as in the paper's deform training.
"""

import functools
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from colorizer.data import captions
from colorizer.data.compose import (
    Figure,
    Layout,
    compose,
    eye_lines,
    part_masks,
    random_layout,
    shade,
    with_borders,
)
from colorizer.data.deform import random_warp
from colorizer.data.degrade import draw_sketches
from colorizer.data.layers import NUM_SLOTS, SLOTS
from colorizer.data.library import Library
from colorizer.data.palette import COLOUR_NAMES, DEFAULTS, Palette, recoloured, sample_colour, sample_palette

# What the reference should show where the truth shows it: these have no usual colour to fall back on.
MAIN_PARTS = {"hair", "skin", "clothes"}


@dataclass(frozen=True)
class TripleOptions:
    """size: side in pixels; reference: "cross", "self" or "deform"; clean: share of exact sketches; shaded: share with
    shadows; plain: share of drawings left as drawn; clipart: share of objects (when the library has any); edited: share
    of "cross" characters whose truth has one part in another colour than the reference, see `Triples.changes`;
    bordered: share of drawings with a line along every border of two colours, see `with_borders`."""

    size: int = 256
    reference: str = "cross"
    clean: float = 0.35
    shaded: float = 0.2
    plain: float = 0.35
    clipart: float = 0.2
    edited: float = 0.0
    bordered: float = 0.0


@dataclass(frozen=True)
class Triples:
    """sketch (B, 1, S, S), dark lines on white; reference, truth (B, 3, S, S); figure (B, 1, S, S) alpha; in [0, 1].

    drawings: (B, 2), which drawings of the library the truth and the reference show.
    changes: B entries, None or (part, word, word): the truth has that part in a colour of the second word, where the
    reference has it in one of the first; empty when there are none.
    """

    sketch: Tensor
    reference: Tensor
    truth: Tensor
    figure: Tensor
    drawings: np.ndarray
    changes: list[tuple[str, str, str] | None] = field(default_factory=list)


@dataclass(frozen=True)
class Captioned:
    """picture (B, 3, S, S); texts: B lists of captions, the true one first, the others differ in one attribute;
    parts (B, P + 1, g, g): share of captions.PARTS in each cell, then of all else; colours: B dicts part -> word."""

    picture: Tensor
    texts: list[list[str]]
    parts: Tensor
    colours: list[dict]


@dataclass(frozen=True)
class RecolouredPairs:
    """The same drawings twice, the second time with one part in another colour; all else is alike.

    captioned: 2 B pictures, first all of before, then all of after. changes: B (part, word before, word after).
    """

    captioned: Captioned
    changes: list[tuple[str, str, str]]


def _in_full_precision(draw):
    """A method that draws, unaffected by the autocast of the training step that calls it: bf16 would round colours."""

    @functools.wraps(draw)
    def drawn(self, *args):
        with torch.autocast(self.library.coverage.device.type, enabled=False):
            return draw(self, *args)

    return drawn


class TripleSampler:
    """Draws batches from a library; the same seed gives the same batches on the same device."""

    def __init__(self, library: Library, options: TripleOptions, seed: int = 0):
        self.library = library
        self.options = options
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(seed)
        styles = np.array(library.styles)
        self._objects = np.flatnonzero(styles == "clipart")
        self._characters = np.flatnonzero(styles != "clipart")
        self._by_style = {style: np.flatnonzero(styles == style) for style in np.unique(styles)}

    @_in_full_precision
    def sample(self, batch: int, shown: np.ndarray | None = None) -> Triples:
        """`batch` triples. shown: (batch,), which drawings of the library the truths show; by default at random."""
        first = self._choose(batch) if shown is None else shown
        second = np.array([self._partner(index) for index in first])
        palettes = [self._palette(index) for index in first]
        device = self.library.coverage.device
        shown_a, shown_b = self.library.coverage[first], self.library.coverage[second]
        slots, background = self._colours(palettes, first, second)
        ink = torch.from_numpy(np.stack([palette.ink for palette in palettes]))
        strength = self._strength(batch)
        changed, changes = self._changed(palettes, first, second)
        true_slots, true_background = self._colours(changed, first, second)

        layout = self._layout(batch)
        flat = self._compose(shown_a, true_slots, ink, layout)
        figure = shade(flat, strength, self.generator)
        truth = figure.over(true_background.to(device))
        sketch = self._sketch(flat, truth, shown_a, layout)
        if self.options.reference != "cross":
            reference, second = truth, first
            if self.options.reference == "deform":
                reference = random_warp(truth, self.generator)
        else:
            other = shade(self._compose(shown_b, slots, ink, self._layout(batch)), strength, self.generator)
            reference = other.over(background.to(device))
        drawings = np.stack([first, second], 1)
        return Triples(sketch, reference.clamp(0, 1), truth.clamp(0, 1), figure.alpha, drawings, changes)

    @_in_full_precision
    def sample_pictures(self, batch: int) -> Tensor:
        """(batch, 3, S, S): coloured pictures alone, without the cost of sketches."""
        first = self._choose(batch)
        palettes = [self._palette(index) for index in first]
        slots = torch.from_numpy(np.stack([palette.slots for palette in palettes]))
        ink = torch.from_numpy(np.stack([palette.ink for palette in palettes]))
        background = torch.from_numpy(np.stack([palette.background for palette in palettes])).view(-1, 3, 1, 1)
        coverage = self.library.coverage[first]
        strength = self._strength(batch)
        figure = shade(compose(coverage, slots, ink, self._layout(batch)), strength, self.generator)
        return figure.over(background.to(coverage.device)).clamp(0, 1)

    def state_dict(self) -> dict:
        """The state of the random numbers, for an exact resume."""
        return {"rng": self.rng.bit_generator.state, "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict) -> None:
        self.rng.bit_generator.state = state["rng"]
        self.generator.set_state(state["generator"])

    @_in_full_precision
    def sample_captioned(self, batch: int, grid: int, alternatives: int) -> Captioned:
        """`batch` pictures of characters with texts and part masks on a grid x grid."""
        chosen = self.rng.choice(self._characters, batch)
        palettes = [sample_palette(self.rng) for _ in chosen]
        return self._captioned(chosen, palettes, self._layout(batch), self._strength(batch), grid, alternatives)

    @_in_full_precision
    def sample_recoloured(self, pairs: int, grid: int, alternatives: int) -> RecolouredPairs:
        """`pairs` characters, each before and after the recolouring of one part that it shows."""
        chosen = self.rng.choice(self._characters, pairs)
        before, after, changes = [], [], []
        for index in chosen:
            palette = sample_palette(self.rng)
            shown = [part for part in self.library.words[index]["parts"] if part in captions.CHANGEABLE]
            part = str(self.rng.choice([*shown, "background"]))
            before.append(palette)
            after.append(recoloured(palette, part, self.rng))
            changes.append((part, palette.names[part], after[-1].names[part]))
        layout = self._layout(pairs)
        layout = Layout(layout.theta.repeat(2, 1, 1), layout.size)
        strength = self._strength(pairs).repeat(2)
        captioned = self._captioned(np.tile(chosen, 2), before + after, layout, strength, grid, alternatives, repeats=2)
        return RecolouredPairs(captioned, changes)

    def _captioned(
        self,
        chosen: np.ndarray,
        palettes: list[Palette],
        layout: Layout,
        strength: Tensor,
        grid: int,
        alternatives: int,
        repeats: int = 1,
    ) -> Captioned:
        """repeats: the batch is that many times the same drawings, which get the same shading."""
        coverage = self.library.coverage[chosen]
        slots = torch.from_numpy(np.stack([palette.slots for palette in palettes]))
        ink = torch.from_numpy(np.stack([palette.ink for palette in palettes]))
        background = torch.from_numpy(np.stack([palette.background for palette in palettes])).view(-1, 3, 1, 1)
        picture = shade(compose(coverage, slots, ink, layout), strength, self.generator, repeats)
        masks = part_masks(coverage, layout, grid)
        order = [SLOTS.index(part) if part != "background" else NUM_SLOTS + 1 for part in captions.PARTS]
        parts = masks[:, order]
        parts = torch.cat([parts, (1 - parts.sum(1, keepdim=True)).clamp(min=0)], 1)
        facts = [
            captions.attributes_of(self.library.words[i], palette) for i, palette in zip(chosen, palettes, strict=True)
        ]
        texts = [captions.alternatives(fact, alternatives, self.rng) for fact in facts]
        colours = [{k: v for k, v in palette.names.items() if k in captions.PARTS} for palette in palettes]
        return Captioned(picture.over(background.to(coverage.device)).clamp(0, 1), texts, parts, colours)

    def _strength(self, batch: int) -> Tensor:
        return (torch.rand(batch, generator=self.generator) < self.options.shaded).float()

    def _layout(self, batch: int) -> Layout:
        return random_layout(batch, self.options.size, self.generator, self.options.plain)

    def _compose(self, coverage: Tensor, slots: Tensor, ink: Tensor, layout: Layout) -> Figure:
        figure = compose(coverage, slots, ink, layout)
        if not self.options.bordered:
            return figure
        return with_borders(figure, ink, torch.rand(len(ink), generator=self.generator) < self.options.bordered)

    def _sketch(self, flat: Figure, truth: Tensor, coverage: Tensor, layout: Layout) -> Tensor:
        if self.options.clean >= 1:
            return 1 - flat.lines
        return draw_sketches(flat, truth, eye_lines(coverage, layout), self.generator, self.options.clean)

    def _choose(self, batch: int) -> np.ndarray:
        objects = len(self._objects) and self.rng.random(batch) < self.options.clipart
        characters = self.rng.choice(self._characters, batch)
        return (
            np.where(objects, self.rng.choice(self._objects, batch), characters) if len(self._objects) else characters
        )

    def _partner(self, index: int) -> int:
        style = self.library.styles[index]
        if style == "clipart":  # parts of different objects do not correspond: the same object, laid out anew
            return index
        pool = self._by_style[style] if self.rng.random() < 0.7 else self._characters
        needed = MAIN_PARTS & set(self.library.words[index]["parts"])
        for partner in self.rng.choice(pool, 8):
            if needed <= set(self.library.words[partner]["parts"]):
                return int(partner)
        return int(self.rng.choice(self._by_style[style]))

    def _palette(self, index: int) -> Palette:
        palette = sample_palette(self.rng)
        if self.library.styles[index] != "clipart":
            return palette
        own = self.library.colours[index].numpy()
        if self.rng.random() < 0.5:
            names = self.rng.choice(list(COLOUR_NAMES), NUM_SLOTS)
            own = np.stack([sample_colour(self.rng, str(name)) for name in names])
        return Palette(np.nan_to_num(own, nan=1.0).astype(np.float32), palette.background, palette.ink, {})

    def _colours(self, palettes: list[Palette], first: np.ndarray, second: np.ndarray) -> tuple[Tensor, Tensor]:
        """Slots (B, K, 3) and backgrounds (B, 3, 1, 1)."""
        slots = self._visible_or_default(np.stack([palette.slots for palette in palettes]), first, second)
        background = np.stack([palette.background for palette in palettes])
        return torch.from_numpy(slots), torch.from_numpy(background).view(-1, 3, 1, 1)

    def _changed(
        self, palettes: list[Palette], first: np.ndarray, second: np.ndarray
    ) -> tuple[list[Palette], list[tuple[str, str, str] | None]]:
        """The palettes of the truths, and what of them differs from those of the references."""
        if not self.options.edited or self.options.reference != "cross":
            return palettes, []
        changed, changes = list(palettes), []
        for row, (a, b) in enumerate(zip(first, second, strict=True)):
            if self.library.styles[a] == "clipart" or self.rng.random() >= self.options.edited:
                changes.append(None)
                continue
            shown = [set(self.library.words[index]["parts"]) for index in (a, b)]
            part = str(self.rng.choice([*sorted(shown[0] & shown[1] & set(captions.CHANGEABLE)), "background"]))
            changed[row] = recoloured(palettes[row], part, self.rng)
            changes.append((part, palettes[row].names[part], changed[row].names[part]))
        return changed, changes

    def _visible_or_default(self, slots: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """A part that the reference does not show has no colour to be taken from it: it gets its usual one."""
        for row, (a, b) in enumerate(zip(first, second, strict=True)):
            if self.options.reference != "cross" or self.library.styles[a] == "clipart":
                continue
            shown = self.library.words[b]["parts"]
            for slot, colour in DEFAULTS.items():
                if slot not in shown:
                    slots[row, SLOTS.index(slot)] = colour
        return slots
