"""What the edit panel asks of the core: looks without a model, the encoder's own lock, regions, the degree strip."""

import copy
import threading

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from colorizer.change_map import inside_and_outside
from colorizer.cli import main
from colorizer.encoder import Encoder
from colorizer.errors import UserError
from colorizer.generation import Result
from colorizer.images import read_picture
from colorizer.manipulation import Edit, RegionMask, apply_edits, relevance
from colorizer.manipulation.degree import degree_settings, strip_picture
from colorizer.manipulation.preview import EditPreview, Source, changed_region
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings

HAIR = Edit("green hair", anchor="red hair", control="the hair", target_scale=9, enhance=True)


@pytest.fixture(scope="module")
def colorizer(tiny_checkpoint):
    return Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def picture():
    image = Image.new("RGB", (64, 48), "orange")
    ImageDraw.Draw(image).ellipse((10, 4, 40, 30), fill="navy")
    return image


def source(colorizer, picture, asked=None):
    """`asked`, if given, gets a word for every time the model or the picture is needed."""
    asked = [] if asked is None else asked
    return Source(
        "model",
        "picture",
        colorizer.config,
        picture=lambda: asked.append("picture") or picture,
        encoder=lambda: asked.append("encoder") or colorizer.encoder,
    )


def test_the_encoder_alone_gives_the_tokens_of_the_whole_model(colorizer, picture, tiny_checkpoint):
    alone = Encoder.load(tiny_checkpoint, device="cpu")
    assert torch.equal(alone.encode_image(picture), colorizer.encode_reference(picture).tokens)
    assert torch.equal(alone.encode_text(["the hair"]), colorizer.encode_text(["the hair"]))


def test_texts_are_encoded_while_somebody_is_inside_the_denoiser(colorizer, picture):
    done = threading.Event()

    def encode():
        colorizer.encode_reference(picture)
        colorizer.encode_text(["the hair"])
        done.set()

    with colorizer.locked.inside():
        thread = threading.Thread(target=encode, daemon=True)
        thread.start()
        assert done.wait(60)


def test_a_look_is_what_the_edit_does(colorizer, picture):
    reach = EditPreview().look(source(colorizer, picture), (), HAIR)
    tokens = colorizer.encode_reference(picture).tokens
    e, a, c = colorizer.encode_text(["green hair", "red hair", "the hair"])
    assert torch.equal(reach.m, relevance(tokens[:, 1:], c, "low").m[0])
    assert reach.side == 4
    # equation (12) with the weights that were shown gives the edited tokens
    v = tokens[0, 1:]
    expected = v + (reach.weight + v @ a)[:, None] * (e - a)
    edited, _ = apply_edits(tokens, [HAIR], colorizer.encode_text, "attention", "low")
    torch.testing.assert_close(edited[0, 1:], expected)


def test_a_second_look_needs_neither_model_nor_picture(colorizer, picture):
    preview, asked = EditPreview(), []
    given = source(colorizer, picture, asked)
    first = preview.look(given, (), HAIR)
    assert "picture" in asked and "encoder" in asked
    asked.clear()
    moved = Edit(**{**vars(HAIR), "thresholds": (0.1, 0.2, 0.3, 0.4), "target_scale": 4.0})
    again = preview.look(given, (), moved)
    assert asked == []
    assert torch.equal(again.m, first.m) and not torch.equal(again.weight, first.weight)
    assert again.d == pytest.approx(first.d - 5)


def test_a_look_starts_from_what_the_edits_before_left(colorizer, picture):
    preview, given = EditPreview(), source(colorizer, picture)
    before = Edit("blue background", control="the background")
    alone, after = (preview.look(given, edits, HAIR) for edits in ((), (before,)))
    assert not torch.equal(alone.m, after.m)
    switched_off = Edit(**{**vars(before), "enabled": False})
    assert torch.equal(preview.look(given, (switched_off,), HAIR).m, alone.m)


def test_painted_regions_everything_and_no_target(colorizer, picture):
    preview, given = EditPreview(), source(colorizer, picture)
    painted = Edit("green hair", control="the hair", region_mask=RegionMask.parse("+.../..../..../...-"))
    reach = preview.look(given, (), painted)
    assert (reach.m[0], reach.m[15]) == (0, 1)
    assert reach.d == painted.target_scale
    everywhere = preview.look(given, (), Edit("green", region_mask=RegionMask.parse("..../..../..../...-")))
    assert everywhere.m.tolist() == [0.0] * 15 + [1.0]
    assert everywhere.weight.tolist() == [8.0] * 15 + [0.0]
    untold = preview.look(given, (), painted, has_target=False)
    assert untold.d is None and untold.weight.min() == -2
    with pytest.raises(UserError, match="4 x 4"):
        preview.look(given, (), Edit("green", region_mask=RegionMask.parse("+.")))


def test_sessions_get_copies_of_their_own(colorizer, picture):
    preview = EditPreview()
    other = copy.deepcopy(preview)
    preview.look(source(colorizer, picture), (), HAIR)
    asked = []
    other.look(source(colorizer, picture, asked), (), HAIR)
    assert "picture" in asked


def test_notes_about_a_text_are_kept(colorizer, picture):
    preview, asked = EditPreview(), []
    given = source(colorizer, picture, asked)
    (note,) = preview.notes(given, "hair " * 30)
    assert "cut" in note
    asked.clear()
    assert preview.notes(given, "hair " * 30) == (note,) and asked == []


def test_changed_region_joins_the_regions_of_all_edits():
    # correlations 0, 1, 2, 3 with "x" and 3, 2, 1, 0 with "y": m = 0, 1/3, 2/3, 1 and the reverse
    tokens = torch.tensor([[[9.0, 9.0], [0, 3], [1, 2], [2, 1], [3, 0]]])
    texts = {"x": [1.0, 0.0], "y": [0.0, 1.0]}

    def encode_text(given):
        return torch.tensor([texts[text] for text in given])

    x, y = Edit("t", control="x"), Edit("t", control="y", thresholds=(0.1, 0.2, 0.3, 0.4))
    assert changed_region(tokens, [x], encode_text, "low").tolist() == [[True, True], [False, False]]
    assert changed_region(tokens, [x, y], encode_text, "low").tolist() == [[True, True], [False, True]]
    assert changed_region(tokens, [y], encode_text, "high").tolist() == [[True, False], [False, False]]
    off = Edit("t", control="y", enabled=False)
    assert changed_region(tokens, [x, off], encode_text, "low").tolist() == [[True, True], [False, False]]
    assert changed_region(tokens, [x, Edit("t")], encode_text, "low") is None
    assert changed_region(tokens, [off], encode_text, "low") is None


def test_change_inside_and_outside_a_region():
    difference = np.array([[10.0, 10.0, 1.0, 3.0], [20.0, 20.0, 1.0, 3.0]])
    region = np.array([[True, False]])
    assert inside_and_outside(difference, region) == (15.0, 2.0)
    assert inside_and_outside(difference, np.array([[True]])) == (difference.mean(), None)


def test_a_strip_keeps_seed_and_other_edits_and_switches_its_own_on():
    edits = (Edit("a", target_scale=3), Edit("b", enabled=False))
    settings = GenerationSettings(seed=7, batch_size=3, edits=edits)
    steps = degree_settings(settings, 1, (4.0, 8.0, 12.0))
    assert [step.edits[1].target_scale for step in steps] == [4, 8, 12]
    assert all(step.edits[1].enabled and step.edits[0] == edits[0] for step in steps)
    assert {(step.seed, step.batch_size) for step in steps} == {(7, 1)}


def test_strip_picture_shows_every_picture_whole():
    colours = ("red", "green", "blue")
    strip = strip_picture([Image.new("RGB", (90, 60), colour) for colour in colours], (4.0, 8.5, 12.0), "x" * 500)
    for colour in colours:
        named = np.array(Image.new("RGB", (1, 1), colour))[0, 0]
        assert (np.asarray(strip) == named).all(axis=-1).sum() == 90 * 60


def test_words_of_a_strip_grow_with_its_pictures():
    def ink(side):
        strip = strip_picture([Image.new("RGB", (side, side), "white")] * 3, (1.0, 2.0, 3.0), "green hair")
        return (np.asarray(strip.convert("L")) < 128).mean()

    assert ink(768) == pytest.approx(ink(256), rel=0.2)


class TestDegreeCommand:
    @pytest.fixture
    def degree(self, tmp_path, tiny_checkpoint, picture):
        sketch = Image.new("RGB", (64, 64), "white")
        ImageDraw.Draw(sketch).ellipse((8, 8, 56, 56), outline="black", width=3)
        sketch.save(tmp_path / "sketch.png")
        picture.save(tmp_path / "reference.png")

        def run(*options):
            given = {"--sketch": tmp_path / "sketch.png", "--reference": tmp_path / "reference.png"}
            given |= {"--out": tmp_path / "strip.png", "--checkpoint": tiny_checkpoint, "--device": "cpu", "--steps": 2}
            return main(["degree", *(str(part) for pair in given.items() for part in pair), *map(str, options)])

        return run

    def test_writes_the_pictures_of_each_scale(self, degree, tmp_path, tiny_checkpoint):
        assert degree("--edit", "target=green hair; control=the hair", "--count", 3, "--dtype", "float32") == 0
        colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
        settings = GenerationSettings(steps=2, edits=(Edit("green hair", control="the hair", target_scale=16),))
        sketch = read_picture(tmp_path / "sketch.png")
        *_, last = colorizer.generate(
            colorizer.encode_sketch(sketch),
            colorizer.encode_reference(read_picture(tmp_path / "reference.png")),
            settings,
        )
        assert isinstance(last, Result)
        strip = np.asarray(read_picture(tmp_path / "strip.png"))
        expected = np.asarray(last.images[0])
        assert (strip[30 : 30 + 64, 8 + 2 * 72 : 8 + 2 * 72 + 64] == expected).all()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ((), "needs an edit"),
            (("--edit", "target=x", "--count", 9), "3 to 7"),
            (("--edit", "target=x", "--lowest", 20), "must be below"),
            (("--edit", "target=x", "--sketch", "."), "folder"),
        ],
    )
    def test_what_cannot_be_is_explained(self, degree, options, message, capsys):
        assert degree(*options) == 2
        assert message in capsys.readouterr().err
