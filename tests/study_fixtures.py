"""A small study with pictures, and databases for it: SQLite, and PostgreSQL where TEST_POSTGRES has the URL of one."""

import os
import secrets

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import create_engine, make_url, text

from colorizer.study.session import FreeTextStep, Study, SusStep, TrialStep
from colorizer.study.store import TryRecord
from colorizer.study.sus import STATEMENTS

POSTGRES = os.environ.get("TEST_POSTGRES")

STUDY = """
title = "Two settings"
information = "You will rate pictures."
consent = "I agree."
free_text = ["What else?"]
keep_pictures = true

[[conditions]]
name = "weak"
checkpoint = "tiny.safetensors"
settings = { guidance_scale = 1.0, steps = 2, size = 64 }

[[conditions]]
name = "strong"
checkpoint = "tiny.safetensors"
settings = { guidance_scale = 3.0, steps = 2, size = 64 }

[[stimuli]]
name = "square"
sketch = "sketch.png"
reference = "reference.png"

[[stimuli]]
name = "square in green"
sketch = "sketch.png"
reference = "reference.png"
task = "Make it green."
edits = ["target=green"]

[[practice]]
name = "first"
sketch = "sketch.png"
reference = "reference.png"
"""


def write_study(folder, text=STUDY, **top):
    """The study in `folder`, with top-level keys put before the others."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in (("sketch.png", (60, 40)), ("reference.png", (30, 30))):
        picture = Image.new("RGB", size, "white")
        ImageDraw.Draw(picture).rectangle((6, 6, size[0] - 7, size[1] - 7), outline="black", width=2)
        picture.save(folder / name)
    head = "".join(f"{key} = {value}\n" for key, value in top.items())
    (folder / "study.toml").write_text(head + text, encoding="utf-8")
    return folder


@pytest.fixture
def study_folder(tmp_path):
    return write_study(tmp_path / "study")


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'records.sqlite'}"
        return
    if not POSTGRES:
        pytest.skip("TEST_POSTGRES names no PostgreSQL")
    schema = f"test_{secrets.token_hex(6)}"
    admin = create_engine(make_url(POSTGRES).set(drivername="postgresql+psycopg"))
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    url = make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
    yield url.render_as_string(hide_password=False)
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


@pytest.fixture
def study(study_folder, database):
    opened = Study.open(study_folder, database)
    yield opened
    opened.store.close()


def a_try(settings, **changes):
    values = {
        "settings": settings.to_dict(),
        "seed": settings.seed,
        "checkpoint": "tiny.safetensors",
        "model_hash": "0123456789",
        "sketch_hash": "5" * 64,
        "reference_hash": "6" * 64,
        "picture_hashes": ("7" * 64,),
        "pictures": (b"PNG",),
        "seconds": 0.5,
    }
    return TryRecord(**{**values, **changes})


def take_step(study, code, rating=lambda step, question: 3):
    """Do what the participant with `code` is asked now; returns the step that this was."""
    step = study.next_step(code)
    match step:
        case TrialStep():
            study.record_try(code, step.trial.id, a_try(step.settings))
            for question in step.questions:
                study.rate(code, step.trial.id, question.key, rating(step, question.key))
            study.finish_trial(code, step.trial.id)
        case SusStep():
            for place, key in enumerate(STATEMENTS):
                study.answer_sus(code, key, 1 + place % 5)
            study.finish_sus(code)
        case FreeTextStep():
            study.finish_free_text(code, {"text1": f"words of {code}"})
    return step
