"""The report of a study: charts, means with intervals and tests, as one HTML page or as a PDF."""

import base64
import io
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from colorizer.errors import UserError
from colorizer.study.charts import distribution_figure, radar_figure
from colorizer.study.report_pdf import pdf_report
from colorizer.study.report_tables import METHOD, facts, tables
from colorizer.study.summary import Summary

FORMATS = ("html", "pdf")


def html_report(summary: Summary) -> str:
    """One page that needs no other file. Participants' texts are shown as text, whatever they hold."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    figures = {"Means with 95 % intervals": radar_figure, "How the ratings are distributed": distribution_figure}
    values = (summary.results, summary.labels, summary.points)
    charts = {title: _svg(draw(*values)) for title, draw in figures.items()} if summary.present else {}
    return environment.get_template("report.html").render(
        summary=summary, facts=facts(summary), charts=charts, tables=tables(summary), method=METHOD
    )


def render_report(summary: Summary, kind: str) -> bytes:
    """The report as one of FORMATS."""
    if kind not in FORMATS:
        raise UserError(f"A report is {' or '.join(FORMATS)}, not {kind!r}.")
    return html_report(summary).encode() if kind == "html" else pdf_report(summary)


def write_report(summary: Summary, path: Path) -> None:
    """Write it as what the name ends in. Raises UserError."""
    content = render_report(summary, path.suffix.lower().removeprefix("."))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}; give another place.") from error


def _svg(figure: Figure) -> str:
    target = io.BytesIO()
    figure.savefig(target, format="svg")
    return "data:image/svg+xml;base64," + base64.b64encode(target.getvalue()).decode()
