"""The report of a study as a PDF: blocks of known height flow over as few A4 pages as they need."""

import io
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from colorizer.study.charts import distribution_height, draw_distributions, draw_radar
from colorizer.study.fonts import use_installed_fonts
from colorizer.study.report_tables import METHOD, Table, facts, tables
from colorizer.study.summary import Summary

PAPER = (8.27, 11.69)  # A4, inches
MARGIN = 0.3  # inches
ROOM = PAPER[1] - 2 * MARGIN
ROWS_ON_A_PAGE = 60
LEFT = 0.02  # of the width: where matplotlib begins a table
GREY = "#555555"


@dataclass(frozen=True)
class Block:
    """height: inches."""

    height: float
    draw: Callable[[SubFigure], None]


def pdf_report(summary: Summary) -> bytes:
    """Charts, means and tests; one page for a study of usual size. Free texts are left out."""
    target = io.BytesIO()
    with PdfPages(target, metadata={"Title": summary.title}) as pages:
        for blocks in _pages(_blocks(summary)):
            pages.savefig(_page(blocks))
    return target.getvalue()


def _blocks(summary: Summary) -> Iterator[Block]:
    yield Block(0.6 + 0.2 * len(facts(summary)), lambda figure: _head(figure, summary))
    if summary.present:
        height = min(ROOM, max(3.8, 0.65 * distribution_height(summary.results)))
        yield Block(height, lambda figure: _charts(figure, summary))
        for table in tables(summary):
            for start in range(0, len(table.rows), ROWS_ON_A_PAGE):
                part = Table(table.title, table.head, table.rows[start : start + ROWS_ON_A_PAGE])
                yield Block(0.5 + 0.155 * len(part.rows), lambda figure, part=part: _table(figure, part))
        yield Block(0.6, _method)


def _pages(blocks: Iterator[Block]) -> Iterator[list[Block]]:
    page: list[Block] = []
    for block in blocks:
        if page and sum(each.height for each in page) + block.height > ROOM:
            yield page
            page = []
        page.append(block)
    yield page


def _page(blocks: list[Block]) -> Figure:
    share = (MARGIN / PAPER[0], MARGIN / PAPER[1])
    inside = (*share, 1 - 2 * share[0], 1 - 2 * share[1])
    figure = Figure(figsize=PAPER, layout=ConstrainedLayoutEngine(rect=inside))
    rest = max(0.01, ROOM - sum(block.height for block in blocks))
    parts = figure.subfigures(len(blocks) + 1, 1, height_ratios=[*(block.height for block in blocks), rest])
    for block, part in zip(blocks, parts, strict=False):
        block.draw(part)
    use_installed_fonts(figure)
    return figure


def _head(figure: SubFigure, summary: Summary) -> None:
    lines = facts(summary)
    line = 1 / (len(lines) + 3)
    figure.text(LEFT, 1 - 2 * line, textwrap.shorten(summary.title, 70), fontsize=15, weight="bold", parse_math=False)
    for row, (name, value) in enumerate(lines):
        height = 1 - (3 + row) * line
        figure.text(LEFT, height, name, fontsize=8, color=GREY)
        figure.text(LEFT + 0.16, height, value, fontsize=8, parse_math=False)


def _charts(figure: SubFigure, summary: Summary) -> None:
    left, right = figure.subfigures(1, 2)
    draw_radar(left, summary.results, summary.labels, summary.points)
    draw_distributions(right, summary.results, summary.labels, summary.points)


def _table(figure: SubFigure, table: Table) -> None:
    axes = figure.add_subplot()
    axes.axis("off")
    axes.set_title(table.title, loc="left", x=LEFT, fontsize=9, weight="bold")
    drawn = axes.table(cellText=[table.head, *table.rows], cellLoc="left", loc="upper left", edges="horizontal")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(7.5)
    drawn.auto_set_column_width(range(len(table.head)))
    for cell in drawn.get_celld().values():
        cell.set_edgecolor("#cccccc")
        cell.get_text().set_parse_math(False)


def _method(figure: SubFigure) -> None:
    figure.text(LEFT, 0.9, METHOD, fontsize=7, color=GREY, va="top", wrap=True)
