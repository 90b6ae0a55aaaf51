"""Palettes with names, and captions that are true."""

import colorsys

import numpy as np
import pytest
import torch

from colorizer.data import captions
from colorizer.data.layers import SLOTS
from colorizer.data.palette import COLOUR_NAMES, SKIN_NAMES, sample_colour, sample_palette
from colorizer.data.triples import TripleOptions, TripleSampler
from tests.drawing_fixtures import SIZE, library_of_all_styles  # noqa: F401  (fixtures)


@pytest.mark.parametrize("name", COLOUR_NAMES)
def test_a_colour_lies_in_the_box_of_its_own_name_alone(name):
    rng = np.random.default_rng(0)

    def inside(colour, hue, saturation, value):
        h, s, v = colorsys.rgb_to_hsv(*map(float, colour))
        turns = any(hue[0] - 1e-4 <= h + shift <= hue[1] + 1e-4 for shift in (-1, 0, 1))
        return turns and all(low - 1e-4 <= x <= high + 1e-4 for x, (low, high) in ((s, saturation), (v, value)))

    for _ in range(100):
        colour = sample_colour(rng, name)
        assert [other for other, box in COLOUR_NAMES.items() if inside(colour, *box)] == [name]


def test_palettes_name_what_they_hold():
    rng = np.random.default_rng(0)
    backgrounds = set()
    for _ in range(300):
        palette = sample_palette(rng)
        assert palette.slots.min() >= 0 and palette.slots.max() <= 1
        assert palette.background.min() >= 0 and palette.background.max() <= 1
        assert set(palette.names) == set(SLOTS) - {"white", "mouth"} | {"background"}
        name, mean = palette.names["background"], palette.background.mean()
        backgrounds.add(name)
        if name == "white":
            assert palette.background.min() > 0.9
        elif name == "light":
            assert mean > 0.75
        elif name == "black":
            assert mean < 0.25
        elif name == "gray":
            assert 0.2 < mean <= 0.75
    assert backgrounds == {*COLOUR_NAMES, "light"}


def every_attribute(rng):
    names = sample_palette(rng).names
    values = {key: names[key] for key in ("hair", "skin", "eyes", "clothes", "background")}
    return captions.Attributes(values | {"length": "long", "glasses": "yes", "earrings": "no"})


def test_alternatives_differ_from_the_caption_in_one_attribute():
    rng = np.random.default_rng(0)
    words = set(captions.known_words())
    for _ in range(300):
        attributes = every_attribute(rng)
        texts = captions.alternatives(attributes, 10, rng)
        assert len(texts) == len(set(texts)) == 10
        true = texts[0].replace(",", "").split()
        said = set(true) & (set(COLOUR_NAMES) | set(SKIN_NAMES) | {"light", "long", "short"})
        assert said <= set(attributes.values.values())
        for text in texts[1:]:
            other = text.replace(",", "").split()
            assert sum(a != b for a, b in zip(true, other, strict=True)) == 1
            assert words.issuperset(other)


@pytest.mark.parametrize("background", ["white", "light", "red"])
def test_alternatives_are_enough_when_little_is_known(background):
    rng = np.random.default_rng(0)
    attributes = captions.Attributes({"glasses": "no", "earrings": "no", "background": background})
    for _ in range(20):
        texts = captions.alternatives(attributes, 10, rng)
        assert len(set(texts)) == 10 and f"a {background} background" in texts[0]
        assert background != "light" or not any("a white background" in text for text in texts)  # true as well


def test_captions_say_only_what_is_true():
    rng = np.random.default_rng(0)
    attributes = captions.Attributes({"hair": "green", "length": "short", "glasses": "no", "background": "pink"})
    texts = {captions.caption(attributes, rng) for _ in range(200)}
    assert len(texts) > 30
    for text in texts:
        assert not {"glasses", "earrings", "clothes"} & set(text.split())
        assert "hair" not in text or "green hair" in text or "short hair" in text
    assert all("green hair" in text for text in texts if "green" in text)
    full = captions.caption(attributes, rng, drop=0)
    assert "short green hair" in full and "a pink background" in full


def test_attributes_are_those_of_the_parts_that_show():
    palette = sample_palette(np.random.default_rng(0))
    values = captions.attributes_of({"parts": ["skin", "glasses"], "length": "long"}, palette).values
    assert set(values) == {"skin", "glasses", "earrings", "background"}
    assert (values["glasses"], values["earrings"]) == ("yes", "no")


def test_captioned_pictures_show_their_parts_in_their_colours(library):
    options = TripleOptions(size=SIZE, shaded=0, clipart=0)
    batch = TripleSampler(library, options, seed=2).sample_captioned(12, 8, 4)
    torch.testing.assert_close(batch.parts.sum(1), torch.ones(12, 8, 8), atol=0.02, rtol=0)
    assert [len(texts) for texts in batch.texts] == [4] * 12
    background = batch.parts[:, captions.PARTS.index("background")]
    corner = background[:, 0, 0] > 0.999
    assert corner.any()
    names = [colours["background"] for colours in batch.colours]
    for picture, name in zip(batch.picture[corner], np.array(names)[corner.numpy()], strict=True):
        assert (picture[:, :2, :2].min() > 0.9) == (name == "white") or name == "light"
