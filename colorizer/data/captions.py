"""Captions that are exactly true, captions that differ in one attribute, and the words of each part."""

from dataclasses import dataclass

import numpy as np

from colorizer.data.palette import COLOUR_NAMES, SKIN_NAMES, Palette

# Part of the picture that a text can name -> the words for it. "face" includes the skin of neck and ears.
PART_WORDS = {
    "hair": ["the hair", "hair", "the girl's hair", "the character's hair", "her hair", "his hair"],
    "skin": ["the face", "the skin", "the face and skin", "skin", "face", "the girl's face"],
    "eyes": ["the eyes", "eyes", "the girl's eyes", "the pupils"],
    "clothes": ["the clothes", "clothes", "the shirt", "the dress", "the jacket"],
    "glasses": ["the glasses", "glasses"],
    "earrings": ["the earrings", "earrings"],
    "lips": ["the lips", "lips", "the mouth"],
    "background": ["the background", "background", "the backdrop"],
}
PARTS = tuple(PART_WORDS)
CHANGEABLE = ("hair", "eyes", "clothes", "background", "skin", "length")
SUBJECTS = ("a girl", "a boy", "a person", "a character", "a woman", "a man", "someone", "an avatar")


@dataclass(frozen=True)
class Attributes:
    """What a character picture shows: attribute -> word, e.g. {"hair": "green", "length": "long", "glasses": "yes"}."""

    values: dict


def attributes_of(words: dict, palette: Palette) -> Attributes:
    """The attributes of a character with these parts in this palette."""
    values = {}
    for part in ("hair", "skin", "eyes", "clothes"):
        if part in words["parts"]:
            values[part] = palette.names[part]
    if "hair" in values:
        values["length"] = words["length"]
    for part in ("glasses", "earrings"):
        values[part] = "yes" if part in words["parts"] else "no"
    values["background"] = palette.names["background"]
    return Attributes(values)


def caption(attributes: Attributes, rng: np.random.Generator, drop: float = 0.25) -> str:
    """A sentence that says the attributes; each is left out with probability `drop`."""
    said = {key: word for key, word in attributes.values.items() if rng.random() >= drop}
    return sentence(said, rng)


def sentence(said: dict, rng: np.random.Generator) -> str:
    """A sentence that says exactly these attributes, in a random order of phrases."""
    phrases = []
    if "hair" in said:
        length = f"{said['length']} " if "length" in said else ""
        phrases.append(f"{length}{said['hair']} hair")
    elif "length" in said:
        phrases.append(f"{said['length']} hair")
    for part, form in (
        ("skin", "{} skin"),
        ("eyes", "{} eyes"),
        ("clothes", "{} clothes"),
        ("background", "a {} background"),
    ):
        if part in said:
            phrases.append(form.format(said[part]))
    for part in ("glasses", "earrings"):
        if said.get(part) == "yes":
            phrases.append(part)
    rng.shuffle(phrases)
    subject = str(rng.choice(SUBJECTS))
    return f"{subject} with {', '.join(phrases)}" if phrases else subject


def alternatives(attributes: Attributes, count: int, rng: np.random.Generator) -> list[str]:
    """The true caption first, then `count` - 1 that differ from it in one attribute only, all worded alike."""
    said = {key: word for key, word in attributes.values.items() if word != "no" and rng.random() < 0.75}
    if len(changes := _changes(said)) < count - 1:  # too little is said: the background has enough other colours
        said["background"] = attributes.values["background"]
        changes = _changes(said)
    seed = int(rng.integers(2**31))
    chosen = rng.choice(len(changes), count - 1, replace=False)
    versions = [said] + [{**said, **changes[index]} for index in chosen]
    return [sentence(version, np.random.default_rng(seed)) for version in versions]


def _changes(said: dict) -> list[dict]:
    """Every way to change one attribute, each attribute about as often as the others."""
    return [{key: word} for key in said if key in CHANGEABLE for word in _choices(key, said[key])]


def _choices(key: str, true: str) -> list[str]:
    """Words for the attribute that are false where `true` is true."""
    words = {"length": ("long", "short"), "skin": SKIN_NAMES}.get(key, COLOUR_NAMES)
    return [word for word in words if word != true and (true, word) != ("light", "white")]


def part_phrase(part: str, rng: np.random.Generator) -> str:
    """A way to name the part."""
    return str(rng.choice(PART_WORDS[part]))


def coloured_part_phrase(part: str, colour: str, rng: np.random.Generator) -> str:
    """A way to name the part with its colour, e.g. "green hair"."""
    noun = {"skin": "skin", "background": "background"}.get(part, part)
    forms = (f"{colour} {noun}", f"a girl with {colour} {noun}", f"the {colour} {noun}", f"the girl's {colour} {noun}")
    return forms[0] if rng.random() < 0.5 else str(rng.choice(forms[1:]))


def known_words() -> list[str]:
    """Every word that a caption or a phrase of this module can hold, sorted."""
    phrases = [*COLOUR_NAMES, *SKIN_NAMES, *SUBJECTS, *PARTS, "light", "long", "short", "with", "the girl's"]
    phrases += [phrase for words in PART_WORDS.values() for phrase in words]
    return sorted({word for phrase in phrases for word in phrase.lower().replace(",", " ").split()})
