"""The generator of training data: drawings as layers, captions, triples and the library."""

import colorsys
import dataclasses

import numpy as np
import pytest
import torch

from colorizer.data import captions, characters, clipart
from colorizer.data.compose import Layout, compose, part_masks, random_layout, shade
from colorizer.data.degrade import degrade
from colorizer.data.layers import NUM_SLOTS, SLOTS, Layers, colours_of, recolour, render, render_layers
from colorizer.data.library import build_library, clipart_chunk, pack
from colorizer.data.palette import COLOUR_NAMES, DEFAULTS, SKIN_NAMES, sample_colour, sample_palette
from colorizer.data.triples import TripleOptions, TripleSampler

SIZE = 96
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
DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/" width="80" height="80">
<metadata><dc:title> Red House </dc:title></metadata>
<rect x="6" y="30" width="60" height="44" fill="#d02020" stroke="#000000" stroke-width="{width}"/>
<path d="M4 30 L36 4 L70 30 Z" style="fill:#2040c0;stroke:#000;stroke-width:{width}"/>{extra}</svg>"""


def whole(count: int, size: int) -> Layout:
    """The layout that leaves a drawing as it is."""
    return Layout(torch.eye(2, 3).expand(count, 2, 3), size)


def over(rgba: np.ndarray, background) -> np.ndarray:
    """A rendering on a plain background, in [0, 1]."""
    rgba = rgba.astype(np.float32) / 255
    return rgba[..., :3] * rgba[..., 3:] + (1 - rgba[..., 3:]) * np.asarray(background, np.float32)


def hexadecimal(colour: np.ndarray) -> str:
    return "#" + "".join(f"{round(float(x) * 255):02x}" for x in colour)


def head(style: str, seed: int = 0, split: str = "train") -> Layers:
    spec = characters.sample_character(np.random.default_rng(seed), split, style)
    return characters.render_character(spec, SIZE)


@pytest.fixture(scope="module")
def library():
    """Four adventurers and two of each other style."""
    counts = {style: 4 if style == "adventurer" else 2 for style in characters.STYLE_SHARES}
    return pack([head(style, seed) for style, count in counts.items() for seed in range(count)])


@pytest.fixture
def house(tmp_path):
    """Writes a small drawing of two colours; `width` of its outline, `extra` elements."""

    def write(name="house.svg", width=2.5, extra="", text=None):
        path = tmp_path / name
        path.write_text(text or DRAWING.format(width=width, extra=extra))
        return path

    return write


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


def test_part_masks_are_the_coverage_and_sum_to_one(library):
    coverage = library.coverage
    masks = part_masks(coverage, whole(len(coverage), SIZE), 12)
    assert masks.shape == (len(coverage), NUM_SLOTS + 2, 12, 12)
    torch.testing.assert_close(masks.sum(1), torch.ones(len(coverage), 12, 12), atol=0.02, rtol=0)
    cells = torch.nn.functional.avg_pool2d(coverage.float() / 255, SIZE // 12)
    torch.testing.assert_close(masks[:, : NUM_SLOTS + 1], cells, atol=1e-4, rtol=0)


def test_part_masks_follow_the_layout(library):
    coverage = library.coverage[:2]
    mirrored = Layout(torch.tensor([[-1.0, 0, 0], [0, 1, 0]]).expand(2, 2, 3), SIZE)
    masks = part_masks(coverage, mirrored, 12)
    torch.testing.assert_close(masks, part_masks(coverage, whole(2, SIZE), 12).flip(-1), atol=1e-4, rtol=0)


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


def triples(library, seed=0, batch=12, **options):
    return TripleSampler(library, TripleOptions(**{"size": SIZE, "clipart": 0.0, **options}), seed)


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(vars(first).values(), vars(second).values(), strict=True))


def test_the_same_seed_gives_the_same_batch(library):
    first, again, other = (triples(library, seed) for seed in (4, 4, 5))
    one = first.sample(6)
    assert same(one, again.sample(6))
    assert not same(one, other.sample(6))
    state = first.state_dict()
    second = first.sample(6)
    assert not same(one, second)
    other.load_state_dict(state)
    assert same(second, other.sample(6))


def test_drawing_is_exact_inside_autocast(library):
    plain, inside = triples(library), triples(library)
    drawn = plain.sample(8)
    with torch.autocast("cpu", torch.bfloat16):
        assert same(drawn, inside.sample(8))
        pictures = inside.sample_pictures(4)
        captioned = inside.sample_captioned(4, 8, 3)
    assert torch.equal(pictures, plain.sample_pictures(4))
    assert torch.equal(captioned.picture, plain.sample_captioned(4, 8, 3).picture)


def test_pictures_are_in_range(library):
    batch = triples(library, shaded=1.0).sample(16)
    for name, channels in (("sketch", 1), ("reference", 3), ("truth", 3), ("figure", 1)):
        pictures = getattr(batch, name)
        assert pictures.shape == (16, channels, SIZE, SIZE)
        assert pictures.min() >= 0 and pictures.max() <= 1 and pictures.isfinite().all()
    assert batch.sketch.mean() > 0.7  # dark lines on white


def test_exact_sketches_are_the_lines_of_the_truth(library):
    batch = triples(library, clean=1.0, plain=1.0, shaded=0.0).sample(8)
    drawn = library.coverage[batch.drawings[:, 0], NUM_SLOTS].float() / 255
    torch.testing.assert_close(1 - batch.sketch[:, 0], drawn, atol=1e-4, rtol=0)


def test_truth_and_reference_share_their_palette(library):
    batch = triples(library, plain=1.0, shaded=0.0).sample(40)

    def colours(picture, drawing):
        masks = zip(SLOTS, library.coverage[drawing, :NUM_SLOTS] > 254, strict=True)
        inside = {slot: picture[:, mask] for slot, mask in masks if mask.sum() > 8}
        assert all(values.std(1).max() < 0.01 for values in inside.values())  # flat, so the drawing is the right one
        return {slot: values.median(1).values for slot, values in inside.items()}

    compared = defaults = 0
    for truth, reference, (first, second) in zip(batch.truth, batch.reference, batch.drawings, strict=True):
        of_truth, of_reference = colours(truth, first), colours(reference, second)
        for slot in of_truth.keys() & of_reference.keys():
            torch.testing.assert_close(of_truth[slot], of_reference[slot], atol=0.01, rtol=0)
            compared += first != second
        for slot in of_truth.keys() & DEFAULTS.keys() - set(library.words[second]["parts"]):
            torch.testing.assert_close(of_truth[slot], torch.tensor(DEFAULTS[slot]), atol=0.01, rtol=0)
            defaults += 1
    assert compared > 40 and defaults > 1


def test_a_reference_of_its_own_is_the_truth(library):
    batch = triples(library, reference="self").sample(4)
    assert torch.equal(batch.reference, batch.truth) and (batch.drawings[:, 0] == batch.drawings[:, 1]).all()


def test_a_deformed_reference_is_the_truth_warped(library):
    deformed, plain = (triples(library, reference=name, shaded=0.0) for name in ("deform", "self"))
    batch = deformed.sample(6)
    assert torch.equal(batch.truth, plain.sample(6).truth)
    assert (batch.drawings[:, 0] == batch.drawings[:, 1]).all()
    assert ((batch.reference - batch.truth).abs().flatten(1).mean(1) > 0.005).all()
    means = [picture.mean((2, 3)) for picture in (batch.reference, batch.truth)]
    torch.testing.assert_close(*means, atol=0.12, rtol=0)


def test_an_object_is_its_own_partner(library, house):
    objects = pack([head("micah"), clipart.load_clipart(house(), SIZE)])
    batch = triples(objects, clipart=1.0, plain=1.0, shaded=0.0).sample(6)
    torch.testing.assert_close(batch.reference, batch.truth)
    assert len({hexadecimal(truth[:, SIZE // 2, SIZE // 2]) for truth in batch.truth}) > 1  # recoloured now and then


def test_the_share_of_clean_sketches_is_heeded(library):
    clean, spoilt = (triples(library, seed=3, clean=share).sample(12).sketch for share in (0.999, 0.0))
    assert ((clean - spoilt).abs().flatten(1).mean(1) > 1e-4).sum() >= 8


def test_degrading_leaves_the_share_asked_for_exact():
    lines = (torch.rand(64, 1, 48, 48, generator=torch.Generator().manual_seed(0)) > 0.9).float()
    for share in (0.0, 0.5, 1.0):
        sketches = degrade(lines, torch.Generator().manual_seed(1), share)
        assert sketches.min() >= 0 and sketches.max() <= 1
        exact = (sketches == 1 - lines).flatten(1).all(1).float().mean()
        assert abs(exact - share) < 0.2 if share == 0.5 else abs(exact - share) < 0.05


def test_shading_only_darkens_and_leaves_lines_alone(library):
    slots = torch.full((len(library), NUM_SLOTS, 3), 0.8)
    flat = compose(library.coverage, slots, torch.zeros(len(library), 3), whole(len(library), SIZE))
    strength = torch.arange(len(library)) % 2
    shaded = shade(flat, strength.float(), torch.Generator().manual_seed(1))
    assert torch.equal(shaded.lines, flat.lines) and torch.equal(shaded.alpha, flat.alpha)
    assert torch.equal(shaded.premultiplied[::2], flat.premultiplied[::2])
    assert (shaded.premultiplied <= flat.premultiplied + 1e-6).all()
    assert (shaded.premultiplied >= 0.74 * flat.premultiplied - 1e-6).all()
    darker = (shaded.premultiplied[1::2] < flat.premultiplied[1::2] - 0.01).flatten(1).any(1)
    assert darker.float().mean() > 0.7  # a shadow may fall on ink alone


def test_plain_drawings_stay_as_drawn():
    layout = random_layout(200, 8, torch.Generator().manual_seed(0), plain=0.35)
    plain = (layout.theta == torch.eye(2, 3)).flatten(1).all(1).float().mean()
    assert 0.25 < plain < 0.45
    area = 1 / torch.linalg.det(layout.theta[:, :, :2]).abs().sqrt()  # zoom
    assert area.min() > 0.94 and area.max() < 1.61


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


def test_recoloured_pairs_differ_in_the_named_part_alone(library):
    options = TripleOptions(size=64, shaded=0.5, clipart=0)
    pairs = TripleSampler(library, options, seed=4).sample_recoloured(16, 64, 3)
    before, after = pairs.captioned.picture.chunk(2)
    assert {part for part, *_ in pairs.changes} >= {"hair", "skin", "background"}
    for row, (part, old, new) in enumerate(pairs.changes):
        assert old != new
        assert (pairs.captioned.colours[row][part], pairs.captioned.colours[16 + row][part]) == (old, new)
        others = [{k: v for k, v in pairs.captioned.colours[i].items() if k != part} for i in (row, 16 + row)]
        assert others[0] == others[1]
        share = pairs.captioned.parts[row, captions.PARTS.index(part)]
        moved = (after[row] - before[row]).abs().amax(0)
        assert moved[share < 1e-3].max() < 0.02
        assert moved[share > 0.99].mean() > 0.02 or not (share > 0.99).any()
