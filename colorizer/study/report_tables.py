"""What a report says in words and tables, whatever it is written as."""

from collections.abc import Sequence
from dataclasses import dataclass

from colorizer.evaluation.metrics import Estimate
from colorizer.study.statistics import Comparison
from colorizer.study.summary import Summary

METHOD = (
    "Each participant counts once: ratings of one condition are averaged over the stimuli first. Intervals: 95 %, "
    "percentile bootstrap over participants. Friedman's test needs participants who rated every condition, with "
    "Kendall's W as effect size. Pairs: Wilcoxon's signed-rank test, two-sided, of the participants who rated the two "
    "differently; Holm's correction over the pairs of a question; r is the matched-pairs rank-biserial correlation, "
    "positive where the first condition was rated higher."
)


@dataclass(frozen=True)
class Table:
    """head: one name a column. rows: texts."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(summary: Summary) -> list[Table]:
    """Means, Friedman's test and the pairs; those without rows are left out."""
    means = [
        (name, *(f"{_mean(result.means[name])}, n = {result.means[name].count}" for result in summary.results))
        for name in summary.conditions
    ]
    named = list(zip(summary.labels, summary.results, strict=True))
    friedman = [
        (label, str(test.count), f"{test.chi_square:.2f}", _p(test.p), f"{test.kendall_w:.2f}")
        for label, result in named
        if (test := result.friedman)
    ]
    pairs = [(label, *_pair(comparison)) for label, result in named for comparison in result.comparisons]
    found = [
        Table(f"Means and 95 % intervals, ratings from 1 to {summary.points}", ("Condition", *summary.labels), means),
        Table("Friedman's test", ("Question", "n", "chi²", "p", "Kendall's W"), friedman),
        Table("Pairs of conditions", ("Question", "Pair", "n", "Difference", "p", "p (Holm)", "r"), pairs),
    ]
    return [table for table in found if table.rows]


def facts(summary: Summary) -> list[tuple[str, str]]:
    """Who took part, what is missing and which texts were agreed to: name, value."""
    missing = summary.expected - summary.present
    share = f" ({missing / summary.expected:.1%})" if summary.expected else ""
    lines = [
        ("Participants", f"{summary.enrolled}, of whom {summary.finished} finished; {summary.withdrawn} withdrew"),
        ("Missing ratings", f"{missing} of {summary.expected}{share}"),
        ("Text version", _versions(summary.text_versions)),
        ("Study version", _versions(summary.protocol_versions)),
        ("Made", f"{summary.made_at:%Y-%m-%d %H:%M} UTC"),
    ]
    if summary.sus is not None:
        lines.insert(2, ("SUS score", f"{_mean(summary.sus, digits=1)} of 100, n = {summary.sus.count}"))
    if summary.foreign:
        lines.append(("Left out", f"{summary.foreign} ratings of conditions or questions that the study no longer has"))
    return lines


def _versions(versions: dict[str, int]) -> str:
    return ", ".join(f"{version} (n = {count})" for version, count in versions.items()) or "-"


def _pair(comparison: Comparison) -> tuple[str, ...]:
    names = f"{comparison.first} - {comparison.second}"
    if comparison.p is None:
        return names, "0", "-", "-", "-", "-"
    difference, effect = f"{comparison.difference:+.2f}", f"{comparison.rank_biserial:+.2f}"
    return names, str(comparison.count), difference, _p(comparison.p), _p(comparison.holm), effect


def _mean(estimate: Estimate, digits: int = 2) -> str:
    if estimate.mean is None:
        return "-"
    interval = "" if estimate.low is None else f" [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
    return f"{estimate.mean:.{digits}f}{interval}"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
