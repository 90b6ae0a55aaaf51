"""What an edit is made of: its words, its numbers and the region that is painted."""

import json

import pytest
import torch

from colorizer.errors import UserError
from colorizer.manipulation import Edit, RegionMask
from colorizer.manipulation.texts import cut_words, unknown_words
from tests.worked_tokens import THRESHOLDS, TOKENS, E, close, edited


class TestRegionMask:
    edit = dict(target="green", control="hair", target_scale=4, thresholds=THRESHOLDS)

    def gains(self, mask, **kwargs):
        """omega of each token: no anchor, so tokens gain omega along e."""
        result, _ = edited([Edit(**{**self.edit, **kwargs}, region_mask=mask)])
        return ((result - TOKENS) @ E)[0, 1:]

    def test_painted_tokens_are_taken_as_related_or_not(self):
        # without a mask omega = -8, 0, 4, 2 (see TestApplyEdits)
        assert close(self.gains(None), [-8.0, 0.0, 4.0, 2.0])
        assert close(self.gains(RegionMask.painted([[0, 1], [0, 0]], "add")), [-8.0, -8.0, 4.0, 2.0])
        assert close(self.gains(RegionMask.painted([[1, 0], [0, 1]], "remove")), [4.0, 0.0, 4.0, 4.0])
        assert close(self.gains(RegionMask.painted([[0, 0], [0, 1]], "replace")), [4.0, 4.0, 4.0, -8.0])
        assert close(self.gains(RegionMask(("-.", "+."))), [4.0, 0.0, -8.0, 2.0])

    def test_with_everything_only_what_is_left_in_moves(self):
        assert close(
            self.gains(RegionMask.painted([[1, 0], [0, 0]], "remove"), control="everything"), [0, 4.0, 4.0, 4.0]
        )
        assert close(self.gains(RegionMask.painted([[1, 0], [0, 0]], "add"), control="everything"), [4.0] * 4)
        assert close(self.gains(RegionMask.painted([[1, 0], [0, 0]], "replace"), control="everything"), [4.0, 0, 0, 0])

    def test_a_mask_that_decides_all_needs_no_relevance(self):
        tokens = torch.ones(1, 5, 4)
        mask = RegionMask.painted([[1, 0], [0, 0]], "replace")
        result, notes = edited([Edit(**self.edit, region_mask=mask)], tokens=tokens)
        assert close(((result - tokens) @ E)[0, 1:], [-8.0, 4.0, 4.0, 4.0])
        assert notes == []

    def test_strokes_one_after_the_other(self):
        assert RegionMask(("+.", ".-")).then(RegionMask(("-+", ".."))) == RegionMask(("-+", ".-"))

    def test_another_grid_is_refused_with_both_sizes(self):
        with pytest.raises(UserError, match="1 x 3 .* 2 x 2"):
            self.gains(RegionMask(("+..",)))

    @pytest.mark.parametrize("text", ["", "+./.", "+x", "/".join(["." * 65] * 2), "+/./" * 33])
    def test_malformed_masks_are_refused(self, text):
        with pytest.raises(UserError):
            RegionMask.parse(text)

    def test_unknown_mode_is_refused(self):
        with pytest.raises(UserError, match="'invert'"):
            RegionMask.painted([[1]], "invert")


class TestEdit:
    full = Edit(
        target="green hair",
        anchor="red hair",
        control="the hair",
        target_scale=9.5,
        enhance=True,
        thresholds=(0.1, 0.2, 0.3, 0.4),
        strength_ratio=1.5,
        region_mask=RegionMask(("+.", ".-")),
        enabled=False,
    )

    def test_dict_round_trip(self):

        assert Edit.from_dict(json.loads(json.dumps(self.full.to_dict()))) == self.full
        assert Edit.from_dict(json.loads(json.dumps(Edit("blue sky").to_dict()))) == Edit("blue sky")

    def test_parse(self):
        written = (
            "target=green hair; anchor = red hair;control=the hair; scale=9.5; enhance=yes; "
            "ts=0.1,0.2, 0.3,0.4; r=1.5; mask=+./.-; enabled=no;"
        )
        assert Edit.parse(written) == self.full
        assert Edit.parse("target=a = b") == Edit("a = b")

    @pytest.mark.parametrize(
        ("written", "named"),
        [
            ("", "target"),
            ("anchor=red", "target"),
            ("target=", "target"),
            ("target=x; anchor= ", "anchor"),
            ("target=x; control=", "control"),
            ("green hair", "green hair"),
            ("target=x; colour=red", "colour"),
            ("target=x; target=y", "twice"),
            ("target=x; scale=big", "big"),
            ("target=x; scale=nan", "nan"),
            ("target=x; scale=1e9", "1000"),
            ("target=x; r=-1", "-1"),
            ("target=x; enhance=maybe", "maybe"),
            ("target=x; ts=0.5,0.6", "ts3"),
            ("target=x; ts=0.5,a,0.6,0.7", "0.5,a"),
            ("target=x; ts=0.5,0.5,0.6,0.7", r"ts0 = 0\.5 is not below ts1 = 0\.5"),
            ("target=x; ts=0.5,0.8,0.6,0.7", r"ts1 = 0\.8 is not below ts2 = 0\.6"),
            ("target=x; ts=0,0.5,0.6,0.7", "ts0 = 0"),
            ("target=x; ts=0.1,0.5,0.6,1", "ts3 = 1"),
            ("target=x; ts=0.1,nan,0.6,0.9", "ts1 = nan"),
            ("target=x; mask=+x", "signs"),
        ],
    )
    def test_bad_edits_are_refused_and_named(self, written, named):
        with pytest.raises(UserError, match=named):
            Edit.parse(written)

    @pytest.mark.parametrize(
        "values",
        [
            {"target": 3},
            {"target": "x", "anchor": ["y"]},
            {"target": "x", "target_scale": True},
            {"target": "x", "target_scale": "8"},
            {"target": "x", "enhance": "yes"},
            {"target": "x", "thresholds": "0.5"},
            {"target": "x", "thresholds": [0.1, 0.2, 0.3, "0.4"]},
            {"target": "x", "region_mask": [[1, 0]]},
            {"target": "x", "opacity": 1},
            {"target": "x" * 1001},
            ["target"],
        ],
    )
    def test_untrusted_values_are_checked(self, values):
        with pytest.raises(UserError):
            Edit.from_dict(values)


class TestTexts:
    @staticmethod
    def tokenizer(texts, context=6):
        """Letters as ids, start 1, end 2, padding 0: four letters fit."""
        rows = [[1, *map(ord, text.replace(" ", "")), 2] for text in texts]
        rows = [row if len(row) <= context else [*row[: context - 1], 2] for row in rows]
        return torch.tensor([row + [0] * (context - len(row)) for row in rows])

    @pytest.mark.parametrize(
        ("text", "cut"),
        [("ab", ""), ("ab cd", ""), ("ab cd ef", "ef"), ("ab cde f g", "f g"), ("ab cde", ""), ("a  b c d  e", "e")],
    )
    def test_what_is_cut(self, text, cut):
        assert cut_words(text, self.tokenizer) == cut

    def test_what_is_cut_by_the_clip_tokenizer(self):
        from open_clip.tokenizer import SimpleTokenizer

        tokenizer = SimpleTokenizer(context_length=8)  # six words fit between start and end
        assert cut_words("a girl with long green hair", tokenizer) == ""
        assert cut_words("a girl with long green hair and red eyes", tokenizer) == "and red eyes"

    def test_unknown_words(self):
        assert unknown_words("Dark-green hair, HAIR of a Dryad; dryad 2", {"green", "hair", "dark", "of", "a"}) == [
            "dryad"
        ]

    def test_notes_name_what_was_cut_and_what_is_unknown(self):
        edit = Edit("green", control="hair", anchor="sky")
        _, notes = edited([edit], known_words=["green", "sky"])
        assert len(notes) == 1 and '"hair"' in notes[0]
        _, notes = edited([Edit("nothing here")], tokenizer=self.tokenizer)
        assert len(notes) == 1 and '"here"' in notes[0]
        assert edited([edit])[1] == []
