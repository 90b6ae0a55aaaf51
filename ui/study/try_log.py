"""The record of one try: what was asked for, of which model, with which pictures, and what came of it."""

import io
import logging
import time
from collections.abc import Iterator

from colorizer.errors import UserError
from colorizer.generation import Result
from colorizer.images import read_picture
from colorizer.png import PictureParameters, save_png
from colorizer.settings import GenerationSettings
from colorizer.study.session import Study, TrialStep
from colorizer.study.store import TryRecord
from ui.study.models import StudyShelf
from ui.study.pictures import StudyPictures, picture_hash

log = logging.getLogger(__name__)


class TryLog:
    """One try from its start, which is when this is made."""

    def __init__(
        self,
        study: Study,
        shelf: StudyShelf,
        pictures: StudyPictures,
        code: str,
        step: TrialStep,
        settings: GenerationSettings,
    ):
        self._study, self._shelf, self._pictures = study, shelf, pictures
        self._code, self._step, self._settings = code, step, settings
        self._started = time.monotonic()

    def done(self, result: Result) -> int:
        """Store a try that gave pictures; returns its id."""
        pngs = tuple(self._pngs(result)) if self._study.protocol.keep_pictures else ()
        return self._store("done", tuple(map(picture_hash, result.images)), pngs)

    def without_picture(self, outcome: str) -> None:
        """Store a try that gave none: "stopped" or "failed". One whose records are gone meanwhile is left out."""
        try:
            self._store(outcome)
        except UserError as error:
            log.info("a try was not recorded: %s", error)

    def _store(self, outcome: str, hashes: tuple[str, ...] = (), pngs: tuple[bytes, ...] = ()) -> int:
        protocol, stimulus = self._study.protocol, self._step.stimulus
        checkpoint = self._step.condition.checkpoint
        record = TryRecord(
            settings=self._settings.to_dict(),
            seed=self._settings.seed,
            checkpoint=checkpoint,
            model_hash=self._shelf.model_hash(checkpoint),
            sketch_hash=self._pictures.file_hash(protocol.picture_path(stimulus.sketch)),
            reference_hash=self._pictures.file_hash(protocol.picture_path(stimulus.reference)),
            picture_hashes=hashes,
            pictures=pngs,
            seconds=round(time.monotonic() - self._started, 3),
            outcome=outcome,
        )
        return self._study.record_try(self._code, self._step.trial.id, record)

    def _pngs(self, result: Result) -> Iterator[bytes]:
        checkpoint = self._step.condition.checkpoint
        for image, seed in zip(result.images, result.seeds, strict=True):
            file = io.BytesIO()
            save_png(
                image,
                file,
                PictureParameters(result.settings, seed, checkpoint, self._shelf.model_hash(checkpoint)),
            )
            yield file.getvalue()


def record_look(study: Study, pictures: StudyPictures, code: str, step: TrialStep) -> None:
    """A ready picture that is shown is a try too, so that ratings are about it."""
    protocol, stimulus = study.protocol, step.stimulus
    result = protocol.result_path(step.condition, stimulus)
    record = TryRecord(
        settings={},
        seed=0,
        checkpoint="",
        model_hash="",
        sketch_hash=pictures.file_hash(protocol.picture_path(stimulus.sketch)),
        reference_hash=pictures.file_hash(protocol.picture_path(stimulus.reference)),
        picture_hashes=(picture_hash(read_picture(result)),),
        outcome="shown",
    )
    study.record_try(code, step.trial.id, record)
