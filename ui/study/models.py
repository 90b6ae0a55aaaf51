"""The models of a study, by the checkpoints that its conditions name."""

import logging
from pathlib import Path

from colorizer.errors import UserError
from colorizer.pipeline import Colorizer
from colorizer.study.protocol import Protocol
from ui.model_shelf import ModelShelf, hash_of
from ui.texts import text

log = logging.getLogger(__name__)


class StudyShelf(ModelShelf):
    """Its names are what the conditions of the study call their checkpoints."""

    def __init__(self, protocol: Protocol, device: str = "auto"):
        super().__init__(protocol.folder, device)
        self._checkpoints = {
            condition.checkpoint: protocol.checkpoint_path(condition)
            for condition in protocol.conditions
            if condition.checkpoint
        }

    def _paths(self) -> dict[str, Path]:
        return self._checkpoints

    def model_hash(self, name: str) -> str:
        """Names the checkpoint by its content; empty when its file cannot be read."""
        path = self._checkpoints[name]
        try:
            return hash_of(path, path.stat().st_mtime_ns)
        except OSError:
            return ""

    def open_blind(self, name: str) -> Colorizer:
        """As `open`, but what goes wrong is told to the log only: its message would name the checkpoint."""
        try:
            return self.open(name)
        except UserError as error:
            log.error("checkpoint %s: %s", name, error)
            raise UserError(text("study_error_model")) from error
