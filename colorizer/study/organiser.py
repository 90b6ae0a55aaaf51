"""What only the organiser of a study may see. Over a network it is reached by password: `as_organiser`."""

from dataclasses import dataclass

from colorizer.errors import UserError
from colorizer.study.export import export_zip
from colorizer.study.records import Records, read_records
from colorizer.study.report import render_report
from colorizer.study.session import Study
from colorizer.study.summary import Summary, summarise


@dataclass(frozen=True)
class Progress:
    """finished_by_order: how many finished with each row of the square. finished_trials: condition -> trials.

    now_at: "practice", "trials", "sus", "texts", "finished" -> participants who are there.
    """

    enrolled: int
    finished: int
    withdrawn: int
    finished_by_order: tuple[int, ...]
    finished_trials: dict[str, int]
    tries: int
    now_at: dict[str, int]


def as_organiser(study: Study, password: str) -> "Organiser":
    """Raises UserError unless the password is right; compared in constant time."""
    if not study.protocol.check_password(password):
        raise UserError("This is not the organiser's password.")
    return Organiser(study)


class Organiser:
    """Counts, exports and reports of a study, from its records at the time of each call."""

    def __init__(self, study: Study):
        """For whoever has the study's files anyway; everybody else goes through `as_organiser`."""
        self._study = study

    def records(self) -> Records:
        """All rows, participants as numbers."""
        return read_records(self._study.store)

    def progress(self) -> Progress:
        """How far the study is."""
        protocol, records = self._study.protocol, self.records()
        finished = [participant for participant in records.participants if participant["finished_at"]]
        orders = [participant["order_row"] for participant in finished]
        done = [trial["condition"] for trial in records.trials if trial["finished_at"] and not trial["practice"]]
        return Progress(
            enrolled=len(records.participants),
            finished=len(finished),
            withdrawn=records.withdrawals,
            finished_by_order=tuple(orders.count(row) for row in range(len(protocol.order_rows))),
            finished_trials={condition.name: done.count(condition.name) for condition in protocol.conditions},
            tries=len(records.tries),
            now_at=_now_at(records, protocol.sus),
        )

    def export_zip(self, kind: str) -> bytes:
        """All tables as "csv" or "jsonl" in a ZIP file."""
        return export_zip(self.records(), kind)

    def summary(self) -> Summary:
        """The outcome so far: what charts and reports are made of."""
        return summarise(self._study.protocol, self.records())

    def report(self, kind: str) -> bytes:
        """The report as "html" or "pdf"."""
        return render_report(self.summary(), kind)

    def has_finished(self, code: str) -> bool:
        """Whether the participant who shows this code went through to the end. Raises UserError for an unknown one."""
        return self._study.store.participant(code).finished


def _now_at(records: Records, asks_sus: bool) -> dict[str, int]:
    open_trials = [trial for trial in records.trials if not trial["finished_at"]]
    in_practice = {trial["participant"] for trial in open_trials if trial["practice"]}
    in_trials = {trial["participant"] for trial in open_trials} - in_practice
    after = [row for row in records.participants if row["participant"] not in in_practice | in_trials]
    finished = [row for row in after if row["finished_at"]]
    in_texts = [row for row in after if not row["finished_at"] and (row["sus_at"] or not asks_sus)]
    return {
        "practice": len(in_practice),
        "trials": len(in_trials),
        "sus": len(after) - len(in_texts) - len(finished),
        "texts": len(in_texts),
        "finished": len(finished),
    }
