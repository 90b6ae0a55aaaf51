"""A study's outcome in numbers: everything that a report shows, computed once from the records."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from colorizer.evaluation.metrics import Estimate
from colorizer.study.protocol import Protocol, Question
from colorizer.study.records import Records
from colorizer.study.statistics import QuestionResult, mean_with_interval, question_result


@dataclass(frozen=True)
class Summary:
    """expected, present: ratings that all enrolled participants were to give, and those that are there.

    foreign: ratings for conditions or questions that the study no longer has; they are left out. text_versions,
    protocol_versions: name -> participants. free_texts: prompt -> what was written, in no participant's name.
    """

    title: str
    made_at: datetime
    conditions: tuple[str, ...]
    points: int
    enrolled: int
    finished: int
    withdrawn: int
    expected: int
    present: int
    foreign: int
    text_versions: dict[str, int]
    protocol_versions: dict[str, int]
    questions: tuple[Question, ...]
    results: tuple[QuestionResult, ...]
    sus: Estimate | None
    free_texts: dict[str, list[str]]

    @property
    def labels(self) -> list[str]:
        """What the questions are called, in the order of `results`."""
        return [question.label for question in self.questions]


def summarise(protocol: Protocol, records: Records) -> Summary:
    """The outcome so far. Questions that the study never asks are left out."""
    conditions = tuple(condition.name for condition in protocol.conditions)
    asked = [question for stimulus in protocol.stimuli for question in protocol.questions_of(stimulus)]
    questions = tuple(question for question in protocol.questions if question in asked)
    keys = {question.key for question in questions}
    ratings = [row for row in records.ratings if row["condition"] in conditions and row["question"] in keys]
    scores = [row["sus_score"] for row in records.participants if row["sus_score"] is not None]
    return Summary(
        title=protocol.title,
        made_at=datetime.now(UTC),
        conditions=conditions,
        points=protocol.points,
        enrolled=len(records.participants),
        finished=sum(row["finished_at"] is not None for row in records.participants),
        withdrawn=records.withdrawals,
        expected=len(records.participants) * len(conditions) * len(asked),
        present=len(ratings),
        foreign=len(records.ratings) - len(ratings),
        text_versions=dict(Counter(row["text_version"] for row in records.participants)),
        protocol_versions=dict(Counter(row["protocol_version"] for row in records.participants)),
        questions=questions,
        results=tuple(question_result(ratings, question.key, conditions, protocol.points) for question in questions),
        sus=mean_with_interval(scores) if protocol.sus else None,
        free_texts={
            prompt: [row["text"] for row in records.answers if row["question"] == f"text{place}" and row["latest"]]
            for place, prompt in enumerate(protocol.free_text, 1)
        },
    )
