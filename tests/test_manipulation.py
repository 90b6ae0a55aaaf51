"""Equations (5) to (13) against numbers worked by hand, and the sequences made of them."""

import dataclasses
import json
import math

import pytest
import torch

from colorizer.config import PartWords
from colorizer.errors import UserError
from colorizer.manipulation import (
    DEFAULT_THRESHOLDS,
    Edit,
    RegionMask,
    RelevanceCache,
    apply_edits,
    auto_thresholds,
    band_of,
    degree_edits,
    degree_scales,
    dscale,
    omega,
    relevance,
    separate_thresholds,
    tokens_key,
)
from colorizer.manipulation.global_edit import edit_cls
from colorizer.manipulation.local_edit import move_tokens
from colorizer.manipulation.relevance import focused_relevance
from colorizer.manipulation.texts import cut_words, unknown_words

# Unit embeddings in four dimensions. "red" and "green" are not orthogonal: red . green = 0.6.
TEXTS = {
    "red": [1.0, 0.0, 0.0, 0.0],
    "green": [0.6, 0.8, 0.0, 0.0],
    "hair": [0.0, 0.0, 1.0, 0.0],
    "sky": [0.0, 0.0, 0.0, 1.0],
    "nothing here": [0.0, 0.0, 0.0, -1.0],
}
E, A = torch.tensor(TEXTS["green"]), torch.tensor(TEXTS["red"])


def encode_text(texts):
    return torch.tensor([TEXTS[text] for text in texts])


def close(actual, expected):
    return torch.allclose(actual, torch.tensor(expected, dtype=actual.dtype), atol=1e-5)


class TestGlobalEdit:
    """v_cls = (5, 1, 2, 0): v . a = 5, v . e = 0.6 * 5 + 0.8 * 1 = 3.8."""

    v_cls = torch.tensor([[5.0, 1.0, 2.0, 0.0]])

    def test_eq_5_enhance_adds_the_target(self):
        # v + 10 e = (5 + 6, 1 + 8, 2, 0)
        assert close(edit_cls(self.v_cls, E, None, 10, True), [[11.0, 9.0, 2.0, 0.0]])

    def test_eq_5_not_enhance_sets_the_projection(self):
        # v + (10 - 3.8) e = v + 6.2 (0.6, 0.8) = (5 + 3.72, 1 + 4.96, 2, 0)
        result = edit_cls(self.v_cls, E, None, 10, False)
        assert close(result, [[8.72, 5.96, 2.0, 0.0]])
        assert close(result @ E, [10.0])

    def test_eq_6_moves_from_anchor_to_target(self):
        # v + 10 (e - a) = v + 10 (-0.4, 0.8) = (5 - 4, 1 + 8, 2, 0)
        assert close(edit_cls(self.v_cls, E, A, 10, False), [[1.0, 9.0, 2.0, 0.0]])

    def test_eq_7_removes_the_anchor_first(self):
        # v' = v - 5 a = (0, 1, 2, 0); v' . e = 0.8; v = v' + (10 - 0.8) e = (0 + 5.52, 1 + 7.36, 2, 0)
        assert close(edit_cls(self.v_cls, E, A, 10, True), [[5.52, 8.36, 2.0, 0.0]])


class TestRelevance:
    def test_eq_9_is_min_max_of_the_correlations(self):
        # v . c = 2, 4, 10, 6 -> (v . c - 2) / 8
        v = torch.tensor([[[0, 9, 2, 0], [1, 0, 4, 0], [0, 0, 10, 1], [3, 0, 6, 0]]], dtype=torch.float32)
        found = relevance(v, torch.tensor(TEXTS["hair"]), "low")
        assert close(found.m, [[0.0, 0.25, 1.0, 0.5]])
        assert found.defined.tolist() == [True]

    def test_high_polarity_is_turned_round(self):
        v = torch.tensor([[[0, 9, 2, 0], [1, 0, 4, 0], [0, 0, 10, 1], [3, 0, 6, 0]]], dtype=torch.float32)
        assert close(relevance(v, torch.tensor(TEXTS["hair"]), "high").m, [[1.0, 0.75, 0.0, 0.5]])

    @pytest.mark.parametrize("polarity", ["low", "high"])
    def test_equal_correlations_are_undefined_and_not_nan(self, polarity):
        v = torch.randn(2, 9, 4)
        v[0, :, 2] = 1.5  # the first picture's tokens do not differ along "hair", the second's do
        found = relevance(v, torch.tensor(TEXTS["hair"]), polarity)
        assert found.defined.tolist() == [False, True]
        assert (found.m[0] == 1).all()
        assert found.m[1].min() == 0 and found.m[1].max() == 1

    def test_rounding_noise_is_not_a_difference(self):
        token = torch.randn(64)
        v = token.expand(1, 16, 64) * (1 + 1e-7 * torch.randn(1, 16, 1))
        c = torch.randn(64)
        assert not relevance(v, c / c.norm()).defined.any()

    def test_unknown_polarity_is_refused(self):
        with pytest.raises(UserError, match="'up'"):
            relevance(torch.randn(1, 4, 4), E, "up")


class TestFocusedRelevance:
    """Two tokens, with v . text = (2, 0, 0) and (0, 1, 0) for the parts hair, sky and red."""

    v = torch.tensor([[[0.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 1.0]]])
    parts = encode_text(["hair", "sky", "red"])

    def share(self, own, *others):
        return math.exp(own) / (math.exp(own) + sum(map(math.exp, others)))

    def test_softmax_over_the_text_and_the_other_parts(self):
        found = focused_relevance(self.v, self.parts[0], self.parts, 3.0, "high")
        assert close(found.m, [[1 - self.share(6, 0, 0), 1 - self.share(0, 3, 0)]])
        assert found.defined.all()

    def test_the_part_that_the_text_names_is_no_rival(self):
        c = torch.tensor([0.0, 0.6, 0.8, 0.0])  # another way to say "hair": v . c = 1.6 and 0
        found = focused_relevance(self.v, c, self.parts, 1.0, "high")
        assert close(found.m, [[1 - self.share(1.6, 0, 0), 1 - self.share(0, 1, 0)]])

    def test_a_part_that_is_not_there_is_nowhere(self):
        found = focused_relevance(self.v, self.parts[2], self.parts, 3.0, "high")
        assert (found.m > 0.5).all()

    def test_low_polarity_is_the_mirror(self):
        high = focused_relevance(self.v, self.parts[0], self.parts, 3.0, "high")
        assert torch.equal(focused_relevance(-self.v, self.parts[0], self.parts, 3.0, "low").m, high.m)

    def test_edits_use_it_with_the_parts_of_the_checkpoint(self):
        tokens = torch.cat([torch.ones(1, 1, 4), self.v], 1)
        edit = Edit("green", anchor="red", control="hair", target_scale=5, mode="focused")
        result, _ = edited([edit], tokens=tokens, polarity="high", parts=PartWords(("hair", "sky", "red"), 3.0))
        assert close(result[:, 1], (tokens[:, 1] + 2 * 5 * (E - A)).tolist())  # m = 0.005: -d r, mirrored
        assert torch.equal(result[:, 2], tokens[:, 2])


class TestDscale:
    """v_cls . a = 5, v_cls . e = 3.8 (as above), target scale 10."""

    v_cls = TestGlobalEdit.v_cls

    @pytest.mark.parametrize(
        ("anchor", "enhance", "expected"),
        [
            (A, True, 5.0),  # 10 - v_cls . a
            (A, False, 6.2),  # 10 - v_cls . e
            (None, True, 10.0),  # Algorithm 2: the target scale itself
            (None, False, 10.0),
        ],
    )
    def test_eq_11(self, anchor, enhance, expected):
        assert close(dscale(self.v_cls, E, anchor, 10, enhance), [expected])

    def test_focused_edits_have_the_scale_itself(self):
        v_cls = torch.tensor([[5.0, 1.0, 2.0, 0.0]])
        assert close(dscale(v_cls, E, A, 8, False, "focused"), [8.0])


class TestOmega:
    """Thresholds that binary floats hold exactly, d = 4, r = 2: from -8 over 0 and 2 to 4."""

    ts = (0.25, 0.5, 0.75, 0.875)

    @pytest.mark.parametrize(
        ("m", "expected"),
        [
            (0.0, -8.0),  # m <= ts0: -d r
            (0.125, -8.0),
            (0.25, -8.0),  # ts0 itself belongs below
            (0.375, -4.0),  # -8 + 8 * 0.125 / 0.25
            (0.5, 0.0),  # ts1: -8 + 8
            (0.625, 1.0),  # 0.5 * 4 * 0.125 / 0.25
            (0.75, 2.0),  # ts2: 0.5 d
            (0.8125, 3.0),  # 2 + 2 * 0.0625 / 0.125
            (0.875, 4.0),  # ts3: d
            (0.9375, 4.0),  # m > ts3: d
            (1.0, 4.0),
        ],
    )
    def test_eq_10(self, m, expected):
        assert close(omega(torch.tensor([[m]]), torch.tensor([4.0]), self.ts, r=2), [[expected]])

    def test_defaults(self):
        # r = 2, d = 1: 0.525 is half way from ts0 to ts1, 0.6 from ts1 to ts2, 0.8 from ts2 to ts3
        m = torch.tensor([[0.4, 0.525, 0.6, 0.8, 0.96]])
        assert close(omega(m, torch.ones(1), DEFAULT_THRESHOLDS), [[-2.0, -1.0, 0.25, 0.75, 1.0]])

    def test_continuous_at_every_threshold(self):
        for ts in self.ts:
            around = torch.tensor([[ts - 1e-6, ts, ts + 1e-6]])
            below, at, above = omega(around, torch.tensor([4.0]), self.ts)[0]
            assert abs(below - at) < 1e-3 and abs(above - at) < 1e-3

    def test_focused_weights_are_those_of_equation_10_up_to_ts1_and_zero_beyond(self):
        m = torch.linspace(0, 1, 101)[None]
        paper, focused = (omega(m, torch.tensor([4.0]), self.ts, 2.0, mode) for mode in ("paper", "focused"))
        related = m <= self.ts[1]
        assert torch.equal(focused[related], paper[related]) and (paper[~related] > 0).all()
        assert not focused[~related].any()

    def test_each_picture_has_its_own_d(self):
        weights = omega(torch.tensor([[0.0, 1.0], [0.0, 1.0]]), torch.tensor([1.0, -3.0]), self.ts, r=2)
        assert close(weights, [[-2.0, 1.0], [6.0, -3.0]])

    def test_bands_are_closed_above(self):
        m = torch.tensor([0.0, 0.5, 0.51, 0.55, 0.6, 0.65, 0.7, 0.95, 0.96, 1.0])
        assert band_of(m, DEFAULT_THRESHOLDS).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


class TestMoveTokens:
    v = torch.tensor([[[5.0, 1.0, 2.0, 0.0], [0.0, 1.0, 0.0, 0.0]]])  # v . a = 5 and 0
    weight = torch.tensor([[-2.0, 1.0]])

    def test_eq_12(self):
        # e - a = (-0.4, 0.8): v1 - 2 (e - a) = (5.8, -0.6, 2, 0), v2 + (e - a) = (-0.4, 1.8, 0, 0)
        expected = [[[5.8, -0.6, 2.0, 0.0], [-0.4, 1.8, 0.0, 0.0]]]
        assert close(move_tokens(self.v, self.weight, E, A, beta=0), expected)

    def test_eq_12_enhanced(self):
        # v1 + (-2 + 5)(e - a) = (5 - 1.2, 1 + 2.4, 2, 0), v2 + (1 + 0)(e - a) as before
        expected = [[[3.8, 3.4, 2.0, 0.0], [-0.4, 1.8, 0.0, 0.0]]]
        assert close(move_tokens(self.v, self.weight, E, A, beta=1), expected)

    def test_eq_13(self):
        # v1 - 2 e = (5 - 1.2, 1 - 1.6, 2, 0), v2 + e = (0.6, 1.8, 0, 0); beta has no part in it
        expected = [[[3.8, -0.6, 2.0, 0.0], [0.6, 1.8, 0.0, 0.0]]]
        assert close(move_tokens(self.v, self.weight, E, None, beta=1), expected)


# CLS (5, 1, 2, 0), then four local tokens with v . hair = 0, 4, 8, 6, so m = 0, 0.5, 1, 0.75
TOKENS = torch.tensor([[[5, 1, 2, 0], [1, 0, 0, 0], [0, 0, 4, 0], [0, 0, 8, 0], [2, 0, 6, 0]]], dtype=torch.float32)


def edited(edits, kind="attention", polarity="low", tokens=TOKENS, **kwargs):
    return apply_edits(tokens, edits, encode_text, kind, polarity, **kwargs)


class TestApplyEdits:
    def test_local_edit_by_hand(self):
        # no anchor: d = 4, ts (0.25, 0.5, 0.75, 0.875), r = 2: omega = -8, 0, 4, 2; v + omega (0.6, 0.8, 0, 0)
        edit = Edit("green", control="hair", target_scale=4, thresholds=TestOmega.ts)
        result, notes = edited([edit])
        expected = [[5, 1, 2, 0], [-3.8, -6.4, 0, 0], [0, 0, 4, 0], [2.4, 3.2, 8, 0], [3.2, 1.6, 6, 0]]
        assert close(result, [expected])
        assert notes == []

    def test_a_focused_edit_leaves_unrelated_tokens_alone_even_when_enhanced(self):
        edit = Edit("green", anchor="red", control="hair", enhance=True, mode="focused", thresholds=TestOmega.ts)
        result, paper = (edited([e])[0] for e in (edit, dataclasses.replace(edit, mode="paper")))
        assert torch.equal(result[:, 2:], TOKENS[:, 2:]) and not torch.equal(paper[:, 2:], TOKENS[:, 2:])
        # d is the target scale itself, so omega of the most related token is -r times that
        expected = move_tokens(TOKENS[:, 1:2], torch.tensor([[-2 * edit.target_scale]]), E, A, beta=1)
        assert close(result[:, 1:2], expected.tolist())

    def test_high_polarity_mirrors_the_low_one(self):
        """An encoder of high polarity is one of low polarity whose local tokens see every text with the other sign."""
        edits = [
            Edit("green", anchor="red", control="hair", enhance=True, thresholds=TestOmega.ts),
            Edit("sky", control="green", target_scale=5),
        ]
        high, _ = edited(edits, polarity="high")
        mirrored = TOKENS.clone()
        mirrored[:, 1:] *= -1
        low, _ = edited(edits, polarity="low", tokens=mirrored)
        assert close(high[:, 1:], (-low[:, 1:]).tolist())

    def test_high_polarity_moves_related_tokens_toward_the_target(self):
        result, _ = edited([Edit("green", control="hair", target_scale=8)], polarity="high")
        gain = ((result - TOKENS) @ E)[0, 1:]
        assert gain[2] == pytest.approx(16)  # the token most like "hair": d r
        assert gain[0] == pytest.approx(-8)  # the one least like it: -d

    def test_cls_edit_leaves_local_tokens(self):
        result, notes = edited([Edit("green", anchor="red", target_scale=10)], kind="cls")
        assert close(result[:, 0], [[1.0, 9.0, 2.0, 0.0]])  # equation (6), as above
        assert torch.equal(result[:, 1:], TOKENS[:, 1:])
        assert notes == []

    def test_cls_edit_says_that_regions_are_not_used(self):
        _, notes = edited([Edit("green", control="no such text is encoded")], kind="cls")
        assert len(notes) == 1 and "whole picture" in notes[0]

    @pytest.mark.parametrize("kind", ["cls", "attention"])
    def test_each_edit_starts_from_what_the_one_before_left(self, kind):
        first = Edit("green", anchor="red", control="hair", thresholds=TestOmega.ts)
        # the first edit changes v . green, the second's control: its m is not that of the reference
        second = Edit("red", control="green", target_scale=3)
        together, _ = edited([first, second], kind)
        one_by_one, _ = edited([second], kind, tokens=edited([first], kind)[0])
        assert torch.allclose(together, one_by_one)
        assert not torch.allclose(together, edited([second, first], kind)[0])

    def test_everything_moves_all_tokens_by_d(self):
        # d = 8 - v_cls . e = 8 - 3.8
        result, _ = edited([Edit("green", anchor="red", control="Everything")])
        assert close(result[0, 1:] - TOKENS[0, 1:], (4.2 * (E - A)).expand(4, 4).tolist())

    def test_everything_is_the_same_for_both_polarities(self):
        edits = [Edit("green", anchor="red", enhance=True)]
        assert torch.equal(edited(edits, polarity="low")[0], edited(edits, polarity="high")[0])

    def test_undefined_relevance_changes_nothing_and_says_so(self):
        tokens = torch.ones(1, 5, 4)
        result, notes = edited([Edit("green", control="sky")], tokens=tokens)
        assert torch.equal(result, tokens)
        assert len(notes) == 1 and "does not tell regions apart" in notes[0] and "sky" in notes[0]

    def test_undefined_for_one_picture_of_a_batch(self):
        tokens = torch.cat([torch.ones(1, 5, 4), TOKENS])
        result, _ = edited([Edit("green", control="hair")], tokens=tokens)
        assert torch.equal(result[0], tokens[0])
        assert torch.allclose(result[1:], edited([Edit("green", control="hair")])[0])

    def test_disabled_edits_have_no_effect(self):
        result, notes = edited([Edit("no such text is encoded", enabled=False)])
        assert result is TOKENS and notes == []

    def test_half_precision_comes_back_as_it_went_in(self):
        result, _ = edited([Edit("green", control="hair")], tokens=TOKENS.to(torch.bfloat16))
        assert result.dtype == torch.bfloat16

    def test_unknown_kind_is_refused(self):
        with pytest.raises(UserError, match="'both'"):
            edited([Edit("green")], kind="both")


class TestRegionMask:
    edit = dict(target="green", control="hair", target_scale=4, thresholds=TestOmega.ts)

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


class TestThresholds:
    def test_auto_separates_three_groups(self):
        torch.manual_seed(0)
        groups = [0.1 + 0.05 * torch.rand(60), 0.5 + 0.05 * torch.rand(60), 0.9 + 0.05 * torch.rand(60)]
        ts0, ts1, ts2, ts3 = auto_thresholds(torch.cat(groups))
        assert 0.14 <= ts1 < 0.5
        assert 0.54 <= ts2 < 0.9
        assert ts0 < ts1 and ts2 < ts3

    @pytest.mark.parametrize(
        "m",
        [
            [0.5] * 9,
            [0.0, 1.0],
            [0.0, 0.5, 1.0],
            [0.0, 0.001, 1.0],
            [0.0, 0.999, 1.0],
            [0.0, 0.004, 0.008, 1.0],
            [1.0] * 255 + [0.0],
            torch.linspace(0, 1, 256).tolist(),
        ],
    )
    def test_auto_always_gives_thresholds_an_edit_accepts(self, m):
        thresholds = auto_thresholds(m)
        assert Edit("x", thresholds=thresholds).thresholds == thresholds

    @pytest.mark.parametrize("moved", [None, 0, 1, 2, 3])
    def test_separated_thresholds_are_always_in_order(self, moved):
        torch.manual_seed(0)
        for values in [*torch.rand(50, 4).tolist(), [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 1, 0]]:
            thresholds = separate_thresholds(values, moved)
            assert Edit("x", thresholds=thresholds).thresholds == thresholds

    def test_the_moved_slider_stays_and_pushes_its_neighbours(self):
        assert separate_thresholds((0.5, 0.55, 0.5, 0.95), moved=2) == (0.48, 0.49, 0.5, 0.95)
        assert separate_thresholds((0.5, 0.97, 0.65, 0.95), moved=1) == (0.5, 0.97, 0.98, 0.99)


class TestRelevanceCache:
    def setup_method(self):
        self.calls = []

    def encode(self, texts):
        self.calls.append(texts)
        return encode_text(texts)

    def test_computed_once_for_a_reference_and_a_text(self):
        cache, key = RelevanceCache(), tokens_key(TOKENS)
        first = cache.get(key, "hair", TOKENS, self.encode, "low")
        assert cache.get(key, "hair", TOKENS, self.encode, "low") is first
        assert close(first.m, [[0.0, 0.5, 1.0, 0.75]])
        cache.get(key, "sky", TOKENS, self.encode, "low")
        cache.get(tokens_key(2 * TOKENS), "hair", 2 * TOKENS, self.encode, "low")
        assert self.calls == [["hair"], ["sky"], ["hair"]]

    def test_the_least_recently_used_is_dropped(self):
        cache, key = RelevanceCache(capacity=2), tokens_key(TOKENS)
        for control in ("hair", "sky", "hair", "red", "hair", "sky"):
            cache.get(key, control, TOKENS, self.encode, "low")
        assert len(cache) == 2
        assert self.calls == [["hair"], ["sky"], ["red"], ["sky"]]

    def test_caches_share_nothing(self):
        one, two, key = RelevanceCache(), RelevanceCache(), tokens_key(TOKENS)
        one.get(key, "hair", TOKENS, self.encode, "low")
        assert len(two) == 0

    def test_key_tells_tokens_apart(self):
        assert tokens_key(TOKENS) == tokens_key(TOKENS.clone())
        assert tokens_key(TOKENS) != tokens_key(TOKENS + 1e-3)
        assert tokens_key(torch.zeros(1, 4, 2)) != tokens_key(torch.zeros(1, 2, 4))


class TestDegree:
    def test_scales_are_equally_far_apart(self):
        assert degree_scales(4, 12, 5) == (4, 6, 8, 10, 12)

    @pytest.mark.parametrize(
        ("low", "high", "count"), [(4, 12, 2), (4, 12, 8), (12, 4, 5), (4, 4, 3), (4, float("nan"), 3)]
    )
    def test_bad_strips_are_refused(self, low, high, count):
        with pytest.raises(UserError):
            degree_scales(low, high, count)

    def test_only_the_chosen_edit_changes(self):
        edits = (Edit("green"), Edit("sky", target_scale=2))
        strip = degree_edits(edits, 0, (4, 6, 8))
        assert [pair[0].target_scale for pair in strip] == [4, 6, 8]
        assert all(pair[1] == edits[1] for pair in strip)
