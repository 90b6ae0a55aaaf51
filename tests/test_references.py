"""Several references as one: weights, painted regions, and what a model makes of them."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from colorizer.errors import UserError
from colorizer.manipulation import Edit, RegionMask
from colorizer.pipeline import Colorizer
from colorizer.references import combine_references
from colorizer.settings import GenerationSettings

QUICK = GenerationSettings(steps=2, guidance_scale=2, noise_level=0.3)
LEFT = RegionMask(("++..", "++..", "++..", "++.."))


@pytest.fixture(scope="module", params=["attention", "cls"])
def colorizer(request, tiny_checkpoint, tiny_cls_checkpoint):
    path = tiny_checkpoint if request.param == "attention" else tiny_cls_checkpoint
    return Colorizer.load(path, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def attention(tiny_checkpoint):
    return Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")


def line_art():
    picture = Image.new("L", (64, 64), 255)
    ImageDraw.Draw(picture).ellipse((8, 8, 55, 55), outline=0, width=3)
    return picture


def colours(first, second="gold"):
    picture = Image.new("RGB", (64, 64), first)
    picture.paste(second, (0, 32, 64, 64))
    return picture


def colorized(colorizer, references, **changes):
    settings = QUICK.evolve(noise_level=0, **changes)
    return np.asarray(colorizer.colorize(line_art(), references, settings)[0], dtype=float)


A, B = colours("teal"), colours("crimson", "navy")


def test_the_same_reference_twice_is_that_reference(colorizer):
    assert np.abs(colorized(colorizer, [A, A]) - colorized(colorizer, A)).max() <= 1


def test_weight_zero_takes_a_reference_out(colorizer):
    alone = colorized(colorizer, A)
    assert np.array_equal(colorized(colorizer, [A, B], reference_weights=(1, 0)), alone)
    assert np.array_equal(colorized(colorizer, [B, A], reference_weights=(0, 2)), alone)


def test_a_weight_moves_the_picture_from_one_to_the_other(colorizer):
    a, b = colorized(colorizer, A), colorized(colorizer, B)
    pictures = [colorized(colorizer, [A, B], reference_weights=(1 - w, w)) for w in (0.1, 0.5, 0.9)]
    to_a = [np.abs(picture - a).mean() for picture in pictures]
    to_b = [np.abs(picture - b).mean() for picture in pictures]
    assert to_a == sorted(to_a) and to_b == sorted(to_b, reverse=True) and to_a[0] < to_a[2] and to_b[2] < to_b[0]


def test_a_weight_counts_as_that_many_equal_tokens(attention):
    """Checked against a model that gets the tokens as often as their weights say."""
    unet = attention.model.unet
    a, b = (attention.model.reference_context(attention.encode_reference(picture).tokens) for picture in (A, B))
    tokens, log_weights = combine_references([a, b], [1, 3], [None, LEFT])
    sketch, z, t = attention.encode_sketch(line_art()), torch.randn(1, 4, 8, 8), torch.tensor([400.0])
    with torch.inference_mode():
        weighted = unet(z, t, sketch.features, unet.project_reference(tokens, log_weights))
        columns = [0, 1, 4, 5, 8, 9, 12, 13]
        repeated = unet(z, t, sketch.features, torch.cat([a, *[b[:, columns]] * 3], 1))
    torch.testing.assert_close(weighted, repeated, atol=1e-5, rtol=1e-4)


def test_painted_regions_choose_the_tokens(attention):
    a = attention.model.reference_context(attention.encode_reference(A).tokens)
    inside, _ = combine_references([a], [1], [LEFT])
    outside, _ = combine_references([a], [1], [RegionMask(("--..", "--..", "--..", "--.."))])
    assert inside.shape[1] == outside.shape[1] == 8
    assert torch.equal(inside, a[:, [0, 1, 4, 5, 8, 9, 12, 13]])
    assert torch.equal(outside, a[:, [2, 3, 6, 7, 10, 11, 14, 15]])
    with pytest.raises(UserError, match="No part"):
        combine_references([a], [1], [RegionMask(("----",) * 4)])
    with pytest.raises(UserError, match="token grid"):
        combine_references([a], [1], [RegionMask(("+",))])


def test_regions_and_weights_reach_the_picture(attention):
    plain = colorized(attention, [A, B])
    assert not np.array_equal(plain, colorized(attention, [A, B], reference_regions=(LEFT, None)))
    assert not np.array_equal(plain, colorized(attention, [A, B], reference_weights=(1, 0.2)))


def test_edits_reach_every_reference(colorizer):
    edits = (Edit("green hair", target_scale=15, region_mask=LEFT),)
    plain = colorized(colorizer, [A, B], reference_weights=(0, 1))
    edited = colorized(colorizer, [A, B], reference_weights=(0, 1), edits=edits)
    assert not np.array_equal(plain, edited)


def test_every_reference_is_injected(colorizer):
    one = colorized(colorizer, [A, B], reference_weights=(1, 0), attention_injection=1, adain=1)
    two = colorized(colorizer, [A, B], attention_injection=1, adain=1)
    assert np.array_equal(one, colorized(colorizer, A, attention_injection=1, adain=1))
    assert not np.array_equal(one, two)


def test_at_most_three(colorizer):
    assert colorized(colorizer, [A, B, A]).shape == (64, 64, 3)
    with pytest.raises(UserError, match="4 references"):
        colorized(colorizer, [A, B, A, B])
