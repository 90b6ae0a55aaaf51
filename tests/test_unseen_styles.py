"""Styles for evaluation alone: never drawn in training, each part outlined in the picture and in the sketch."""

import json

import numpy as np
import pytest
from scipy import ndimage

from colorizer.cli import main
from colorizer.data.characters import COLOUR_GROUPS, STYLE_SHARES, render_character, sample_character
from colorizer.data.layers import NUM_SLOTS, SLOTS
from colorizer.data.library import build_library
from colorizer.data.unseen_styles import UNSEEN_GROUPS, outlined


def test_training_never_draws_them():
    assert not UNSEEN_GROUPS.keys() & (STYLE_SHARES.keys() | COLOUR_GROUPS.keys())
    drawn = {
        sample_character(np.random.default_rng(i), split).style for split in ("train", "held-out") for i in range(99)
    }
    assert drawn == STYLE_SHARES.keys()
    assert {sample_character(np.random.default_rng(i), "unseen").style for i in range(60)} == UNSEEN_GROUPS.keys()


@pytest.mark.parametrize("style", UNSEEN_GROUPS)
def test_hair_and_skin_are_closed_areas(style):
    """Filled from outside up to the outlines, hair and skin stay dry."""
    layers = render_character(sample_character(np.random.default_rng(1), "unseen", style), 256)
    assert {"hair", "skin"} <= set(layers.words["parts"])
    lines = layers.coverage[NUM_SLOTS] >= 128
    areas, _ = ndimage.label(~lines)
    for part in ("hair", "skin"):
        inside = layers.coverage[SLOTS.index(part)] >= 250
        assert inside.sum() > 300
        # what touches the lower border is cut off by it
        assert (areas[inside] == areas[0, 0]).mean() < 0.01


def test_the_outline_lies_on_the_border_and_nowhere_else():
    coverage = np.zeros((NUM_SLOTS + 1, 640, 640), np.uint8)
    coverage[0, 100:300, 100:300] = 255
    coverage[1, 300:500, 100:300] = 255
    coverage[NUM_SLOTS, 100:500, 300:310] = 255  # ink already
    drawn = outlined(coverage, 2)
    ink = drawn[NUM_SLOTS].astype(float) / 255
    assert drawn.shape == (NUM_SLOTS + 1, 320, 320)
    assert drawn.astype(int).sum(0)[60:140, 60:140].min() >= 254  # still opaque
    for border in (ink[100, 45:56], ink[145:156, 100]):  # the left side, and between the two slots
        assert border.max() == 1 and 2 <= border.sum() <= 4
    assert ink[100, 70:130].max() == 0 and ink[100, 20:40].max() == 0
    assert 4 <= ink[100, 140:170].sum() <= 6  # the ink is no wider


def test_make_triples_of_a_style(tmp_path, capsys):
    folder = tmp_path / "set"
    options = ["--count", "2", "--workers", "1", "--characters", "100", "--style", "lorelei", "--style", "miniavs"]
    assert main(["make-triples", str(folder), *options, "--cache", str(tmp_path / "cache")]) == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["library"]["split"] == "unseen" and manifest["options"]["clipart"] == 0
    assert set(manifest["styles"]) <= {"lorelei", "miniavs"}
    assert main(["make-triples", str(tmp_path / "no"), "--style", "lorelei", "--style", "micah"]) == 2
    assert main(["make-triples", str(tmp_path / "no"), "--style", "lorelei", "--split", "train"]) == 2
    assert main(["make-triples", str(tmp_path / "no"), "--style", "micah", "--split", "unseen"]) == 2
    assert capsys.readouterr().err.count("split unseen") == 3
    library = build_library(100, "unseen", 320, 0, cache=tmp_path / "cache", workers=1)
    assert set(library.styles) == UNSEEN_GROUPS.keys()  # no clip art, which is seen
