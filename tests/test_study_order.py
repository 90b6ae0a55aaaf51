"""Balanced Latin squares, by their definition."""

from collections import Counter
from itertools import pairwise

import pytest

from colorizer.study.order import williams_square


@pytest.mark.parametrize("count", range(1, 14))
def test_every_row_has_everything_once_and_every_place_all_equally_often(count):
    rows = williams_square(count)
    assert len(rows) == (count if count % 2 == 0 or count == 1 else 2 * count)
    assert all(sorted(row) == list(range(count)) for row in rows)
    for column in zip(*rows, strict=True):
        assert Counter(column) == {number: len(rows) // count for number in range(count)}


@pytest.mark.parametrize("count", range(2, 14))
def test_everything_follows_everything_else_equally_often(count):
    rows = williams_square(count)
    neighbours = Counter(pair for row in rows for pair in pairwise(row))
    everything = {(a, b) for a in range(count) for b in range(count) if a != b}
    assert neighbours == dict.fromkeys(everything, 1 if count % 2 == 0 else 2)


def test_nothing_to_order():
    with pytest.raises(ValueError):
        williams_square(0)
