"""Charts and reports: what is drawn and written, also from few, missing or hostile records."""

import base64
import re

import numpy as np
import pytest

from colorizer.errors import UserError
from colorizer.study.charts import distribution_figure, radar_figure
from colorizer.study.fonts import east_asian_fonts
from colorizer.study.organiser import Organiser
from colorizer.study.report import html_report, render_report, write_report
from colorizer.study.session import Study
from colorizer.study.statistics import question_result
from tests.study_fixtures import STUDY, write_study
from tests.study_simulation import simulate

CONDITIONS = ("a", "b", "c")
QUESTIONS = ("quality", "similarity", "usability")
EVIL = "<script>alert(1)</script> $x^$ & 'so on'"


def results(questions=QUESTIONS, conditions=CONDITIONS, participants=6, leave_out=None):
    random = np.random.default_rng(0)
    rows = [
        {"participant": p, "condition": c, "question": q, "value": int(random.integers(1, 6))}
        for p in range(participants)
        for c in conditions
        for q in questions
        if (q, c) != leave_out
    ]
    return [question_result(rows, question, conditions, 5) for question in questions]


@pytest.fixture
def study(tmp_path):
    opened = Study.open(write_study(tmp_path / "study"))
    yield opened
    opened.close()


def test_the_radar_shows_the_means():
    found = results()
    axes = radar_figure(found, QUESTIONS, 5).axes[0]
    assert len(axes.lines) == len(CONDITIONS)
    for line, condition in zip(axes.lines, CONDITIONS, strict=True):
        assert line.get_label() == condition
        means = [result.means[condition].mean for result in found]
        assert line.get_ydata() == pytest.approx([*means, means[0]])
    for band, condition in zip(axes.collections, CONDITIONS, strict=True):
        radii = band.get_paths()[0].vertices[:, 1]
        lows, highs = zip(*((r.means[condition].low, r.means[condition].high) for r in found), strict=True)
        assert (radii.min(), radii.max()) == pytest.approx((min(lows), max(highs)))
    assert [text.get_text() for text in axes.texts] == list(QUESTIONS)


@pytest.mark.parametrize("count", [1, 2])
def test_few_questions_are_rows_of_dots(count):
    found = results(QUESTIONS[:count])
    axes = radar_figure(found, QUESTIONS[:count], 5).axes[0]
    assert axes.name == "rectilinear"
    dots = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() != "None"]
    assert dots == pytest.approx([estimate.mean for result in found for estimate in result.means.values()])


def test_bars_are_the_shares_of_the_ratings():
    found = results()
    figure = distribution_figure(found, QUESTIONS, 5)
    for axes, result in zip(figure.axes, found, strict=True):
        widths = np.array([[bar.get_width() for bar in group] for group in axes.containers])  # (values, conditions)
        counts = np.array(list(result.counts.values()))
        assert pytest.approx(counts / counts.sum(axis=1, keepdims=True)) == widths.T


@pytest.mark.parametrize("leave_out", [("quality", "a"), ("usability", "c")])
@pytest.mark.parametrize("participants", [1, 2])
def test_charts_with_gaps(leave_out, participants, tmp_path):
    found = results(participants=participants, leave_out=leave_out)
    for number, draw in enumerate((radar_figure, distribution_figure)):
        draw(found, QUESTIONS, 5).savefig(tmp_path / f"{number}.png")
    line = radar_figure(found, QUESTIONS, 5).axes[0].lines[CONDITIONS.index(leave_out[1])]
    assert np.isnan(line.get_ydata()[QUESTIONS.index(leave_out[0])])


def test_one_page_with_everything_and_nothing_from_elsewhere(study):
    simulate(study, 4)
    study.store.answer(study.enrol(), "text1", EVIL)
    study.withdraw(study.enrol())
    page = html_report(Organiser(study).summary())
    assert "5, of whom 4 finished; 1 withdrew" in page
    assert "14 of 70 (20.0%)" in page
    assert study.protocol.text_version in page and study.protocol.version in page
    assert "<script" not in page and "&lt;script&gt;" in page
    charts = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert [base64.b64decode(chart).lstrip()[:5] for chart in charts] == [b"<?xml", b"<?xml"]
    assert not re.search(r'(src|href)="(?!data:)|url\(|@import', page)


def test_a_study_without_anybody(study):
    summary = Organiser(study).summary()
    assert "Nobody has finished a trial yet." in html_report(summary)
    assert render_report(summary, "pdf").startswith(b"%PDF")


def test_ratings_for_what_the_study_no_longer_has_are_left_out_and_told(study, tmp_path):
    simulate(study, 2)
    changed = write_study(study.protocol.folder, STUDY.replace('"weak"', '"weaker"'))
    with_change = Study.open(changed)
    summary = Organiser(with_change).summary()
    assert (summary.present, summary.foreign) == (14, 14)
    assert "14 ratings of conditions or questions that the study no longer has" in html_report(summary)
    code = with_change.enrol()
    assert with_change.next_step(code)
    assert len(Organiser(with_change).summary().protocol_versions) == 2
    with_change.close()


@pytest.mark.skipif(not east_asian_fonts(), reason="no East Asian font here")
def test_labels_in_japanese(study, tmp_path, recwarn):
    text = STUDY.replace('"weak"', '"弱い"').replace('"Two settings"', '"二つの設定"')
    japanese = Study.open(write_study(study.protocol.folder, text))
    simulate(japanese, 2)
    summary = Organiser(japanese).summary()
    assert "二つの設定" in html_report(summary) and render_report(summary, "pdf")
    assert not [warning for warning in recwarn if "missing from font" in str(warning.message)]
    japanese.close()


def pages(content):
    return len(re.findall(rb"/Type /Page\b", content))


def test_a_usual_study_is_one_page_of_pdf_and_a_large_one_goes_on(study, tmp_path):
    simulate(study, 3)
    assert pages(Organiser(study).report("pdf")) == 1
    names = [f"condition {number}" for number in range(5)]
    more = "".join(f'\n[[conditions]]\nname = "{name}"\ncheckpoint = "tiny.safetensors"\n' for name in names)
    large = Study.open(write_study(tmp_path / "large", STUDY + more, points=7))
    simulate(large, 1)
    assert pages(Organiser(large).report("pdf")) > 1
    large.close()


def test_files(study, tmp_path):
    simulate(study, 2)
    summary = Organiser(study).summary()
    for name, start in (("r.html", b"<!doctype html>"), ("r.PDF", b"%PDF")):
        write_report(summary, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(UserError, match="html or pdf"):
        write_report(summary, tmp_path / "r.docx")
    with pytest.raises(UserError, match="Cannot write"):
        write_report(summary, tmp_path / "no such folder" / "r.html")
