"""The state of a training run on disk: what it has besides weights, and how it is saved so that a kill is harmless."""

import shutil
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import gather_object
from safetensors import SafetensorError

from colorizer.errors import UserError


class Progress:
    """Counters that survive a restart."""

    def __init__(self):
        self.step, self.elapsed = 0, 0.0

    def state_dict(self) -> dict:
        return {"step": self.step, "elapsed": self.elapsed}

    def load_state_dict(self, state: dict) -> None:
        self.step, self.elapsed = state["step"], state["elapsed"]


class DataState:
    """The random number generators of the data of every process, for accelerate, which saves what the first one has."""

    def __init__(self, task, accelerator: Accelerator):
        self.task, self.accelerator = task, accelerator

    def state_dict(self) -> dict:
        own = self.task.state_dict()
        return own if self.accelerator.num_processes == 1 else {"processes": gather_object([own])}

    def load_state_dict(self, state: dict) -> None:
        """A run that goes on with another number of processes draws new data in those that it did not have."""
        states, index = state.get("processes", [state]), self.accelerator.process_index
        if index < len(states):
            self.task.load_state_dict(states[index])


def newest_state(state: Path) -> Path | None:
    """The state to go on from. A kill between the two renames of `save_state` leaves only the old one in place."""
    return next((path for path in (state, state.with_name("state.old")) if path.is_dir()), None)


def save_state(accelerator: Accelerator, state: Path) -> None:
    """Written beside the old state and swapped in whole, so that a kill leaves one of the two.

    Raises UserError where it cannot be written, and the old state stays.
    """
    part, old = state.with_name("state.part"), state.with_name("state.old")
    if accelerator.is_main_process:
        shutil.rmtree(part, ignore_errors=True)
    accelerator.wait_for_everyone()
    try:
        accelerator.save_state(str(part))
    except (OSError, RuntimeError, SafetensorError) as error:  # a full disk comes as any of them
        if accelerator.is_main_process:
            shutil.rmtree(part, ignore_errors=True)
        raise UserError(
            f"{state} cannot be written ({error}); make room on the disk. The same command goes on from the state "
            "saved before."
        ) from error
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        if state.exists():
            shutil.rmtree(old, ignore_errors=True)
            state.rename(old)
        part.rename(state)
        shutil.rmtree(old, ignore_errors=True)
    accelerator.wait_for_everyone()
