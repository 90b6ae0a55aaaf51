"""Exports, and who may have them."""

import csv
import io
import json
import zipfile

import pytest

from colorizer.errors import UserError
from colorizer.study.export import defuse, export, export_to_folder
from colorizer.study.organiser import Organiser, as_organiser
from colorizer.study.password import hash_password
from colorizer.study.records import read_records
from colorizer.study.session import Finished, Study
from colorizer.study.sus import STATEMENTS, sus_score
from tests.study_fixtures import take_step, write_study

EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\uff1d1+1"]


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def two(study):
    """One participant who finished, with a change of mind, and one in the second trial."""
    finished, started = study.enrol(), study.enrol()
    take_step(study, finished)
    study.rate(finished, study.next_step(finished).trial.id, "quality", 1)
    while not isinstance(take_step(study, finished), Finished):
        pass
    take_step(study, started)
    study.rate(started, study.next_step(started).trial.id, "quality", 5)
    return study


def test_ratings_that_count(two):
    rows = read_csv(export(read_records(two.store), "csv")["ratings.csv"])
    # 2 conditions x (3 questions without a task + 4 with one); practice and the unfinished trial do not count
    assert len(rows) == 14
    assert {row["participant"] for row in rows} == {"1"}
    assert {row["value"] for row in rows} == {"3"}
    assert {row["practice"] for row in rows} == {"False"}


def test_all_answers_are_there(two):
    rows = read_csv(export(read_records(two.store), "csv")["answers.csv"])
    minds = [
        row for row in rows if row["participant"] == "1" and row["position"] == "1" and row["question"] == "quality"
    ]
    assert [(row["value"], row["latest"]) for row in minds] == [("1", "False"), ("3", "True")]
    assert [row["value"] for row in rows if row["participant"] == "2" and row["position"] == "1"] == ["5"]
    assert [row["condition"] for row in rows if row["question"] == "sus1"] == [""]


def test_both_formats_hold_the_same(two):
    records = read_records(two.store)
    tables = export(records, "csv")
    lines = export(records, "jsonl")
    assert {name.removesuffix(".csv") for name in tables} == {name.removesuffix(".jsonl") for name in lines}
    for name, table in tables.items():
        objects = [json.loads(line) for line in lines[name.replace(".csv", ".jsonl")].splitlines()]
        assert len(objects) == len(read_csv(table))
        assert list(objects[0]) == list(read_csv(table)[0])
    made = json.loads(lines["tries.jsonl"].splitlines()[-1])
    assert made["settings"]["steps"] == 2 and made["model_hash"] == "0123456789"
    assert json.loads(lines["participants.jsonl"].splitlines()[0])["sus_score"] == 50.0


@pytest.mark.parametrize("text", EVIL)
def test_formulas_are_defused(study, text):
    code = study.enrol()
    study.store.answer(code, "text1", text)
    records = read_records(study.store)
    (row,) = read_csv(export(records, "csv")["answers.csv"])
    assert row["text"] == "'" + text
    assert json.loads(export(records, "jsonl")["answers.jsonl"])["text"] == text


@pytest.mark.parametrize("text", ["", "fine", "a=b", " plain", "1-1"])
def test_harmless_cells_stay(text):
    assert defuse(text) == text


def test_no_code_is_exported(study):
    code = study.enrol()
    take_step(study, code)
    contents = "".join(export(read_records(study.store), "jsonl").values())
    assert code not in contents and code.replace("-", "") not in contents


def test_files(two, tmp_path):
    paths = export_to_folder(read_records(two.store), "csv", tmp_path / "out" / "csv")
    assert sorted(path.name for path in paths) == sorted(path.name for path in (tmp_path / "out" / "csv").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Cannot write"):
        export_to_folder(read_records(two.store), "csv", tmp_path / "file")
    with pytest.raises(UserError, match="choose one of csv, jsonl"):
        export(read_records(two.store), "xlsx")
    archive = zipfile.ZipFile(io.BytesIO(Organiser(two).export_zip("csv")))
    assert sorted(archive.namelist()) == sorted(path.name for path in paths)


def test_progress(two):
    two.withdraw(two.enrol())
    progress = Organiser(two).progress()
    assert (progress.enrolled, progress.finished, progress.withdrawn, progress.tries) == (2, 1, 1, 6)
    assert progress.finished_by_order == (1, 0)
    assert progress.finished_trials == {"weak": 2, "strong": 2}


def test_only_the_password_opens(tmp_path, monkeypatch):
    monkeypatch.delenv("STUDY_PASSWORD", raising=False)
    closed = Study.open(write_study(tmp_path / "closed"))
    for password in ("", "None", "anything at all"):
        with pytest.raises(UserError, match="not the organiser's password"):
            as_organiser(closed, password)
    open_one = Study.open(
        write_study(tmp_path / "open", organiser_password=json.dumps(hash_password("long and secret")))
    )
    with pytest.raises(UserError):
        as_organiser(open_one, "long and secreT")
    assert as_organiser(open_one, "long and secret").progress().enrolled == 0
    monkeypatch.setenv("STUDY_PASSWORD", "from outside")
    assert as_organiser(closed, "from outside").progress().enrolled == 0
    with pytest.raises(UserError):
        as_organiser(open_one, "long and secret")
    for opened in (closed, open_one):
        opened.store.close()


def test_short_passwords_are_refused():
    with pytest.raises(UserError, match="at least 8"):
        hash_password("short")


def test_sus_score():
    assert sus_score(dict.fromkeys(STATEMENTS, 3)) == 50
    assert sus_score({key: 5 if place % 2 == 0 else 1 for place, key in enumerate(STATEMENTS)}) == 100
    assert sus_score({key: 1 if place % 2 == 0 else 5 for place, key in enumerate(STATEMENTS)}) == 0
    assert sus_score({"sus1": 3}) is None
