"""Drawings as layers: characters, clip art and the library that keeps them."""

import dataclasses

import numpy as np
import pytest
import torch

from colorizer.data import characters, clipart
from colorizer.data.compose import compose
from colorizer.data.layers import NUM_SLOTS, colours_of, recolour, render, render_layers
from colorizer.data.library import build_library, clipart_chunk, pack
from tests.drawing_fixtures import (  # noqa: F401  (fixtures)
    DRAWING,
    SIZE,
    head,
    hexadecimal,
    house_drawing,
    library_of_all_styles,
    whole,
)

GRADIENT = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
<defs><linearGradient id="g"><stop offset="0" stop-color="#aa0000"/><stop offset="1" stop-color="#00bb00"/>
</linearGradient>
<radialGradient id="r"><stop offset="0" stop-color="#0000cc"/><stop offset="1" stop-color="#0000cc" stop-opacity="0"/>
</radialGradient></defs>
<rect x="4" y="4" width="50" height="40" fill="url(#g)" stroke="#101010" stroke-width="2"/>
<circle cx="40" cy="40" r="18" style="fill: rgb(0, 0, 204); fill-opacity: 0.6"/>
<circle cx="16" cy="44" r="16" fill="url(#r)"/>
</svg>"""
GRADIENT_SLOTS = {"#aa0000": 0, "#00bb00": 1, "#0000cc": 2}


def over(rgba: np.ndarray, background) -> np.ndarray:
    """A rendering on a plain background, in [0, 1]."""
    rgba = rgba.astype(np.float32) / 255
    return rgba[..., :3] * rgba[..., 3:] + (1 - rgba[..., 3:]) * np.asarray(background, np.float32)


def svg_and_slots(name: str):
    if name == "gradient":
        return GRADIENT, GRADIENT_SLOTS
    svg, slot_of, _ = characters.svg_of(characters.sample_character(np.random.default_rng(5), "train", name))
    return svg, slot_of


@pytest.mark.parametrize("name", ["gradient", *characters.STYLE_SHARES])
def test_recolouring_layers_is_rendering_the_recoloured_drawing(name):
    svg, slot_of = svg_and_slots(name)
    assert len(set(slot_of.values())) >= 2
    rng = np.random.default_rng(1)
    slots = (rng.integers(0, 256, (NUM_SLOTS, 3)) / 255).astype(np.float32)
    background = np.array([0.2, 0.9, 0.5], np.float32)
    direct = render(recolour(svg, {colour: hexadecimal(slots[slot]) for colour, slot in slot_of.items()}), SIZE)
    coverage = torch.from_numpy(render_layers(svg, slot_of, SIZE))[None]
    figure = compose(coverage, torch.from_numpy(slots)[None], torch.zeros(1, 3), whole(1, SIZE))
    ours = figure.over(torch.from_numpy(background).view(1, 3, 1, 1))[0].movedim(0, -1).numpy()
    difference = np.abs(ours - over(direct, background)) * 255
    assert difference.max() <= 4  # a drawing of many slots sums several rounded coverages
    assert difference.mean() < 0.5
    np.testing.assert_allclose(figure.alpha[0, 0], direct[..., 3] / 255, atol=2 / 255)


@pytest.mark.parametrize("name", ["gradient", *characters.STYLE_SHARES])
def test_exact_lines_are_the_drawing_with_every_slot_white(name):
    svg, slot_of = svg_and_slots(name)
    white = over(render(recolour(svg, dict.fromkeys(slot_of, "#ffffff")), SIZE), (1, 1, 1))
    coverage = torch.from_numpy(render_layers(svg, slot_of, SIZE))[None]
    lines = compose(coverage, torch.rand(1, NUM_SLOTS, 3), torch.zeros(1, 3), whole(1, SIZE)).lines
    assert lines.max() > 0.25  # the lines of toon-head are faint
    np.testing.assert_allclose(1 - lines[0, 0], white.mean(-1), atol=6 / 255)
    assert np.abs(1 - lines[0, 0].numpy() - white.mean(-1)).mean() < 0.5 / 255


def test_ink_takes_its_colour_like_a_slot():
    layers = torch.from_numpy(render_layers(GRADIENT, GRADIENT_SLOTS, SIZE))[None]
    ink = torch.tensor([[0.2, 0.1, 0.4]])
    white = torch.ones(1, NUM_SLOTS, 3)
    picture = compose(layers, white, ink, whole(1, SIZE)).over(torch.ones(1, 3, 1, 1))
    darkest = picture[0, :, layers[0, NUM_SLOTS] == 255]
    assert darkest.shape[1] > 20
    torch.testing.assert_close(darkest, ink.T.expand_as(darkest), atol=2 / 255, rtol=0)


def test_colours_are_found_in_every_notation():
    svg = '<g fill="#ABC" style="stroke: rgb(1,2,3); stop-color:red" color="none"><path fill="url(#a)"/></g>'
    assert colours_of(svg) == ["#aabbcc", "#010203", "#ff0000"]


def test_held_out_variants_never_occur_in_training():
    seen = set()
    for style in characters.STYLE_SHARES:
        components = characters.load_style(style)[1]["components"]
        rng = np.random.default_rng(7)
        for _ in range(150):
            options = characters.sample_character(rng, "train", style).options
            chosen = {component: options[f"{component}Variant"][0] for component in components}
            assert not any(characters.is_held_out(style, *item) for item in chosen.items())
            seen |= {(style, *item) for item in chosen.items()}
        for _ in range(60):
            options = characters.sample_character(rng, "held-out", style).options
            for component in characters.HELD_OUT_COMPONENTS:
                if component in components and any(
                    characters.is_held_out(style, component, name) for name in components[component]["variants"]
                ):
                    assert (style, component, options[f"{component}Variant"][0]) not in seen


@pytest.mark.parametrize("style", characters.STYLE_SHARES)
def test_dicebear_draws_the_variants_that_were_chosen(style):
    rng = np.random.default_rng(3)
    for split in ("train", "held-out"):
        for _ in range(8):
            spec = characters.sample_character(rng, split, style)
            resolved = characters.svg_of(spec)[2]
            drawn = {key: value for key, value in resolved.items() if key.endswith("Variant") and value is not None}
            assert drawn
            for key, value in drawn.items():
                assert [value] == spec.options[key]


def test_held_out_clip_art_is_never_among_the_candidates_for_training(house, tmp_path):
    for index in range(60):
        house(f"drawing-{index}.svg")
    training, held_out = (set(clipart.candidates(tmp_path, split)) for split in ("train", "held-out"))
    assert len(training) + len(held_out) == 60 and not training & held_out
    assert 0 < len(held_out) < 20
    names = {layers.name for layers in clipart_chunk(0, "train", 32, tmp_path)}
    assert names == {path.stem for path in training}
    assert all(clipart.is_held_out(tmp_path / "elsewhere" / path.name) for path in held_out)  # wherever the file lies


def test_clip_art_keeps_its_colours_and_title(house):
    layers = clipart.load_clipart(house(), SIZE)
    assert layers.words == {"title": "red house"}
    assert layers.style == "clipart"
    shown = {hexadecimal(colour) for colour in layers.colours[:2]}
    assert shown == {"#d02020", "#2040c0"}
    assert np.isnan(layers.colours[2:]).all()


@pytest.mark.parametrize(
    "change",
    [
        {"extra": '<text x="4" y="70">house</text>'},
        {"extra": '<image href="a.png" width="9" height="9"/>'},
        {"extra": '<g filter="url(#blur)"/><filter id="blur"/>'},
        {"width": 0},
        {"width": 30},  # more ink than figure
        {"extra": "<desc>" + "x" * clipart.MAX_BYTES + "</desc>"},
        {"text": '<svg xmlns="http://www.w3.org/2000/svg"><rect fill="#f00"/><rect fill="#0f0" stroke="#000"'},
        {"text": '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9" fill="red" stroke="#000"/>'},
        {"text": "no drawing at all"},
    ],
    ids=["text", "image", "filter", "no outline", "too much ink", "too large", "broken", "one colour", "no SVG"],
)
def test_unsuited_clip_art_is_left_out(house, change):
    assert clipart.load_clipart(house(), SIZE) is not None
    assert clipart.load_clipart(house(**change), SIZE) is None


def test_the_most_different_colours_become_slots():
    fills = [f"#{value:02x}0000" for value in range(0, 240, 16)] + ["#00ff00", "#0000ff"]
    palette, slot_of = clipart.group_colours(fills)
    assert set(slot_of) == set(fills) and set(slot_of.values()) == set(range(NUM_SLOTS))
    assert slot_of["#00ff00"] != slot_of["#0000ff"]
    for colour, slot in slot_of.items():
        distances = np.abs(palette[:, 0] - int(colour[1:3], 16) / 255) if colour.endswith("0000") else None
        assert distances is None or np.isclose(distances[slot], distances[np.isfinite(distances)].min(), atol=0.5)


def test_finished_chunks_are_read_and_half_written_ones_made_anew(tmp_path):
    def make(count):
        return build_library(count, size=24, clipart_folder=None, cache=tmp_path, workers=2)

    first = make(100)
    assert len(first) == 100
    (chunk,) = tmp_path.glob("*.npz")
    stamp = chunk.stat().st_mtime_ns
    half = tmp_path / chunk.name.replace("-0.npz", "-1.part.npz")
    half.write_bytes(chunk.read_bytes()[:1000])  # what a kill during the second chunk leaves
    both = make(200)
    assert len(both) == 200 and chunk.stat().st_mtime_ns == stamp
    assert torch.equal(both.coverage[:100], first.coverage)
    assert both.words[:100] == first.words and both.names[:100] == first.names and both.styles[:100] == first.styles
    assert not torch.equal(both.coverage[100:], first.coverage)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [chunk.name, chunk.name.replace("-0.npz", "-1.npz")]
    )


def test_the_cache_tells_folders_of_clip_art_apart(house, tmp_path):
    for index in range(6):
        house(f"one-{index}.svg")
    other = tmp_path / "other"
    other.mkdir()
    for index in range(6):
        (other / f"two-{index}.svg").write_text(DRAWING.format(width=2, extra="").replace("#d02020", "#20d020"))
    cache = tmp_path / "cache"
    for path in tmp_path.glob("*.svg"):
        path.rename(path.with_name(f"one-{path.name}"))
    found = [
        set(build_library(0, size=24, clipart_folder=folder, cache=cache, workers=1).names)
        for folder in (other, tmp_path, other)
    ]
    assert found[0] == found[2] < found[1]


def test_drawings_survive_packing(library):
    layers = head("micah")
    stored = pack([layers, dataclasses.replace(layers, name="again")])
    assert stored.names == [layers.name, "again"] and stored.words == [layers.words] * 2
    assert np.array_equal(stored.coverage[1].numpy(), layers.coverage)


@pytest.mark.parametrize("style", characters.STYLE_SHARES)
def test_every_style_holds_out_shapes_wherever_it_has_a_choice(style):
    components = characters.load_style(style)[1]["components"]
    for component in set(characters.HELD_OUT_COMPONENTS) & set(components):
        names = list(components[component]["variants"])
        held_out = [name for name in names if characters.is_held_out(style, component, name)]
        assert len(held_out) < len(names)
        assert held_out or len(names) < characters.FEWEST_TO_HOLD_OUT
