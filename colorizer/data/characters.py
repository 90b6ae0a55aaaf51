"""Character heads from DiceBear styles: shapes drawn at random, held-out variants never among those for training."""

import json
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from dicebear import Avatar, Style

from colorizer.data.layers import NUM_SLOTS, SLOTS, Layers, colours_of, render_layers
from colorizer.data.unseen_styles import UNSEEN_GROUPS, outlined

# DiceBear's colour group -> our slot; groups that are not named stay ink.
COLOUR_GROUPS = {
    "adventurer": {
        "hair": "hair", "skin": "skin", "eyes": "eyes", "lips": "lips", "earrings": "earrings", "glasses": "glasses",
        "sclera": "white", "teeth": "white", "throat": "mouth", "tongue": "mouth", "uvula": "mouth",
    },
    "toon-head": {"hair": "hair", "skin": "skin", "clothes": "clothes"},
    "micah": {
        "hair": "hair", "facialHair": "hair", "base": "skin", "shirt": "clothes", "earring": "earrings",
        "glasses": "glasses", "eyeShadow": "white",
    },
    "open-peeps": {"headContrast": "hair", "skin": "skin", "clothing": "clothes"},
}  # fmt: skip
STYLE_SHARES = {"adventurer": 0.6, "toon-head": 0.16, "open-peeps": 0.12, "micah": 0.12}
# Components whose variants are held out: what a viewer recognises a character by.
HELD_OUT_COMPONENTS = ("hair", "rearHair", "eyes", "mouth", "head", "expression")
FEWEST_TO_HOLD_OUT = 4  # a component with fewer variants keeps all of them for training
OPTIONAL_PARTS = {
    "glasses": 0.3, "earrings": 0.3, "accessories": 0.3, "facialHair": 0.2, "beard": 0.2, "mask": 0.0, "mustache": 0.2,
    "hairAccessories": 0.2, "freckles": 0.2, "sideburns": 0.3, "blush": 0.3,
}  # fmt: skip
_INK_GROUPS = {"ink": "#000000", "stroke": "#000000", "eyebrows": "#000000", "mouth": "#000000"}


@dataclass(frozen=True)
class CharacterSpec:
    """Which drawing: DiceBear style and its options (variants and colours)."""

    style: str
    options: dict
    name: str


@cache
def load_style(style: str) -> tuple[Style, dict]:
    """A DiceBear style and its definition."""
    definition = json.loads(files("dicebear_styles").joinpath(f"{style}.json").read_text("utf-8"))
    return Style(definition), definition


def is_held_out(style: str, component: str, variant: str) -> bool:
    """Whether pictures with this variant are for evaluation only."""
    return component in HELD_OUT_COMPONENTS and variant in held_out_variants(style, component)


@cache
def held_out_variants(style: str, component: str) -> frozenset[str]:
    """About one variant in seven, by a stable hash, so that training and evaluation agree for ever.

    Of a component with few variants, none of them chosen by the hash, the one with the lowest hash.
    """
    hashes = {
        variant: zlib.crc32(f"{style}/{component}/{variant}".encode())
        for variant in load_style(style)[1]["components"][component]["variants"]
    }
    chosen = frozenset(variant for variant, value in hashes.items() if value % 7 == 0)
    return chosen or frozenset(sorted(hashes, key=hashes.get)[: len(hashes) >= FEWEST_TO_HOLD_OUT])


def variants(style: str, component: str, split: str) -> list[str]:
    """Variant names of a component in "train" or "held-out"; a component without held-out variants gives all."""
    names = list(load_style(style)[1]["components"][component]["variants"])
    if split == "unseen":
        return names
    chosen = [name for name in names if is_held_out(style, component, name) == (split == "held-out")]
    return chosen or names


def sample_character(rng: np.random.Generator, split: str = "train", style: str | None = None) -> CharacterSpec:
    """A random character of the split; all its held-out components come from that side of the split.

    The split "unseen" has styles that training never draws, with all their variants.
    """
    if style is None and split == "unseen":
        style = str(rng.choice(list(UNSEEN_GROUPS)))
    style = style or str(rng.choice(list(STYLE_SHARES), p=list(STYLE_SHARES.values())))
    definition = load_style(style)[1]
    options: dict = {"seed": str(rng.integers(2**31)), "flip": "none"}
    for component in definition["components"]:
        options[f"{component}Variant"] = [str(rng.choice(variants(style, component, split)))]
        options[f"{component}Probability"] = 100 * int(rng.random() < OPTIONAL_PARTS.get(component, 1.0))
    if style == "toon-head" and rng.random() < 0.3:
        options["rearHairProbability"] = 0
    if style == "adventurer":
        options["detailsProbability"] = 100 * int(rng.random() < 0.1)
    return CharacterSpec(style, options, f"{style}-{options['seed']}")


def svg_of(spec: CharacterSpec) -> tuple[str, dict[str, int], dict]:
    """The SVG text, which slot each of its colours belongs to, and DiceBear's resolved options.

    Every colour group gets a colour of its own; literal colours of the style are told apart by lightness.
    """
    style, definition = load_style(spec.style)
    options, slot_of = dict(spec.options), {}
    for index, group in enumerate(definition["colors"]):
        slot = (COLOUR_GROUPS | UNSEEN_GROUPS)[spec.style].get(group)
        marker = _INK_GROUPS.get(group, "#000000") if slot is None else f"#f1{index:02x}a7"
        options[f"{group}Color"] = [marker]
        if slot is not None:
            slot_of[marker] = SLOTS.index(slot)
    avatar = Avatar(style, options)
    svg = str(avatar)
    for colour in colours_of(svg):
        if colour not in slot_of:
            lightness = max(int(colour[i : i + 2], 16) for i in (1, 3, 5))
            if lightness > 180:
                slot_of[colour] = SLOTS.index("white")
            elif lightness > 40:
                slot_of[colour] = SLOTS.index("mouth")
    present = set(colours_of(svg))
    return svg, {colour: slot for colour, slot in slot_of.items() if colour in present}, avatar.to_json()["options"]


def render_character(spec: CharacterSpec, size: int = 256) -> Layers:
    """The character as layers. words: hair length and the optional parts, for captions."""
    svg, slot_of, options = svg_of(spec)
    hair = str(options.get("hairVariant") or options.get("headVariant") or "")
    rear = options.get("rearHairVariant")
    long_hair = "long" in hair.lower() or (rear is not None and "long" in str(rear).lower())
    words = {"length": "long" if long_hair else "short"}
    if spec.style in UNSEEN_GROUPS:
        coverage = outlined(render_layers(svg, slot_of, 2 * size), 2)
    else:
        coverage = render_layers(svg, slot_of, size)
    visible = coverage[:NUM_SLOTS].astype(np.uint32).sum((1, 2)) / 255
    words["parts"] = [SLOTS[i] for i in range(NUM_SLOTS) if visible[i] > 12 * (size / 256) ** 2]
    return Layers(coverage, np.full((NUM_SLOTS, 3), np.nan, np.float32), spec.style, spec.name, words)
