"""Thresholds that part the tokens, the cache of their relevance, and edits by degrees."""

import pytest
import torch

from colorizer.errors import UserError
from colorizer.manipulation import (
    Edit,
    RelevanceCache,
    auto_thresholds,
    degree_edits,
    degree_scales,
    separate_thresholds,
    tokens_key,
)
from tests.worked_tokens import TOKENS, close, encode_text


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
