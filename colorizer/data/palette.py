"""Palettes with names: every colour drawn here is known by the word a person would use for it."""

import colorsys
from dataclasses import dataclass, replace

import numpy as np

from colorizer.data.layers import NUM_SLOTS, SLOTS

# name -> (hue range in turns, saturation range, value range), HSV.
COLOUR_NAMES = {
    "red": ((-0.03, 0.03), (0.7, 1.0), (0.6, 1.0)),
    "orange": ((0.05, 0.09), (0.75, 1.0), (0.85, 1.0)),
    "yellow": ((0.125, 0.175), (0.55, 1.0), (0.88, 1.0)),
    "green": ((0.25, 0.40), (0.45, 1.0), (0.4, 0.9)),
    "teal": ((0.46, 0.53), (0.5, 1.0), (0.45, 0.95)),
    "blue": ((0.56, 0.67), (0.5, 1.0), (0.45, 1.0)),
    "purple": ((0.72, 0.80), (0.45, 1.0), (0.4, 0.9)),
    "pink": ((0.86, 0.95), (0.3, 0.7), (0.9, 1.0)),
    "brown": ((0.04, 0.09), (0.5, 0.85), (0.25, 0.55)),
    "black": ((0.0, 1.0), (0.0, 0.25), (0.05, 0.2)),
    "gray": ((0.0, 1.0), (0.0, 0.06), (0.4, 0.7)),
    "white": ((0.0, 1.0), (0.0, 0.05), (0.94, 1.0)),
}
SKIN_NAMES = {"pale": 0.0, "fair": 0.25, "tan": 0.5, "brown": 0.75, "dark": 1.0}
_SKIN_RAMP = np.array([[1.0, 0.9, 0.83], [0.95, 0.79, 0.65], [0.85, 0.62, 0.43], [0.6, 0.38, 0.24], [0.36, 0.22, 0.15]])
# What a part looks like when the reference does not show it, as DiceBear draws it by default.
DEFAULTS = {
    "eyes": (0.0, 0.0, 0.0), "lips": (0.83, 0.12, 0.12), "earrings": (0.0, 0.0, 0.0), "glasses": (0.0, 0.0, 0.0),
    "white": (1.0, 1.0, 1.0), "mouth": (0.56, 0.18, 0.27),
}  # fmt: skip


@dataclass(frozen=True)
class Palette:
    """slots: (K, 3) RGB in [0, 1]; background, ink: (3,); names: slot or "background" -> colour word."""

    slots: np.ndarray
    background: np.ndarray
    ink: np.ndarray
    names: dict


def sample_colour(rng: np.random.Generator, name: str) -> np.ndarray:
    """An RGB colour in [0, 1] that people call `name`."""
    hue, saturation, value = (rng.uniform(*limits) for limits in COLOUR_NAMES[name])
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32)


def sample_skin(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """A natural skin colour and its word; one in eight is a fantasy colour."""
    if rng.random() < 0.125:
        name = str(rng.choice(["green", "blue", "purple", "pink", "gray"]))
        return name, sample_colour(rng, name) * 0.5 + 0.5
    name = str(rng.choice(list(SKIN_NAMES)))
    place = np.clip(SKIN_NAMES[name] + rng.uniform(-0.08, 0.08), 0, 1) * (len(_SKIN_RAMP) - 1)
    low = min(int(place), len(_SKIN_RAMP) - 2)
    colour = _SKIN_RAMP[low] + (place - low) * (_SKIN_RAMP[low + 1] - _SKIN_RAMP[low])
    return name, np.clip(colour + rng.uniform(-0.02, 0.02, 3), 0, 1).astype(np.float32)


def sample_palette(rng: np.random.Generator) -> Palette:
    """A whole palette for a character; for other drawings its slots serve as plain random colours."""
    names, slots = {}, np.zeros((NUM_SLOTS, 3), np.float32)
    for index, slot in enumerate(SLOTS):
        if slot == "skin":
            names[slot], slots[index] = sample_skin(rng)
        elif slot == "white":
            slots[index] = 1.0 if rng.random() < 0.7 else rng.uniform(0.9, 1.0)
        elif slot == "mouth":
            slots[index] = np.clip(np.array(DEFAULTS["mouth"]) + rng.uniform(-0.12, 0.12, 3), 0, 1)
        else:
            likely = {"lips": ["red", "pink", "brown"], "glasses": ["black", "red", "blue", "gray"]}.get(slot)
            choices = likely if likely and rng.random() < 0.6 else list(COLOUR_NAMES)
            names[slot] = str(rng.choice(choices))
            slots[index] = sample_colour(rng, names[slot])
    names["background"], background = sample_background(rng)
    ink = np.zeros(3, np.float32) if rng.random() < 0.8 else rng.uniform(0, 0.25, 3)
    return Palette(slots, background, np.asarray(ink, np.float32), names)


def sample_background(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """A background's colour word and colour, lighter than figures more often than not."""
    name = "white" if rng.random() < 0.15 else str(rng.choice(list(COLOUR_NAMES)))
    colour = np.ones(3, np.float32) if name == "white" else sample_colour(rng, name)
    if rng.random() < 0.6:
        colour = colour + (1 - colour) * rng.uniform(0.2, 0.6)
        if name != "white" and colour.max() - colour.min() <= 0.25:  # its hue is gone
            name = "light" if colour.mean() > 0.75 else "gray"
    return name, colour.astype(np.float32)


def recoloured(palette: Palette, part: str, rng: np.random.Generator) -> Palette:
    """The same palette with one part ("background" or a named slot) in a colour of another name."""
    while True:
        if part == "background":
            name, colour = sample_background(rng)
        elif part == "skin":
            name, colour = sample_skin(rng)
        else:
            name = str(rng.choice(list(COLOUR_NAMES)))
            colour = sample_colour(rng, name)
        if {name, palette.names[part]} not in ({name}, {"light", "white"}):
            break
    names = {**palette.names, part: name}
    if part == "background":
        return replace(palette, background=colour, names=names)
    slots = palette.slots.copy()
    slots[SLOTS.index(part)] = colour
    return replace(palette, slots=slots, names=names)
