"""What the ratings of a study say: means with intervals, and tests for paired samples.

Every participant counts once: the ratings of one participant for one condition are averaged over the stimuli first. A
participant without any rating for a condition is left out of the comparisons that need it, and only of these.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from colorizer.evaluation.metrics import Estimate, bootstrap_mean

RESAMPLES = 10_000


@dataclass(frozen=True)
class Comparison:
    """Wilcoxon's signed-rank test of two conditions, two-sided.

    count: participants who rated both; the rest is None when there is nobody. difference: mean of first - second.
    holm: p corrected for all pairs of the question. rank_biserial: from -1 (second always better) to 1 (first always
    better), matched pairs.
    """

    first: str
    second: str
    count: int
    difference: float | None
    p: float | None
    holm: float | None
    rank_biserial: float | None


@dataclass(frozen=True)
class Friedman:
    """Friedman's test over three or more conditions. kendall_w: effect size from 0 to 1."""

    count: int
    chi_square: float
    p: float
    kendall_w: float


@dataclass(frozen=True)
class QuestionResult:
    """means: condition -> mean over participants. counts: condition -> how many ratings of 1, 2, ...

    participants: who rated anything; complete: who rated every condition. friedman: None for fewer than three
    conditions or fewer than two complete participants, or when nobody told any conditions apart.
    """

    question: str
    participants: int
    complete: int
    means: dict[str, Estimate]
    counts: dict[str, tuple[int, ...]]
    friedman: Friedman | None
    comparisons: tuple[Comparison, ...]


def question_result(ratings: Sequence[dict], question: str, conditions: Sequence[str], points: int) -> QuestionResult:
    """The result of one question. ratings: rows as in `records.Records.ratings`."""
    rows = [row for row in ratings if row["question"] == question and row["condition"] in conditions]
    means = participant_means(rows, conditions)
    complete = means[~np.isnan(means).any(axis=1)]
    counts = {name: [row["value"] for row in rows if row["condition"] == name] for name in conditions}
    return QuestionResult(
        question=question,
        participants=len(means),
        complete=len(complete),
        means={name: mean_with_interval(means[:, place]) for place, name in enumerate(conditions)},
        counts={name: tuple(values.count(value) for value in range(1, points + 1)) for name, values in counts.items()},
        friedman=friedman(complete),
        comparisons=_comparisons(means, conditions),
    )


def participant_means(rows: Sequence[dict], conditions: Sequence[str]) -> NDArray[np.float64]:
    """(participants, conditions), each the mean over the stimuli; nan where a participant rated none."""
    participants = sorted({row["participant"] for row in rows})
    total, count = np.zeros((2, len(participants), len(conditions)))
    for row in rows:
        cell = participants.index(row["participant"]), conditions.index(row["condition"])
        total[cell] += row["value"]
        count[cell] += 1
    return _rounded(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))


def mean_with_interval(values: Iterable[float]) -> Estimate:
    """The mean of what is not nan and its 95 % percentile bootstrap interval, none for fewer than two values."""
    present = [float(value) for value in values if not np.isnan(value)]
    estimate = bootstrap_mean(present, resamples=RESAMPLES)
    return estimate if len(present) > 1 else Estimate(estimate.mean, None, None, len(present))


def friedman(complete: NDArray[np.float64]) -> Friedman | None:
    """complete: (participants, conditions) without nan. Kendall's W is chi^2 / (n (k - 1))."""
    count, conditions = complete.shape
    if conditions < 3 or count < 2 or (complete == complete[:, :1]).all():
        return None
    chi_square, p = stats.friedmanchisquare(*complete.T)
    return Friedman(count, float(chi_square), float(p), float(chi_square / (count * (conditions - 1))))


def wilcoxon(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """(p, rank-biserial correlation) of paired values without nan; (1, 0) when no pair differs.

    Pairs without a difference are dropped first, as Wilcoxon did; scipy takes the exact distribution for up to 13
    pairs that are left, or 50 without ties. The correlation is (R+ - R-) / (R+ + R-), R being the sums of the ranks
    (D. S. Kerby, The simple difference formula, 2014).
    """
    differences = _rounded(first - second)
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0, 0.0
    ranks = stats.rankdata(np.abs(differences))
    effect = ranks @ np.sign(differences) / ranks.sum()
    return float(stats.wilcoxon(differences).pvalue), float(effect)


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p corrected for all of them (S. Holm, A simple sequentially rejective multiple test procedure, 1979)."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(1, np.maximum.accumulate(np.asarray(p_values)[order] * factors))
    return corrected.tolist()


def _comparisons(means: NDArray[np.float64], conditions: Sequence[str]) -> tuple[Comparison, ...]:
    pairs = list(combinations(range(len(conditions)), 2))
    both = [means[~np.isnan(means[:, pair]).any(axis=1)][:, pair] for pair in pairs]
    tests = [wilcoxon(*values.T) if len(values) else None for values in both]
    corrected = iter(holm([test[0] for test in tests if test]))
    return tuple(
        Comparison(
            conditions[first],
            conditions[second],
            len(values),
            float(np.mean(values[:, 0] - values[:, 1])) if len(values) else None,
            *((test[0], next(corrected), test[1]) if test else (None, None, None)),
        )
        for (first, second), values, test in zip(pairs, both, tests, strict=True)
    )


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # Means of whole numbers that are equal on paper may differ in the last bit, which would make a rank of it.
    return np.round(values, 9)
