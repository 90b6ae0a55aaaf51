"""The edit panel's logic: the list, the form and what is painted, what is drawn, the kept pictures."""

import copy

import pytest
import torch
from PIL import Image

from colorizer.errors import UserError
from colorizer.heatmap import BANDS
from colorizer.manipulation import DEFAULT_THRESHOLDS, EVERYTHING, Edit, RegionMask
from colorizer.manipulation.edit import MOST_EDITS
from colorizer.manipulation.preview import Reach
from colorizer.settings import GenerationSettings
from ui import edit_view
from ui.edit_compare import Comparison, change_note, save_comparisons
from ui.edit_form import EditForm, Painted
from ui.edit_list import EditList
from ui.edit_session import EditSession
from ui.model_shelf import ModelShelf

A, B, C = (Edit(name) for name in "abc")


def filled(*edits):
    edit_list = EditList()
    for edit in edits:
        edit_list = edit_list.put(edit)
    return edit_list


class TestList:
    def test_order_and_replacement(self):
        three = filled(A, B, C)
        assert three.edits == (A, B, C)
        assert three.moved(2, -1).edits == (A, C, B)
        assert three.moved(0, -1) is three and three.moved(2, 1) is three
        assert three.removed(1).edits == (A, C)
        assert three.put(Edit("x"), 1).edits == (A, Edit("x"), C)

    def test_a_switched_off_edit_stays_in_the_list(self):
        switched = filled(A, B).switched(0)
        assert [edit.enabled for edit in switched.edits] == [False, True]
        assert switched.switched(0).edits == (A, B)

    def test_undo_and_redo_give_whole_lists_back(self):
        changed = filled(A, B).removed(0).put(C)
        assert changed.undone().edits == (B,)
        assert changed.undone().undone().edits == (A, B)
        assert changed.undone().undone().redone().redone().edits == changed.edits
        assert changed.undone().put(A).redone().edits == (B, A)  # a new step ends what could be redone
        assert EditList().undone() == EditList().redone() == EditList()

    def test_saving_without_a_change_is_no_step(self):
        one = filled(A)
        assert one.put(A, 0) is one

    def test_a_full_list_is_explained(self):
        with pytest.raises(UserError, match=str(MOST_EDITS)):
            filled(*[A] * MOST_EDITS).put(B)


FULL = Edit(
    "green hair",
    anchor="red hair",
    control="the hair",
    target_scale=11.5,
    enhance=True,
    thresholds=(0.1, 0.2, 0.3, 0.4),
    strength_ratio=1.5,
    region_mask=RegionMask.parse("+./.-"),
    mode="focused",
)


class TestForm:
    @pytest.mark.parametrize(
        "edit",
        [
            FULL,
            Edit("green"),
            Edit("green", region_mask=RegionMask.parse("+-/--")),
            Edit("green", control="sky", region_mask=RegionMask.parse("--/--")),
        ],
    )
    def test_an_edit_comes_back_from_its_form(self, edit):
        assert EditForm.of(edit).edit() == edit
        assert EditForm.of(edit).errors() == {}

    def test_errors_are_told_by_field(self):
        form = EditForm(target=" ", anchor="", control="", everywhere=False)
        assert set(form.errors()) == {"target", "control"}
        assert set(EditForm(target="x" * 2000, anchor="y" * 2000, everywhere=True).errors()) == {"target", "anchor"}
        crossed = EditForm(target="x", everywhere=True, thresholds=(0.5, 0.4, 0.6, 0.7))
        assert list(crossed.errors()) == [""]

    def test_a_region_is_seen_before_there_is_a_target(self):
        form = EditForm(control=" the hair ")
        assert form.is_blank and form.draft().control == "the hair"
        assert EditForm(everywhere=True, control="the hair").draft().control == EVERYTHING

    def test_only_what_is_painted_leaves_the_rest_out(self):
        assert Painted("+./..").mask == RegionMask.parse("+./..")
        assert Painted("+./-.", only=True).mask == RegionMask.parse("+-/--")
        assert Painted("../..", only=True).mask is None
        assert Painted.of(RegionMask.parse("+-/--"), 7) == Painted("+./..", True, 7)

    @pytest.mark.parametrize("cells", ["+x/..", "+/..", "+" * 100])
    def test_what_no_browser_of_ours_sends_is_refused(self, cells):
        with pytest.raises(UserError):
            _ = Painted(cells).mask


class TestView:
    reach = Reach(torch.tensor([0.0, 0.52, 0.6, 1.0]), torch.tensor([-16.0, -6.4, 2.0, 8.0]), True, 8.0)

    def test_canvas_says_band_relevance_and_weight_of_every_token(self):
        drawn = edit_view.canvas_with(self.reach, Edit("x", control="y"), "data:", Painted())
        assert (drawn["side"], drawn["bands"]) == (2, [0, 1, 2, 4])
        assert (drawn["m"], drawn["weights"]) == ([0.0, 0.52, 0.6, 1.0], [-16.0, -6.4, 2.0, 8.0])
        assert [row["share"] for row in drawn["legend"]] == [0.25, 0.25, 0.25, 0.0, 0.25]
        assert [row["colour"] for row in drawn["legend"]] == [band.colour for band in BANDS]
        assert drawn["message"] == ""

    def test_words_that_tell_nothing_apart_are_named(self):
        undefined = Reach(torch.ones(4), torch.ones(4), False, 8.0)
        assert "“y”" in edit_view.canvas_with(undefined, Edit("x", control="y"), "", Painted())["message"]

    def test_histogram_is_a_drawing_in_the_colours_of_the_page(self):
        drawn = edit_view.histogram(self.reach, Edit("x", control="y"))
        assert "<svg" in drawn and "currentColor" in drawn
        assert "#000000" not in drawn and "<style" not in drawn and "<metadata" not in drawn
        assert drawn != edit_view.histogram(self.reach, Edit("x", control="y", mode="focused"))

    def test_words_of_visitors_are_no_markup(self):
        assert "<b>" not in edit_view.field_note("<b>")
        assert "<b>" not in edit_view.field_note(None, ["<b>"])

    def test_rows_name_what_differs_from_the_defaults(self):
        (row,) = edit_view.list_rows([FULL], 0)["rows"]
        assert row["title"] == "green hair" and row["chosen"]
        for part in ("red hair", "the hair", "11.5", "enhanced", "focused", "painted"):
            assert part in row["details"]
        (plain,) = edit_view.list_rows([Edit("x")], None)["rows"]
        assert "everywhere" in plain["details"] and not plain["chosen"]


class TestKeptPictures:
    settings = GenerationSettings(seed=5, batch_size=2)
    inputs = ("sketch", "reference", "model")

    def pictures(self, *colours):
        return [Image.new("RGB", (8, 8), colour) for colour in colours]

    def test_a_run_with_edits_finds_the_pictures_without(self):
        session = EditSession()
        session.keep_unedited(self.inputs, self.settings, self.pictures("red", "blue"))
        edited = self.settings.evolve(edits=(A,))
        found = session.unedited(self.inputs, edited)
        assert [picture.getpixel((0, 0)) for picture in found] == [(255, 0, 0), (0, 0, 255)]
        # image i depends on seed + i only
        (second,) = session.unedited(self.inputs, edited.evolve(seed=6, batch_size=1))
        assert second.getpixel((0, 0)) == (0, 0, 255)

    def test_other_settings_pictures_or_visitors_find_nothing(self):
        session = EditSession()
        other = copy.deepcopy(session)
        session.keep_unedited(self.inputs, self.settings, self.pictures("red", "blue"))
        assert session.unedited(self.inputs, self.settings.evolve(steps=9)) is None
        assert session.unedited(self.inputs, self.settings.evolve(batch_size=3)) is None
        assert session.unedited(("another", *self.inputs[1:]), self.settings) is None
        assert other.unedited(self.inputs, self.settings) is None


class TestComparison:
    def test_the_slider_compares_what_is_asked_for(self):
        edited = Comparison("sketch", "result", "unedited", "change")
        pairs = [edited.pair(mode) for mode in ("sketch", "unedited", "change")]
        assert pairs == [("sketch", "result"), ("unedited", "result"), ("result", "change")]
        assert Comparison("sketch", "result").pair("unedited") == ("sketch", "result")

    def test_files_are_kept_and_the_change_map_shows_where(self, tmp_path):
        before, after = Image.new("RGB", (16, 8), "white"), Image.new("RGB", (16, 8), "white")
        after.paste("red", (0, 0, 8, 8))
        after.save(tmp_path / "s-5.png")
        (compared,) = save_comparisons(before, [tmp_path / "s-5.png"], [before], ["note"], str(tmp_path / "cache"))
        with Image.open(compared.change) as change, Image.open(compared.unedited) as unedited:
            assert change.getpixel((2, 2)) != change.getpixel((12, 2))
            assert unedited.tobytes() == before.tobytes()
        assert compared.note == "note"

    def test_numbers_inside_and_outside_only_where_a_region_was_named(self, tiny_checkpoint, tiny_cls_checkpoint):
        before, after = Image.new("RGB", (64, 64), "white"), Image.new("RGB", (64, 64), "red")
        shelf = ModelShelf(tiny_checkpoint.parent, device="cpu")
        encoder = shelf.encoder(tiny_checkpoint.name)
        config = shelf.describe(tiny_checkpoint.name).config
        noise = Image.effect_noise((64, 64), 90).convert("RGB")
        local = change_note(noise, after, [Edit("x", control="the <hair>")], encoder, config)
        assert "the &lt;hair&gt;" in local and "elsewhere" in local
        assert "elsewhere" not in change_note(before, after, [Edit("x")], encoder, config)


class TestShelf:
    def test_the_encoder_is_that_of_the_loaded_model_or_read_alone(self, tiny_checkpoint):
        shelf = ModelShelf(tiny_checkpoint.parent, device="cpu")
        alone = shelf.encoder(tiny_checkpoint.name)
        assert shelf.encoder(tiny_checkpoint.name) is alone
        colorizer = shelf.open(tiny_checkpoint.name)
        assert shelf.encoder(tiny_checkpoint.name) is colorizer.encoder
        assert torch.equal(alone.encode_text(["hair"]), colorizer.encode_text(["hair"]))

    def test_the_encoder_is_there_while_the_model_is_at_work(self, tiny_checkpoint, tiny_cls_checkpoint, tmp_path):
        for path in (tiny_checkpoint, tiny_cls_checkpoint):
            (tmp_path / path.name).symlink_to(path)
        shelf = ModelShelf(tmp_path, device="cpu")
        with shelf.using(tiny_checkpoint.name):
            shelf.encoder(tiny_cls_checkpoint.name).encode_text(["hair"])


def test_defaults_of_the_form_are_those_of_an_edit():
    assert EditForm(target="x", everywhere=True).edit() == Edit("x")
    assert EditForm().thresholds == DEFAULT_THRESHOLDS
