"""Equations (5) to (13) against numbers worked by hand, and the sequences made of them."""

import dataclasses
import math

import pytest
import torch

from colorizer.config import PartWords
from colorizer.errors import UserError
from colorizer.manipulation import (
    DEFAULT_THRESHOLDS,
    Edit,
    band_of,
    dscale,
    omega,
    relevance,
)
from colorizer.manipulation.global_edit import edit_cls
from colorizer.manipulation.local_edit import move_tokens
from colorizer.manipulation.relevance import focused_relevance
from tests.worked_tokens import TEXTS, THRESHOLDS, TOKENS, A, E, close, edited, encode_text


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
        assert close(omega(torch.tensor([[m]]), torch.tensor([4.0]), THRESHOLDS, r=2), [[expected]])

    def test_defaults(self):
        # r = 2, d = 1: 0.525 is half way from ts0 to ts1, 0.6 from ts1 to ts2, 0.8 from ts2 to ts3
        m = torch.tensor([[0.4, 0.525, 0.6, 0.8, 0.96]])
        assert close(omega(m, torch.ones(1), DEFAULT_THRESHOLDS), [[-2.0, -1.0, 0.25, 0.75, 1.0]])

    def test_continuous_at_every_threshold(self):
        for ts in THRESHOLDS:
            around = torch.tensor([[ts - 1e-6, ts, ts + 1e-6]])
            below, at, above = omega(around, torch.tensor([4.0]), THRESHOLDS)[0]
            assert abs(below - at) < 1e-3 and abs(above - at) < 1e-3

    def test_focused_weights_are_those_of_equation_10_up_to_ts1_and_zero_beyond(self):
        m = torch.linspace(0, 1, 101)[None]
        paper, focused = (omega(m, torch.tensor([4.0]), THRESHOLDS, 2.0, mode) for mode in ("paper", "focused"))
        related = m <= THRESHOLDS[1]
        assert torch.equal(focused[related], paper[related]) and (paper[~related] > 0).all()
        assert not focused[~related].any()

    def test_each_picture_has_its_own_d(self):
        weights = omega(torch.tensor([[0.0, 1.0], [0.0, 1.0]]), torch.tensor([1.0, -3.0]), THRESHOLDS, r=2)
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


class TestApplyEdits:
    def test_local_edit_by_hand(self):
        # no anchor: d = 4, ts (0.25, 0.5, 0.75, 0.875), r = 2: omega = -8, 0, 4, 2; v + omega (0.6, 0.8, 0, 0)
        edit = Edit("green", control="hair", target_scale=4, thresholds=THRESHOLDS)
        result, notes = edited([edit])
        expected = [[5, 1, 2, 0], [-3.8, -6.4, 0, 0], [0, 0, 4, 0], [2.4, 3.2, 8, 0], [3.2, 1.6, 6, 0]]
        assert close(result, [expected])
        assert notes == []

    def test_a_focused_edit_leaves_unrelated_tokens_alone_even_when_enhanced(self):
        edit = Edit("green", anchor="red", control="hair", enhance=True, mode="focused", thresholds=THRESHOLDS)
        result, paper = (edited([e])[0] for e in (edit, dataclasses.replace(edit, mode="paper")))
        assert torch.equal(result[:, 2:], TOKENS[:, 2:]) and not torch.equal(paper[:, 2:], TOKENS[:, 2:])
        # d is the target scale itself, so omega of the most related token is -r times that
        expected = move_tokens(TOKENS[:, 1:2], torch.tensor([[-2 * edit.target_scale]]), E, A, beta=1)
        assert close(result[:, 1:2], expected.tolist())

    def test_high_polarity_mirrors_the_low_one(self):
        """An encoder of high polarity is one of low polarity whose local tokens see every text with the other sign."""
        edits = [
            Edit("green", anchor="red", control="hair", enhance=True, thresholds=THRESHOLDS),
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
        first = Edit("green", anchor="red", control="hair", thresholds=THRESHOLDS)
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
