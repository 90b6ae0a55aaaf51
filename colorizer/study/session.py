"""A study as its participants go through it: whatever has been answered, `next_step` says what comes now.

Information and consent come before anything is stored, then practice, trials, SUS, free text and the finish code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from colorizer.errors import UserError
from colorizer.settings import GenerationSettings
from colorizer.study.order import williams_square
from colorizer.study.protocol import Condition, Protocol, Question, Stimulus, load_protocol
from colorizer.study.store import Consent, PlannedTrial, Store, TrialState, TryRecord
from colorizer.study.sus import POINTS as SUS_POINTS
from colorizer.study.sus import STATEMENTS


@dataclass(frozen=True)
class Welcome:
    """Show the information and ask for consent; `Study.enrol` follows."""


@dataclass(frozen=True)
class TrialStep:
    """Show a trial and ask its questions. The condition's name must not be shown: `trial.label` stands for it.

    place, count: "trial 3 of 12", practice and trials counted apart. settings: what the trial starts from.
    """

    trial: TrialState
    condition: Condition
    stimulus: Stimulus
    questions: tuple[Question, ...]
    settings: GenerationSettings
    place: int
    count: int


@dataclass(frozen=True)
class SusStep:
    """Ask the ten statements of the System Usability Scale. answers: those given so far."""

    answers: Mapping[str, int]


@dataclass(frozen=True)
class FreeTextStep:
    """Ask for texts, none of them required. prompts: key -> what to ask; answers: those given so far."""

    prompts: Mapping[str, str]
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Finished:
    """Thank the participant and show the code."""


Step = Welcome | TrialStep | SusStep | FreeTextStep | Finished


class Study:
    """A protocol with its records. Safe to share by threads; holds nothing of any participant."""

    def __init__(self, protocol: Protocol, store: Store):
        self.protocol, self.store = protocol, store

    @classmethod
    def open(cls, folder: str | Path, database: str | None = None) -> "Study":
        """The study in a folder. database: a URL that replaces the one of the file. Raises UserError."""
        protocol = load_protocol(folder)
        return cls(protocol, Store(database or protocol.database_url))

    def close(self) -> None:
        """Give the database's connections back."""
        self.store.close()

    def enrol(self, keep_pictures: bool = False) -> str:
        """Consent is given now; returns the code with which the participant goes on, comes back and withdraws."""
        protocol = self.protocol
        consent = Consent(
            protocol.text_version,
            protocol.title,
            protocol.information,
            protocol.consent,
            protocol.version,
            keep_pictures and protocol.keep_pictures,
        )
        return self.store.enrol(consent, len(protocol.order_rows), lambda number, row: plan(protocol, number, row))

    def next_step(self, code: str | None) -> Step:
        """What the participant with this code does now; the same until that is finished. Raises UserError."""
        if code is None:
            return Welcome()
        state = self.store.participant(code)
        current = next((trial for trial in state.trials if not trial.finished), None)
        if current is not None:
            self.store.show_trial(code, current.id)
            alike = [trial.id for trial in state.trials if trial.practice == current.practice]
            return self._trial_step(current, alike.index(current.id) + 1, len(alike))
        if self.protocol.sus and not (state.sus_done or state.finished):
            return SusStep({key: value for key, value in state.answers.items() if key in STATEMENTS})
        if self.free_text_prompts and not (state.free_text_done or state.finished):
            prompts = self.free_text_prompts
            return FreeTextStep(prompts, {key: text for key, text in state.answers.items() if key in prompts})
        if not state.finished:
            self.store.finish_part(code, "finished")
        return Finished()

    @property
    def free_text_prompts(self) -> dict[str, str]:
        """Key of the record -> what is asked."""
        return {f"text{place}": prompt for place, prompt in enumerate(self.protocol.free_text, 1)}

    def record_try(self, code: str, trial_id: int, record: TryRecord) -> int:
        """Log a generation of the current trial; returns its id."""
        return self.store.record_try(code, trial_id, record)

    def rate(self, code: str, trial_id: int, question: str, value: int, try_id: int | None = None) -> None:
        """Answer a question of the current trial, as often as wanted; stored when this returns."""
        if question not in {asked.key for asked in self.protocol.questions}:
            raise UserError(f"The study has no question {question!r}; reload the page.")
        self._check_value(value, self.protocol.points)
        self.store.rate(code, trial_id, question, value, try_id)

    def finish_trial(self, code: str, trial_id: int) -> None:
        """Go on to the next trial. Raises UserError that names what is not answered yet."""
        state = self.store.participant(code)
        trial = next((trial for trial in state.trials if trial.id == trial_id), None)
        if trial is None:
            raise UserError("This trial is not the current one; reload the page and go on with your code.")
        if trial.finished:  # a second click
            return
        asked = self.protocol.questions_of(self.protocol.stimulus(trial.stimulus, trial.practice))
        if missing := [question.label for question in asked if question.key not in trial.answers]:
            raise UserError(f"Please answer {', '.join(missing)}.")
        if not trial.tries:
            raise UserError("There is no picture yet; make one and rate it.")
        self.store.finish_trial(code, trial_id)

    def answer_sus(self, code: str, statement: str, value: int) -> None:
        """Answer one of `sus.STATEMENTS` with 1 to 5; stored when this returns."""
        if statement not in STATEMENTS:
            raise UserError(f"There is no statement {statement!r}; reload the page.")
        self._check_value(value, SUS_POINTS)
        self.store.answer(code, statement, value)

    def finish_sus(self, code: str) -> None:
        """Go on. Raises UserError that names the statements not answered yet."""
        answers = self.store.participant(code).answers
        missing = [str(place) for place, key in enumerate(STATEMENTS, 1) if key not in answers]
        if missing:
            raise UserError(f"Please answer statement {', '.join(missing)}.")
        self.store.finish_part(code, "sus")

    def finish_free_text(self, code: str, texts: Mapping[str, str]) -> None:
        """Store the texts, by the keys of `free_text_prompts`, and go on. Empty ones are left out."""
        for key, text in texts.items():
            if key not in self.free_text_prompts:
                raise UserError(f"The study has no question {key!r}; reload the page.")
            if text.strip():
                self.store.answer(code, key, text.strip())
        self.store.finish_part(code, "free_text")

    def withdraw(self, code: str) -> None:
        """Delete everything of this participant, and nothing else."""
        self.store.withdraw(code)

    def _trial_step(self, trial: TrialState, place: int, count: int) -> TrialStep:
        protocol = self.protocol
        condition, stimulus = protocol.condition(trial.condition), protocol.stimulus(trial.stimulus, trial.practice)
        settings = protocol.settings_of(condition, stimulus)
        return TrialStep(trial, condition, stimulus, protocol.questions_of(stimulus), settings, place, count)

    @staticmethod
    def _check_value(value: int, points: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= points:
            raise UserError(f"The answer is {value!r:.20}; choose one from 1 to {points}.")


def plan(protocol: Protocol, number: int, row: int) -> list[PlannedTrial]:
    """The trials of participant `number` (from 1): practice, then every condition in turn with all stimuli.

    row: which order of the conditions. Labels follow the order in which the participant meets the conditions. The
    stimuli come in an order of their own in every condition.
    """
    first = protocol.conditions[0].name
    trials = [PlannedTrial(item.condition or first, item.name, "Practice", practice=True) for item in protocol.practice]
    orders = williams_square(len(protocol.stimuli))
    for place, index in enumerate(protocol.order_rows[row]):
        for stimulus in orders[(number - 1 + place) % len(orders)]:
            name = protocol.stimuli[stimulus].name
            trials.append(PlannedTrial(protocol.conditions[index].name, name, ascii_uppercase[place]))
    return trials
