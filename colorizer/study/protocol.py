"""What a study consists of, as its organiser wrote it down in `study.toml`."""

import hashlib
import hmac
import json
import os
import tomllib
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from colorizer.errors import UserError
from colorizer.manipulation.edit import Edit
from colorizer.settings import GenerationSettings
from colorizer.study.order import williams_square
from colorizer.study.password import is_hash, verify_password

FILE = "study.toml"
DATABASE = "study.sqlite"
PASSWORD_VARIABLE = "STUDY_PASSWORD"
CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"
LARGEST_FILE = 1024 * 1024

NAME = r"^[^\W_][\w .()-]*$"
KEY = r"^[a-z][a-z0-9_]*$"
NOT_EMPTY = r"\S"
ADVICE = {
    NAME: "use letters, digits, spaces and . - _ ( ), beginning with a letter or digit",
    KEY: "use small letters, digits and _, beginning with a letter",
    NOT_EMPTY: "it is empty; write something",
}
Name = Annotated[str, Field(pattern=NAME, max_length=60)]
Key = Annotated[str, Field(pattern=KEY, max_length=30)]
Text = Annotated[str, Field(pattern=NOT_EMPTY, max_length=50_000)]
STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, config=STRICT)
class Question:
    """One rating. low, high: what the ends of the scale mean. needs_task: asked only where the stimulus has a task."""

    key: Key
    label: Name
    text: Text
    low: Text
    high: Text
    needs_task: bool = False


# The paper's four.
QUESTIONS = (
    Question("quality", "Quality", "How good is the picture?", "Very poor", "Very good"),
    Question(
        "similarity", "Similarity", "How close are its colours to the reference?", "Not close at all", "Very close"
    ),
    Question("usability", "Usability", "How easy was it to get this picture?", "Very hard", "Very easy"),
    Question(
        "controllability",
        "Controllability",
        "How well does the picture do what the task asked for?",
        "Not at all",
        "Exactly",
        needs_task=True,
    ),
)


@dataclass(frozen=True, config=STRICT)
class Condition:
    """What is compared: a checkpoint with settings. Participants never see the name.

    checkpoint: a path from the study's folder, or the name of a file in `checkpoints/`.
    settings: fields of `GenerationSettings`. results: folder of ready pictures STIMULUS.png, for results = "shown".
    """

    name: Name
    checkpoint: Text | None = None
    settings: dict = field(default_factory=dict)
    results: Text | None = None


@dataclass(frozen=True, config=STRICT)
class Stimulus:
    """What is coloured. Paths from the study's folder.

    task: what the participant is asked to do with words, empty for none. edits: edits applied from the start, in the
    written form of `Edit.parse`. condition: for practice only, which condition it runs with; the first by default.
    """

    name: Name
    sketch: Text
    reference: Text
    task: str = ""
    edits: tuple[str, ...] = ()
    condition: str | None = None


@dataclass(frozen=True, config=STRICT)
class Protocol:
    """A whole study. Checked when it is read: see `load_protocol`.

    language: of the page around the study's own texts.
    """

    title: Text
    information: Text
    consent: Text
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=26)]
    stimuli: Annotated[tuple[Stimulus, ...], Field(min_length=1, max_length=200)]
    practice: tuple[Stimulus, ...] = ()
    language: Literal["en", "ja"] = "en"
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=20)] = QUESTIONS
    points: Literal[5, 7] = 5
    results: Literal["generated", "shown"] = "generated"
    controls: Literal["fixed", "sliders", "full"] = "sliders"
    sus: bool = True
    free_text: tuple[Text, ...] = ()
    keep_pictures: bool = False
    database: Text | None = None
    organiser_password: str | None = None
    folder: Annotated[Path, Field(exclude=True)] = Path()

    @property
    def text_version(self) -> str:
        """Names what participants agreed to: the first 10 hexadecimal digits of a sha256 of the texts."""
        return _digest([self.title, self.information, self.consent])

    @property
    def version(self) -> str:
        """Names what the file says of the study, so records tell under which version they were made."""
        values = TypeAdapter(Protocol).dump_python(self, mode="json", exclude={"database", "organiser_password"})
        return _digest(values)

    @property
    def order_rows(self) -> tuple[tuple[int, ...], ...]:
        """The orders of the conditions; participant number p (from 1) gets row p - 1, and so on from the start."""
        return williams_square(len(self.conditions))

    @property
    def database_url(self) -> str:
        """Where the records are: SQLite in the study's folder unless the file names a database."""
        return self.database or f"sqlite:///{(self.folder / DATABASE).resolve()}"

    def condition(self, name: str) -> Condition:
        """Raises UserError when the study has been changed and no longer has it."""
        return _named(self.conditions, name, "condition")

    def stimulus(self, name: str, practice: bool = False) -> Stimulus:
        """Raises UserError when the study has been changed and no longer has it."""
        return _named(self.practice if practice else self.stimuli, name, "stimulus")

    def questions_of(self, stimulus: Stimulus) -> tuple[Question, ...]:
        """The ratings that a trial with this stimulus asks for, all of them required."""
        return tuple(question for question in self.questions if stimulus.task or not question.needs_task)

    def settings_of(self, condition: Condition, stimulus: Stimulus) -> GenerationSettings:
        """What a trial starts from: the condition's settings with the edits of the stimulus after its own."""
        settings = GenerationSettings.from_dict(condition.settings)
        return settings.evolve(edits=settings.edits + tuple(map(Edit.parse, stimulus.edits)))

    def checkpoint_path(self, condition: Condition) -> Path:
        """The checkpoint's file: in the study's folder if it is there, else in `checkpoints/`."""
        path = self.folder / (condition.checkpoint or "")
        return path if path.is_file() else CHECKPOINTS / (condition.checkpoint or "")

    def picture_path(self, relative: str) -> Path:
        """The file of a sketch or reference."""
        return self.folder / relative

    def result_path(self, condition: Condition, stimulus: Stimulus) -> Path:
        """The ready picture of a study whose results are shown."""
        return self.folder / (condition.results or "") / f"{stimulus.name}.png"

    @property
    def has_password(self) -> bool:
        """Whether there is any way to the organiser's page."""
        return bool(os.environ.get(PASSWORD_VARIABLE) or self.organiser_password)

    def check_password(self, password: str) -> bool:
        """Whether this is the organiser's password: of the environment variable STUDY_PASSWORD, else of the file.

        False while there is none.
        """
        if given := os.environ.get(PASSWORD_VARIABLE):
            return hmac.compare_digest(password.encode(), given.encode())
        return bool(self.organiser_password) and verify_password(password, self.organiser_password)


def load_protocol(folder: str | Path) -> Protocol:
    """Read `study.toml` in a folder. Raises UserError that names the key and says what to do."""
    path = Path(folder) / FILE
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UserError(f"{path} is over {LARGEST_FILE >> 20} MB; a study file is smaller.")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"There is no {path}; make one with: python -m colorizer study init {folder}") from None
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{path} is no valid TOML: {error}.") from error
    if "folder" in values:
        raise UserError(f"{path}: folder: there is no such key; remove it.")
    try:
        # In JSON's strict mode an array may become a tuple and "5" still is no number.
        protocol = TypeAdapter(Protocol).validate_json(json.dumps({**values, "folder": str(folder)}, default=str))
        _check(protocol)
    except ValidationError as error:
        raise UserError(f"{path}: {_explain(error)}") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return protocol


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    said = {
        "missing": "it is missing; add it",
        "unexpected_keyword_argument": "there is no such key; remove it",
        "too_short": "it is empty; give at least one",
        "string_pattern_mismatch": ADVICE.get(first.get("ctx", {}).get("pattern")),
    }
    return f"{place}: {said.get(first['type']) or first['msg']}."


def _check(protocol: Protocol) -> None:
    """What one key alone does not show."""
    for key in ("conditions", "stimuli", "practice", "questions"):
        names = [getattr(item, "key", None) or item.name for item in getattr(protocol, key)]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise UserError(f"{key}: {twice!r} is there twice; give each its own name.")
    if protocol.organiser_password is not None and not is_hash(protocol.organiser_password):
        raise UserError("organiser_password: write the hash that `python -m colorizer study password` prints.")
    if protocol.results == "shown" and protocol.controls != "fixed":
        raise UserError('controls: results that are shown cannot be changed; write controls = "fixed".')
    for place, condition in enumerate(protocol.conditions, 1):
        needed = "results" if protocol.results == "shown" else "checkpoint"
        if getattr(condition, needed) is None:
            raise UserError(f"conditions[{place}].{needed}: it is missing; add it.")
        try:
            GenerationSettings.from_dict(condition.settings)
        except UserError as error:
            raise UserError(f"conditions[{place}].settings: {error}") from None
    for key in ("stimuli", "practice"):
        for place, stimulus in enumerate(getattr(protocol, key), 1):
            try:
                tuple(map(Edit.parse, stimulus.edits))
            except UserError as error:
                raise UserError(f"{key}[{place}].edits: {error}") from None
            if stimulus.condition is not None:
                if key == "stimuli":
                    raise UserError(f"{key}[{place}].condition: every stimulus meets every condition; remove it.")
                protocol.condition(stimulus.condition)


def _named(items: tuple, name: str, kind: str):
    for item in items:
        if item.name == name:
            return item
    raise UserError(f"The study has no {kind} {name!r}; the organiser has to put it back into {FILE}.")


def _digest(values) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:10]
