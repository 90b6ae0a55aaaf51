"""The benchmark of edits: exact sets, measures on pictures whose answers are known, folders good and bad."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from colorizer.cli import main
from colorizer.config import ModelConfig
from colorizer.data.characters import render_character, sample_character
from colorizer.data.library import pack
from colorizer.errors import UserError
from colorizer.evaluation.edit_benchmark import EditEvaluation, default_scales, evaluate_edits, is_steady, judge
from colorizer.evaluation.edits import PARTS, find_edits, read_edit
from colorizer.evaluation.make_edits import ATTRIBUTES, EditSet, make_edits, typical_colours
from colorizer.evaluation.metrics import colour_differences
from colorizer.pipeline import Colorizer
from colorizer.settings import GenerationSettings


@pytest.fixture(scope="module")
def heads():
    """Held-out characters that show every attribute, each of them more than once."""
    styles = ["adventurer"] * 7 + ["micah"] * 3 + ["toon-head"] * 3
    specs = [sample_character(np.random.default_rng(i), "held-out", style) for i, style in enumerate(styles)]
    return pack([render_character(spec, 256) for spec in specs])


@pytest.fixture(scope="module")
def edits(heads, tmp_path_factory):
    """A folder of ten edits, two an attribute."""
    folder = tmp_path_factory.mktemp("edits") / "set"
    make_edits(folder, heads, EditSet(count=10), {})
    return folder


@pytest.fixture
def copy(edits, tmp_path):
    """A copy of the folder, to be spoilt."""
    return shutil.copytree(edits, tmp_path / "copy")


def read_all(folder):
    return [read_edit(values, paths) for values, paths in find_edits(folder)]


def picture(folder, part, name):
    return np.asarray(Image.open(folder / part / f"{name}.png"))


class TestMakeEdits:
    def test_only_the_mask_changes_and_it_changes_to_the_target(self, edits):
        for item in read_all(edits):
            truth, edited, mask = (picture(edits, part, item.name) for part in ("truth", "edited", "mask"))
            assert np.abs(truth[mask == 0].astype(int) - edited[mask == 0]).max() <= 1
            colours, counts = np.unique(edited[mask == 255], axis=0, return_counts=True)
            part, word = item.attribute, item.edit.target.removesuffix(f" {item.attribute}")
            wanted = np.rint(255 * typical_colours(part)[word])
            assert np.abs(colours[counts.argmax()] - wanted).max() <= 1
            assert (colours_of(truth[mask == 255]) != colours[counts.argmax()]).any()

    def test_the_reference_shows_the_anchor(self, edits):
        for item in read_all(edits):
            anchor = colours_of(np.asarray(item.triple.truth)[item.inside])
            shown = np.asarray(item.triple.reference).reshape(-1, 3)
            assert (np.abs(shown - anchor).max(-1) <= 1).sum() > 50

    def test_attributes_take_turns_and_references_are_of_both_kinds(self, edits):
        items = json.loads((edits / "edits.json").read_text())["items"]
        assert [item["attribute"] for item in items] == list(ATTRIBUTES) * 2
        same = {item["name"]: item["drawing"] == item["shown"] for item in items}
        assert set(same.values()) == {True, False}
        for name, is_same in same.items():
            assert is_same == np.array_equal(picture(edits, "reference", name), picture(edits, "truth", name))

    def test_target_and_anchor_are_far_apart_and_named(self, edits):
        for item in read_all(edits):
            truth = colours_of(np.asarray(item.triple.truth)[item.inside])
            assert colour_differences(truth[None], colours_of(item.edited[item.inside])[None]) > 25
            assert item.edit.anchor != item.edit.target and item.edit.control.startswith("the ")

    def test_an_item_depends_on_seed_and_place_only(self, edits, heads, tmp_path):
        make_edits(tmp_path / "one", heads, EditSet(count=1), {})
        make_edits(tmp_path / "other", heads, EditSet(count=1, seed=1), {})
        first = sorted((edits / "edited").iterdir())[0]
        assert (tmp_path / "one" / "edited" / first.name).read_bytes() == first.read_bytes()
        assert (tmp_path / "other" / "edited" / first.name).read_bytes() != first.read_bytes()

    def test_a_folder_in_use_and_a_library_that_lacks_a_part_are_refused(self, edits, heads, tmp_path):
        with pytest.raises(UserError, match="not empty"):
            make_edits(edits, heads, EditSet(count=1), {})
        bald = dataclasses.replace(heads, words=[{"parts": ["skin"]}] * len(heads))
        with pytest.raises(UserError, match="show hair"):
            make_edits(tmp_path / "new", bald, EditSet(count=1), {})

    def test_a_word_asks_for_the_middle_of_its_colours(self):
        hair, skin = typical_colours("hair"), typical_colours("skin")
        assert hair["red"][0] > 0.6 and max(hair["red"][1:]) < 0.3
        assert skin["pale"].sum() > skin["tan"].sum() > skin["dark"].sum()
        assert "light" not in typical_colours("background")


def colours_of(pixels):
    """The median of pixels (N, 3)."""
    return np.median(pixels, axis=0)


class TestMeasures:
    @pytest.fixture
    def item(self, edits):
        return read_all(edits)[0]

    def result(self, item, share, outside=0):
        """A result whose region has gone this share of the way to the target, the rest moved by grey levels."""
        truth = np.asarray(item.triple.truth).astype(float)
        region = truth + share * (item.edited.astype(float) - truth)
        moved = np.where(item.inside[..., None], region, np.clip(truth + outside, 0, 255))
        return Image.fromarray(np.rint(moved).astype(np.uint8))

    def judged(self, item, shares, outside=0, **options):
        evaluation = EditEvaluation(GenerationSettings(), 4.0, (1.0, 2.0, 3.0, 4.0), **options)
        return judge(item, [self.result(item, 0), *(self.result(item, share, outside) for share in shares)], evaluation)

    def test_a_perfect_edit(self, item):
        found = self.judged(item, (0.2, 0.5, 0.8, 1))
        assert (found["success"], found["leakage"], found["monotonicity"]) == (True, 0, True)
        assert found["coloured_before"] and found["to_target"]["4"] == 0 and found["unedited_to_anchor"] == 0

    def test_no_edit(self, item):
        found = self.judged(item, (0, 0, 0, 0))
        assert (found["success"], found["monotonicity"]) == (False, False)

    def test_success_is_judged_at_the_scale_alone(self, item):
        assert not self.judged(item, (1, 1, 1, 0))["success"]
        assert self.judged(item, (0, 0, 0, 1))["success"]

    def test_leakage_is_the_mean_difference_outside(self, item):
        found = self.judged(item, (0, 0, 0, 1), outside=-30)
        before, after = (np.asarray(self.result(item, 0, outside)) for outside in (0, -30))
        expected = colour_differences(before[item.outside], after[item.outside]).mean()
        assert found["leakage"] == pytest.approx(expected) and expected > 3

    def test_nearer_to_the_target_but_far_from_its_colour_is_no_success(self, item):
        far = np.asarray(self.result(item, 1)).copy()
        far[item.inside] = 255 - far[item.inside]
        evaluation = EditEvaluation(GenerationSettings(), 4.0, (1.0, 4.0))
        assert not judge(item, [self.result(item, 0), self.result(item, 0), Image.fromarray(far)], evaluation)[
            "success"
        ]

    def test_steady(self):
        assert is_steady([40, 30, 30.9, 10])  # a step back within rounding
        assert not is_steady([40, 30, 32, 10])
        assert not is_steady([40, 40, 40, 40])
        assert not is_steady([40, 39.5, 40.2, 40.5])

    def test_scales_of_the_checkpoint(self):
        assert default_scales(ModelConfig()) == (8.0, (2.0, 4.0, 6.0, 8.0))
        own = ModelConfig(slider_ranges={"target_scale": [0, 40, 30]})
        assert default_scales(own) == (30.0, (0.0, 10.0, 20.0, 30.0))
        with pytest.raises(UserError, match="increasing"):
            EditEvaluation(GenerationSettings(), 8.0, (4.0, 2.0))


class TestFolders:
    @pytest.mark.parametrize(
        ("spoil", "reason"),
        [
            (lambda f, n: (f / f"mask/{n}.png").unlink(), r"mask/.*missing"),
            (lambda f, n: (f / f"edited/{n}.png").write_text("no picture"), r"edited/.*png: This is not"),
            (lambda f, n: Image.new("L", (256, 256)).save(f / f"mask/{n}.png"), "white on 0 pixels"),
            (lambda f, n: Image.new("L", (256, 512), 255).save(f / f"mask/{n}.png"), "proportions"),
            (lambda f, n: (f / f"sketch/{n}.png").unlink(), r"sketch/.*missing"),
        ],
    )
    def test_what_is_wrong_with_an_item_is_said(self, copy, spoil, reason):
        (values, paths), *_ = find_edits(copy)
        spoil(copy, values["name"])
        (values, paths), *_ = find_edits(copy)
        with pytest.raises(UserError, match=reason):
            read_edit(values, paths)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("{", "no JSON"), ("[]", "list of items"), ('{"a": 1}', "list of items"), ('[{"target": "x"}]', "no name"),
            ('[{"name": "a"}, {"name": "a"}]', "twice"), ('"text"', "list of items"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_with_the_list_is_said(self, copy, text, reason):
        (copy / "edits.json").write_text(text)
        with pytest.raises(UserError, match=reason):
            find_edits(copy)

    def test_missing_folders(self, copy, tmp_path):
        with pytest.raises(UserError, match="no folder"):
            find_edits(tmp_path / "nowhere")
        shutil.rmtree(copy / "mask")
        with pytest.raises(UserError, match="mask"):
            find_edits(copy)
        (copy / "edits.json").unlink()
        with pytest.raises(UserError, match=r"edits\.json"):
            find_edits(copy)

    def test_a_plain_list_with_target_alone_and_pictures_of_other_kinds(self, copy):
        name = find_edits(copy)[0][0]["name"]
        for part in PARTS:
            path = copy / part / f"{name}.png"
            Image.open(path).convert("RGB").resize((400, 400)).save(copy / part / "mine.jpg", quality=95)
        (copy / "edits.json").write_text(json.dumps([{"name": "mine", "target": "red hair"}]))
        ((values, paths),) = find_edits(copy)
        item = read_edit(values, paths)
        assert item.edit.is_everywhere and item.edit.anchor is None and item.attribute == "edit"
        assert item.inside.shape == (400, 400)


class TestEvaluateEdits:
    @pytest.mark.parametrize("kind", ["attention", "cls"])
    def test_command(self, edits, copy, kind, tiny_checkpoint, tiny_cls_checkpoint, tmp_path, capsys):
        names = [values["name"] for values, _ in find_edits(edits)]
        (copy / "mask" / f"{names[1]}.png").unlink()
        out, grid = tmp_path / "report.json", tmp_path / "grid.png"
        checkpoint = tiny_checkpoint if kind == "attention" else tiny_cls_checkpoint
        options = ["--steps", "2", "--device", "cpu", "--seed", "5", "--checkpoint", str(checkpoint), "--limit", "4"]
        command = ["evaluate-edits", "--edits", str(copy), "--out", str(out), "--grid", str(grid), *options]
        assert main([*command, "--scale", "40"]) == 0
        report = json.loads(out.read_text())
        assert report["kind"] == kind and report["scales"] == [10, 20, 30, 40] and report["count"] == 3
        assert [item["name"] for item in report["items"]] == [names[0], *names[2:4]]
        assert [item["seed"] for item in report["items"]] == [5, 7, 8]
        assert [item["name"] for item in report["skipped"]] == [names[1]]
        for measure, estimate in report["all"].items():
            assert estimate["low"] <= estimate["mean"] <= estimate["high"], measure
            assert estimate["mean"] == pytest.approx(np.mean([item[measure] for item in report["items"]]))
        assert set(report["attributes"]) == {"hair", "skin", "background"}
        assert report["all"]["leakage"]["mean"] > 0  # random weights: edits move everything
        with Image.open(grid) as picture:
            assert picture.size == (5 * 256, 3 * 256)
        printed = capsys.readouterr()
        assert "3 edits, 1 skipped" in printed.out and f"skipped {names[1]}" in printed.err

    def test_an_edited_picture_is_that_of_a_single_generation(self, edits, tiny_checkpoint):
        colorizer = Colorizer.load(tiny_checkpoint, "cpu", dtype="float32")
        settings = GenerationSettings(steps=2, seed=3)
        rows = []
        evaluation = EditEvaluation(settings, 30.0, (15.0, 30.0), {"enhance": True}, limit=1)
        evaluate_edits(colorizer, edits, evaluation, lambda *row: rows.append(row))
        ((item, before, after),) = rows
        edit = dataclasses.replace(item.edit, target_scale=30.0, enhance=True)
        for found, chosen in ((before, ()), (after, (edit,))):
            alone = colorizer.colorize(item.triple.sketch, item.triple.reference, settings.evolve(edits=chosen))
            assert np.abs(np.asarray(found, int) - np.asarray(alone[0], int)).max() <= 2
        assert np.abs(np.asarray(before, int) - np.asarray(after, int)).max() > 2

    def test_mistakes_are_found_before_the_work(self, edits, tmp_path, capsys):
        out = ["--out", str(tmp_path / "r.json")]
        assert main(["evaluate-edits", "--edits", str(tmp_path / "no"), *out]) == 2
        assert main(["evaluate-edits", "--edits", str(edits), "--out", str(tmp_path / "no" / "r.json")]) == 2
        assert main(["evaluate-edits", "--edits", str(edits), *out, "--limit", "0"]) == 2
        assert main(["make-edits", str(tmp_path / "set"), "--size", "100"]) == 2
        errors = capsys.readouterr().err
        for text in ("no folder", "cannot be written", "--limit must be", "--size is 100"):
            assert text in errors
