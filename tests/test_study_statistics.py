"""Statistics of a simulated study, against scipy on the exported CSV and against hand-worked examples."""

import csv
import io
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from colorizer.study.export import export
from colorizer.study.records import read_records
from colorizer.study.session import Study
from colorizer.study.statistics import friedman, holm, mean_with_interval, question_result, wilcoxon
from colorizer.study.summary import summarise
from tests.study_fixtures import STUDY, take_step, write_study
from tests.study_simulation import EFFECTS, simulate

THIRD = '\n[[conditions]]\nname = "stronger"\ncheckpoint = "tiny.safetensors"\n'


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Sixteen participants who finished, one who did not."""
    study = Study.open(write_study(tmp_path_factory.mktemp("simulated"), STUDY + THIRD))
    simulate(study, 16)
    code = study.enrol()
    take_step(study, code)
    take_step(study, code)
    yield study
    study.close()


@pytest.fixture(scope="module")
def summary(simulated):
    return summarise(simulated.protocol, read_records(simulated.store))


@pytest.fixture(scope="module")
def table(simulated):
    """question -> (participants, conditions), read from the CSV as anybody would."""
    rows = list(csv.DictReader(io.StringIO(export(read_records(simulated.store), "csv")["ratings.csv"])))
    names = [condition.name for condition in simulated.protocol.conditions]

    def mean(question, number, name):
        values = [
            int(row["value"])
            for row in rows
            if (row["question"], row["participant"], row["condition"]) == (question, str(number), name)
        ]
        return np.mean(values) if values else np.nan

    return {
        question: np.array([[mean(question, number, name) for name in names] for number in range(1, 18)])
        for question in EFFECTS
    }


def complete(values):
    return np.round(values[~np.isnan(values).any(axis=1)], 9)


@pytest.mark.parametrize("place, question", list(enumerate(EFFECTS)))
def test_means_are_those_of_the_csv(summary, table, place, question):
    for column, estimate in enumerate(summary.results[place].means.values()):
        values = table[question][:, column]
        values = values[~np.isnan(values)]
        assert estimate.mean == pytest.approx(values.mean())
        assert estimate.count == len(values)
        if values.std():
            other = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(1))
            assert (estimate.low, estimate.high) == pytest.approx(tuple(other.confidence_interval), abs=0.05)


@pytest.mark.parametrize("place, question", list(enumerate(EFFECTS)))
def test_friedman_is_scipys(summary, table, place, question):
    values = complete(table[question])
    expected = stats.friedmanchisquare(*values.T)
    found = summary.results[place].friedman
    assert (found.chi_square, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert (found.count, summary.results[place].complete) == (16, 16)
    # Kendall's W by its definition with tied ranks, not from chi squared
    ranks = stats.rankdata(values, axis=1)
    n, k = ranks.shape
    ties = sum((counts**3 - counts).sum() for counts in (np.unique(row, return_counts=True)[1] for row in ranks))
    spread = ((ranks.sum(axis=0) - n * (k + 1) / 2) ** 2).sum()
    assert found.kendall_w == pytest.approx(12 * spread / (n**2 * (k**3 - k) - n * ties))


@pytest.mark.parametrize("place, question", list(enumerate(EFFECTS)))
def test_pairs_are_scipys(summary, table, place, question):
    values = complete(table[question])
    found = summary.results[place].comparisons
    p_values = []
    for comparison, (first, second) in zip(found, combinations(range(3), 2), strict=True):
        differences = np.round(values[:, first] - values[:, second], 9)
        real = differences[differences != 0]
        p_values.append(stats.wilcoxon(real).pvalue)
        assert comparison.p == pytest.approx(p_values[-1])
        assert comparison.difference == pytest.approx(differences.mean())
        # the rank-biserial correlation from Walsh sums: which of two differences, or one with itself, is larger
        signs = [np.sign(a + b) for i, a in enumerate(real) for b in real[i:]]
        assert comparison.rank_biserial == pytest.approx(np.mean(signs))
    ordered = sorted(p_values)
    for comparison in found:
        steps = [min(1, (3 - i) * p) for i, p in enumerate(ordered) if p <= comparison.p]
        assert comparison.holm == pytest.approx(max(steps))


def test_the_effects_that_were_put_in_come_out(summary):
    by_key = {question.key: result for question, result in zip(summary.questions, summary.results, strict=True)}
    means = [estimate.mean for estimate in by_key["quality"].means.values()]
    assert means == sorted(means)
    assert by_key["quality"].friedman.p < 0.001
    assert all(c.holm < 0.05 and c.rank_biserial < -0.5 for c in by_key["quality"].comparisons)
    assert by_key["quality"].friedman.kendall_w > by_key["similarity"].friedman.kendall_w
    assert by_key["usability"].friedman.p > 0.05


def test_what_is_missing_is_counted(summary):
    # 17 participants x 3 conditions x (3 + 4) ratings, and one participant gave those of one trial only
    assert (summary.enrolled, summary.finished, summary.expected) == (17, 16, 17 * 21)
    partial = summary.present - 16 * 21
    assert partial in (3, 4)
    assert summary.sus.count == 16
    for result in summary.results:
        assert sum(map(sum, result.counts.values())) == sum(
            estimate.count * (1 if result.question == "controllability" else 2) for estimate in result.means.values()
        ) - (1 if result.participants == 17 else 0)


def rows(values):
    """participant, condition, value"""
    return [{"participant": p, "condition": c, "question": "quality", "value": v} for p, c, v in values]


def test_participants_with_gaps_count_where_they_can():
    given = [(1, "a", 1), (1, "b", 3), (1, "c", 5), (2, "a", 2), (2, "b", 4), (3, "c", 4), (3, "c", 5)]
    result = question_result(rows(given), "quality", ("a", "b", "c"), 5)
    assert (result.participants, result.complete) == (3, 1)
    assert [(estimate.mean, estimate.count) for estimate in result.means.values()] == [(1.5, 2), (3.5, 2), (4.75, 2)]
    assert [comparison.count for comparison in result.comparisons] == [2, 1, 1]
    assert result.counts == {"a": (1, 1, 0, 0, 0), "b": (0, 0, 1, 1, 0), "c": (0, 0, 0, 1, 2)}
    assert result.friedman is None


def test_nothing_and_nobody_different():
    nothing = question_result([], "quality", ("a", "b", "c"), 5)
    assert nothing.friedman is None
    assert {(c.count, c.difference, c.p, c.holm, c.rank_biserial) for c in nothing.comparisons} == {
        (0, None, None, None, None)
    }
    same = question_result(rows([(p, c, 3) for p in range(4) for c in "abc"]), "quality", tuple("abc"), 5)
    assert same.friedman is None
    assert {(c.difference, c.p, c.holm, c.rank_biserial) for c in same.comparisons} == {(0, 1, 1, 0)}


def test_one_participant_has_no_interval():
    assert mean_with_interval([3.0]).low is None
    assert mean_with_interval([np.nan, 3.0, 5.0]).mean == 4
    assert mean_with_interval([]).mean is None


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


def test_equal_means_tie_whatever_the_last_bit():
    first = np.array([0.1 + 0.2, 1.0, 2.0, 3.0])
    second = np.array([0.3, 2.0, 3.0, 4.0])
    assert wilcoxon(first, second)[1] == -1
    assert friedman(np.array([[1.0, 2.0, 3.0]] * 4)).kendall_w == pytest.approx(1)
