"""What holds for records in SQLite: nothing confirmed is lost by a kill, nothing deleted is left in the file."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from colorizer.errors import UserError
from colorizer.study.session import Study
from colorizer.study.store import Store
from tests.study_fixtures import take_step

PARTICIPANT = """
import sys
from colorizer.study.session import Study

study = Study.open(sys.argv[1])
code = study.enrol()
trial = study.next_step(code).trial.id
print(code, flush=True)
place = 0
while True:
    value = 1 + place % 5
    study.rate(code, trial, "quality", value)
    print(value, flush=True)  # as the page does when an answer is stored
    place += 1
"""


def test_a_kill_loses_no_confirmed_answer(study_folder):
    process = subprocess.Popen(
        [sys.executable, "-c", PARTICIPANT, str(study_folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    code = process.stdout.readline().strip()
    confirmed = [int(process.stdout.readline()) for _ in range(25)]
    os.kill(process.pid, signal.SIGKILL)
    confirmed += map(int, process.stdout.read().split())
    process.wait()
    assert process.returncode == -signal.SIGKILL

    study = Study.open(study_folder)
    with sqlite3.connect(study_folder / "study.sqlite") as connection:
        stored = [value for (value,) in connection.execute("SELECT value FROM answers ORDER BY id")]
    # one more may have been stored and not yet confirmed
    assert stored[: len(confirmed)] == confirmed and len(stored) <= len(confirmed) + 1
    step = study.next_step(code)
    assert step.trial.answers == {"quality": stored[-1]}
    take_step(study, code)
    study.store.close()


def test_what_was_withdrawn_is_not_in_the_files(study_folder):
    study = Study.open(study_folder)
    code = study.enrol()
    study.store.answer(code, "text1", "a most private remark")

    def files():
        return b"".join(path.read_bytes() for path in study_folder.glob("study.sqlite*"))

    assert b"a most private remark" in files()
    study.withdraw(code)
    assert b"a most private remark" not in files()
    study.store.close()


def test_only_the_owner_reads_the_records(study_folder):
    Study.open(study_folder).store.close()
    assert (study_folder / "study.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "sqlite://", "sqlite:////no/such/folder/x.sqlite"])
def test_databases_that_cannot_be(url):
    with pytest.raises(UserError):
        Store(url)


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "x.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(UserError, match="cannot be used"):
        Store(f"sqlite:///{tmp_path / 'x.sqlite'}")


def test_an_unreachable_server_is_told_without_its_password():
    with pytest.raises(UserError, match="cannot be used") as told:
        Store("postgresql://someone:hushhush@127.0.0.1:1/study")
    assert "hushhush" not in str(told.value)
