"""The two charts of a study: a radar of means and bars of how the ratings are distributed. New figures each time."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from colorizer.study.fonts import use_installed_fonts
from colorizer.study.statistics import QuestionResult

# Okabe and Ito's colours, told apart with any colour vision; markers tell conditions apart in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = "osD^vPX*"
RATINGS = "cividis"  # for any colour vision and in print
SHORTEST_LABEL = 0.06  # share of a bar below which its count is not written into it
WIDTH = 6.0  # inches
INK, PALE = "#222222", "#cccccc"


def radar_figure(results: Sequence[QuestionResult], labels: Sequence[str], points: int) -> Figure:
    """`draw_radar` in a figure of its own."""
    figure = Figure(figsize=(WIDTH, 4.1), layout="constrained")
    draw_radar(figure, results, labels, points)
    use_installed_fonts(figure)
    return figure


def distribution_figure(results: Sequence[QuestionResult], labels: Sequence[str], points: int) -> Figure:
    """`draw_distributions` in a figure of its own, as high as its bars need."""
    figure = Figure(figsize=(WIDTH, distribution_height(results)), layout="constrained")
    draw_distributions(figure, results, labels, points)
    use_installed_fonts(figure)
    return figure


def distribution_height(results: Sequence[QuestionResult]) -> float:
    """Inches that the bars need."""
    return 0.9 + 0.55 * len(results) + 0.24 * sum(len(result.counts) for result in results)


def draw_radar(
    figure: Figure | SubFigure, results: Sequence[QuestionResult], labels: Sequence[str], points: int
) -> None:
    """Means of every condition on one axis a question; a band shows their 95 % intervals.

    results, labels: one a question. With fewer than three questions a radar has no area, and rows of dots are drawn.
    """
    conditions = list(results[0].means) if results else []
    if len(results) < 3:
        _dots(figure, results, labels, points)
    else:
        axes = figure.add_subplot(projection="polar")
        angles = np.linspace(0, 2 * np.pi, len(results), endpoint=False)
        for place, condition in enumerate(conditions):
            _polygon(axes, angles, results, condition, place)
        axes.set_theta_offset(np.pi / 2)
        axes.set_theta_direction(-1)
        axes.set_xticks(angles, [""] * len(angles))
        for angle, label in zip(angles, labels, strict=True):
            side, height = np.sin(angle), np.cos(angle)
            axes.text(
                angle,
                points + 0.3,
                textwrap.fill(label, 18),
                color=INK,
                ha="center" if abs(side) < 0.1 else "left" if side > 0 else "right",
                va="center" if abs(height) < 0.1 else "bottom" if height > 0 else "top",
                parse_math=False,
            )
        axes.set_ylim(0.5, points)  # the middle is below the worst rating, so that no polygon vanishes in it
        axes.set_yticks(range(1, points + 1), range(1, points + 1), fontsize=7, color="#666666")
        axes.set_rlabel_position(180 / len(results))
        axes.grid(color=PALE, linewidth=0.6)
        axes.spines["polar"].set_color(PALE)
    figure.legend(*_unique(figure.axes[0]), loc="outside lower center", ncols=2, frameon=False, fontsize=8)


def draw_distributions(
    figure: Figure | SubFigure, results: Sequence[QuestionResult], labels: Sequence[str], points: int
) -> None:
    """How often each rating was given: one panel a question, one bar a condition, parts from the worst to the best."""
    colours = colormaps[RATINGS](np.linspace(0.05, 0.95, points))
    panels = figure.subplots(len(results), 1, squeeze=False, sharex=True)[:, 0]
    for axes, result, label in zip(panels, results, labels, strict=True):
        names = list(result.counts)
        counts = np.array([result.counts[name] for name in names])
        total = counts.sum(axis=1)
        shares = counts / np.maximum(total, 1)[:, None]
        left = np.zeros(len(names))
        for value in range(points):
            axes.barh(names, shares[:, value], left=left, color=colours[value], label=str(value + 1), height=0.72)
            for row, share in enumerate(shares[:, value]):
                if share >= SHORTEST_LABEL:
                    ink = "white" if value < points / 2 else "black"
                    middle = left[row] + share / 2
                    axes.text(middle, row, counts[row, value], ha="center", va="center", fontsize=7, color=ink)
            left += shares[:, value]
        axes.set_yticks(range(len(names)), [f"{n} (n = {t})" for n, t in zip(names, total, strict=True)], fontsize=8)
        axes.invert_yaxis()
        axes.set_title(label, loc="left", fontsize=9, color=INK)
        axes.set_xlim(0, 1)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(left=False, labelsize=8)
    panels[-1].xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        title="Rating",
        title_fontsize=8,
        loc="outside lower center",
        ncols=points,
        frameon=False,
        fontsize=8,
    )


def _polygon(axes: Axes, angles, results: Sequence[QuestionResult], condition: str, place: int) -> None:
    """One condition. There is a gap where it has no ratings for a question, or too few for an interval."""
    colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    estimates = [result.means[condition] for result in results]
    mean, low, high = (
        [np.nan if getattr(estimate, name) is None else getattr(estimate, name) for estimate in estimates]
        for name in ("mean", "low", "high")
    )
    around = [*angles, angles[0]]
    axes.fill_between(around, [*low, low[0]], [*high, high[0]], color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        around,
        [*mean, mean[0]],
        color=colour,
        linewidth=1.4,
        marker=marker,
        markersize=4,
        label=condition,
        clip_on=False,
    )


def _dots(figure: Figure | SubFigure, results: Sequence[QuestionResult], labels: Sequence[str], points: int) -> None:
    axes = figure.add_subplot()
    for row, result in enumerate(results):
        for place, (condition, estimate) in enumerate(result.means.items()):
            if estimate.mean is None:
                continue
            height = row + (place - (len(result.means) - 1) / 2) * 0.15
            colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
            axes.plot(estimate.mean, height, color=colour, marker=marker, linestyle="none", label=condition)
            if estimate.low is not None:
                axes.plot([estimate.low, estimate.high], [height] * 2, color=colour, linewidth=3, alpha=0.35)
    axes.set_yticks(range(len(results)), labels)
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.set_xlim(0.8, points + 0.2)
    axes.set_xticks(range(1, points + 1))
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _unique(axes: Axes) -> tuple[list, list]:
    found = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    return list(found.values()), list(found)
