"""The records of a study: every method is one transaction, committed before it returns. Safe to share by threads."""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from colorizer.errors import UserError
from colorizer.study.database import open_database
from colorizer.study.tables import Answer, ConsentText, Participant, Picture, Register, Trial, Try, Withdrawal

# No letters and digits that are mistaken for one another. 12 of them are 58 bits: not to be guessed over a network.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH, CODE_GROUP = 12, 4
OUTCOMES = ("done", "stopped", "failed", "shown")
SEEN = ("done", "shown")  # the participant saw a picture
LONGEST_TEXT = 20_000  # characters of an answer
UNKNOWN_CODE = "This code is not known; check it for typing errors. A participant who withdrew has no records any more."


@dataclass(frozen=True)
class PlannedTrial:
    """A trial before anybody is in it. label: what the participant sees instead of the condition."""

    condition: str
    stimulus: str
    label: str
    practice: bool = False


@dataclass(frozen=True)
class Consent:
    """What a participant agreed to. version: names the texts; protocol_version: the whole study."""

    version: str
    title: str
    information: str
    consent: str
    protocol_version: str
    keep_pictures: bool = False


@dataclass(frozen=True)
class TryRecord:
    """One generation, also one that was stopped or failed. settings: `GenerationSettings.to_dict()`.

    seconds: it took. picture_hashes: sha256 of each result. pictures: the results as PNG, stored only with consent.
    """

    settings: dict
    seed: int
    checkpoint: str
    model_hash: str
    sketch_hash: str
    reference_hash: str
    picture_hashes: tuple[str, ...] = ()
    pictures: tuple[bytes, ...] = ()
    seconds: float = 0.0
    outcome: str = "done"


@dataclass(frozen=True)
class TrialState:
    """A trial so far. answers: question -> latest value. tries: how many gave a picture; last_try: id of the newest."""

    id: int
    position: int
    practice: bool
    condition: str
    label: str
    stimulus: str
    finished: bool
    tries: int
    last_try: int | None
    answers: dict[str, int]


@dataclass(frozen=True)
class ParticipantState:
    """A participant so far. answers: question -> latest value or text, of questions outside trials."""

    number: int
    keep_pictures: bool
    text_version: str
    trials: tuple[TrialState, ...]
    answers: dict[str, int | str]
    sus_done: bool
    free_text_done: bool
    finished: bool


class Store:
    """The database of one study."""

    def __init__(self, url: str):
        """Open it, making or updating the tables. Raises UserError."""
        self._engine, self._writing_engine = open_database(url)

    def close(self) -> None:
        """Give the connections back; every record is already safe."""
        self._engine.dispose()

    def enrol(self, consent: Consent, rows: int, plan: Callable[[int, int], Sequence[PlannedTrial]]) -> str:
        """A new participant with consent given now; returns the code, which is stored nowhere in readable form.

        rows: of the square of orders. The participant gets the row with the fewest participants, the first of these,
        so withdrawals are made up for. plan: (number from 1, row from 0) -> the trials in order.
        """
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        with self._write() as session:
            # The update locks the row, so that one participant is admitted at a time.
            admit = update(Register).values(admitted=Register.admitted + 1).returning(Register.admitted)
            number = session.execute(admit).scalar_one()
            _keep_text(session, consent)
            counted = select(Participant.order_row, func.count()).group_by(Participant.order_row)
            used = dict(session.execute(counted).all())
            row = min(range(rows), key=lambda row: used.get(row, 0))
            participant = Participant(
                number=number,
                order_row=row,
                code_hash=_hash(code),
                text_version=consent.version,
                protocol_version=consent.protocol_version,
                keep_pictures=consent.keep_pictures,
                consent_at=_now(),
            )
            participant.trials = [
                Trial(
                    position=position,
                    practice=trial.practice,
                    condition=trial.condition,
                    label=trial.label,
                    stimulus=trial.stimulus,
                )
                for position, trial in enumerate(plan(number, row))
            ]
            session.add(participant)
        return written_code(code)

    def participant(self, code: str) -> ParticipantState:
        """Raises UserError for a code that is not known, here and in every method below."""
        with self.reading() as session:
            return _state(_find(session, code))

    def show_trial(self, code: str, trial_id: int) -> None:
        """The participant sees this trial; the first time counts."""
        with self._write() as session:
            trial = _open_trial(session, code, trial_id)
            trial.shown_at = trial.shown_at or _now()

    def record_try(self, code: str, trial_id: int, record: TryRecord) -> int:
        """Returns the id of the try. Pictures are dropped unless the participant agreed to keep them."""
        if record.outcome not in OUTCOMES:
            raise ValueError(f"outcome {record.outcome!r}; one of {OUTCOMES}")
        with self._write() as session:
            trial = _open_trial(session, code, trial_id)
            made = Try(
                trial_id=trial.id,
                outcome=record.outcome,
                at=_now(),
                seconds=record.seconds,
                settings=record.settings,
                seed=record.seed,
                checkpoint=record.checkpoint,
                model_hash=record.model_hash,
                sketch_hash=record.sketch_hash,
                reference_hash=record.reference_hash,
                picture_hashes=list(record.picture_hashes),
            )
            if trial.participant.keep_pictures:
                pairs = zip(record.picture_hashes, record.pictures, strict=False)
                made.pictures = [Picture(sha256=sha256, png=png) for sha256, png in pairs]
            session.add(made)
            session.flush()
            return made.id

    def rate(self, code: str, trial_id: int, question: str, value: int, try_id: int | None = None) -> None:
        """An answer in a trial. try_id: the try that it is about; by default the newest. Earlier answers are kept."""
        with self._write() as session:
            trial = _open_trial(session, code, trial_id)
            tries = _tries_seen(trial)
            if try_id is not None and try_id not in tries:
                raise UserError("This picture is not of this trial; rate one that is shown here.")
            about = try_id or (tries[-1] if tries else None)
            session.add(
                Answer(
                    participant_id=trial.participant_id,
                    trial_id=trial.id,
                    try_id=about,
                    question=question,
                    value=value,
                    at=_now(),
                )
            )

    def answer(self, code: str, question: str, value: int | str) -> None:
        """An answer outside the trials: a number on a scale or a text. Earlier answers are kept."""
        number, text = (value, None) if isinstance(value, int) else (None, value)
        if text is not None and len(text) > LONGEST_TEXT:
            raise UserError(f"The text has {len(text)} characters; at most {LONGEST_TEXT} are taken.")
        with self._write() as session:
            participant = _find(session, code)
            if participant.finished_at:
                raise UserError("The study is finished; its answers can no longer be changed.")
            session.add(Answer(participant_id=participant.id, question=question, value=number, text=text, at=_now()))

    def finish_trial(self, code: str, trial_id: int) -> None:
        """Its answers count from now on and can no longer be changed."""
        with self._write() as session:
            _open_trial(session, code, trial_id).finished_at = _now()

    def finish_part(self, code: str, part: str) -> None:
        """Mark "sus", "free_text" or "finished" as done; the first time counts."""
        column = {"sus": "sus_at", "free_text": "free_text_at", "finished": "finished_at"}[part]
        with self._write() as session:
            participant = _find(session, code)
            setattr(participant, column, getattr(participant, column) or _now())

    def withdraw(self, code: str) -> None:
        """Delete everything of this participant, and nothing else. What stays is that somebody withdrew, and when."""
        with self._write() as session:
            session.delete(_find(session, code))  # the database deletes the rest: ON DELETE CASCADE
            session.add(Withdrawal(at=_now()))
        if self._engine.dialect.name == "sqlite":  # the write-ahead log still holds what was deleted
            with self._engine.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of all tables, for reports and exports."""
        with _told(), Session(self._engine) as session:
            yield session

    @contextmanager
    def _write(self) -> Iterator[Session]:
        with _told(), Session(self._writing_engine) as session, session.begin():
            yield session


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise UserError(f"The database did not take this ({reason}); try again, or tell the organiser.") from error


def _find(session: Session, code: str) -> Participant:
    participant = session.scalar(select(Participant).where(Participant.code_hash == _hash(code)))
    if participant is None:
        raise UserError(UNKNOWN_CODE)
    return participant


def _open_trial(session: Session, code: str, trial_id: int) -> Trial:
    """The participant's current trial; any other one is refused."""
    participant = _find(session, code)
    current = next((trial for trial in participant.trials if trial.finished_at is None), None)
    if current is None or current.id != trial_id:
        raise UserError("This trial is not the current one; reload the page and go on with your code.")
    return current


def _keep_text(session: Session, consent: Consent) -> None:
    if session.scalar(select(ConsentText).where(ConsentText.version == consent.version)) is None:
        session.add(
            ConsentText(
                version=consent.version, title=consent.title, information=consent.information, consent=consent.consent
            )
        )
        session.flush()


def _state(participant: Participant) -> ParticipantState:
    outside = [answer for answer in participant.answers if answer.trial_id is None]
    return ParticipantState(
        number=participant.number,
        keep_pictures=participant.keep_pictures,
        text_version=participant.text_version,
        trials=tuple(_trial_state(trial) for trial in participant.trials),
        answers={a.question: a.text if a.value is None else a.value for a in outside},
        sus_done=participant.sus_at is not None,
        free_text_done=participant.free_text_at is not None,
        finished=participant.finished_at is not None,
    )


def _tries_seen(trial: Trial) -> list[int]:
    return [made.id for made in trial.tries if made.outcome in SEEN]


def _trial_state(trial: Trial) -> TrialState:
    tries = _tries_seen(trial)
    return TrialState(
        id=trial.id,
        position=trial.position,
        practice=trial.practice,
        condition=trial.condition,
        label=trial.label,
        stimulus=trial.stimulus,
        finished=trial.finished_at is not None,
        tries=len(tries),
        last_try=tries[-1] if tries else None,
        answers={answer.question: answer.value for answer in trial.answers},
    )


def written_code(code: str) -> str:
    """A code as it is shown, however it was typed: capitals in groups."""
    plain = _plain(code)
    return "-".join(plain[start : start + CODE_GROUP] for start in range(0, len(plain), CODE_GROUP))


def _plain(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())


def _hash(code: str) -> str:
    return hashlib.sha256(_plain(code).encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)
