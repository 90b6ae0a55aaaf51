"""All records of a study as plain rows, in the order they were made: what exports and reports start from."""

from dataclasses import dataclass

from sqlalchemy import select

from colorizer.study.store import Store
from colorizer.study.sus import STATEMENTS, sus_score
from colorizer.study.tables import Answer, ConsentText, Participant, Trial, Try, Withdrawal

PLACE = ("position", "practice", "condition", "label", "stimulus")  # of the trial that a row belongs to


@dataclass(frozen=True)
class Records:
    """Rows of name -> plain value; participants appear as numbers only.

    ratings: the answers that count, one for each question of a finished trial outside practice. answers: all of them,
    changes of mind, SUS and free texts too. withdrawals: how many took their records back.
    """

    participants: list[dict]
    trials: list[dict]
    tries: list[dict]
    ratings: list[dict]
    answers: list[dict]
    texts: list[dict]
    withdrawals: int

    @property
    def tables(self) -> dict[str, list[dict]]:
        """The rows by the name of their table."""
        names = ("participants", "trials", "tries", "ratings", "answers", "texts")
        return {name: getattr(self, name) for name in names}


def read_records(store: Store) -> Records:
    """One consistent state of everything; pictures stay in the database. Raises UserError."""
    with store.reading() as session:
        participants = session.scalars(select(Participant).order_by(Participant.number)).all()
        numbers = {participant.id: participant.number for participant in participants}
        trials = session.scalars(select(Trial).order_by(Trial.participant_id, Trial.position)).all()
        by_id = {trial.id: trial for trial in trials}
        answers = session.scalars(select(Answer).order_by(Answer.id)).all()
        latest = {_key(answer): answer for answer in answers}
        tries = session.scalars(select(Try).order_by(Try.id)).all()
        texts = session.scalars(select(ConsentText).order_by(ConsentText.id)).all()

        def place(participant_id: int, trial_id: int | None) -> dict:
            row = {name: getattr(by_id.get(trial_id), name, None) for name in PLACE}
            return {"participant": numbers[participant_id]} | row

        return Records(
            participants=[_participant(participant, latest) for participant in participants],
            trials=[place(trial.participant_id, trial.id) | _times(trial) for trial in trials],
            tries=[place(by_id[made.trial_id].participant_id, made.trial_id) | _try(made) for made in tries],
            ratings=[
                place(participant_id, trial_id) | {"question": question, "value": answer.value}
                for (participant_id, trial_id, question), answer in latest.items()
                if trial_id is not None and by_id[trial_id].finished_at and not by_id[trial_id].practice
            ],
            answers=[
                place(answer.participant_id, answer.trial_id) | _answer(answer, latest[_key(answer)] is answer)
                for answer in answers
            ],
            texts=[{name: getattr(t, name) for name in ("version", "title", "information", "consent")} for t in texts],
            withdrawals=len(session.scalars(select(Withdrawal.id)).all()),
        )


def _key(answer: Answer) -> tuple[int, int | None, str]:
    return answer.participant_id, answer.trial_id, answer.question


def _times(trial: Trial) -> dict:
    return {"shown_at": _time(trial.shown_at), "finished_at": _time(trial.finished_at)}


def _participant(participant: Participant, latest: dict) -> dict:
    sus = {key: latest[participant.id, None, key].value for key in STATEMENTS if (participant.id, None, key) in latest}
    return {
        "participant": participant.number,
        "order_row": participant.order_row,
        "text_version": participant.text_version,
        "protocol_version": participant.protocol_version,
        "keep_pictures": participant.keep_pictures,
        "consent_at": _time(participant.consent_at),
        "sus_at": _time(participant.sus_at),
        "free_text_at": _time(participant.free_text_at),
        "finished_at": _time(participant.finished_at),
        "sus_score": sus_score(sus) if participant.sus_at else None,
    }


def _try(made: Try) -> dict:
    return {
        "try": made.id,
        "outcome": made.outcome,
        "at": _time(made.at),
        "seconds": made.seconds,
        "checkpoint": made.checkpoint,
        "model_hash": made.model_hash,
        "seed": made.seed,
        "settings": {name: value for name, value in made.settings.items() if name != "edits"},
        "edits": made.settings.get("edits", []),
        "sketch_hash": made.sketch_hash,
        "reference_hash": made.reference_hash,
        "picture_hashes": made.picture_hashes,
    }


def _answer(answer: Answer, is_latest: bool) -> dict:
    return {
        "question": answer.question,
        "value": answer.value,
        "text": answer.text,
        "try": answer.try_id,
        "at": _time(answer.at),
        "latest": is_latest,
    }


def _time(moment) -> str | None:
    return moment and moment.isoformat(timespec="milliseconds")
