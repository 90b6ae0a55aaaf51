"""What a training run tells while it runs: CSV files, and a TensorBoard log where the package tensorboard is installed.

`tensorboard --logdir runs` shows the losses, the learning rate, the scores of validation and its sample grids.
"""

import csv
from pathlib import Path

import numpy as np
from accelerate import Accelerator
from PIL import Image

from colorizer.training.state import Progress

FOLDER = "tensorboard"
SAMPLES = "samples.png"  # where tasks put the grid of their validation


class RunLog:
    """Writes in the main process only. `folder`: that of the run; the accelerator was made for TensorBoard."""

    def __init__(self, accelerator: Accelerator, folder: Path, progress: Progress):
        self.accelerator, self.folder, self.progress = accelerator, folder, progress
        # What a run logged after its last save is hidden when it goes on from there.
        options = {"purge_step": progress.step + 1} if progress.step else {}
        accelerator.init_trackers(FOLDER, init_kwargs={"tensorboard": options})

    def losses(self, means: dict[str, float], lr: float) -> None:
        """The mean losses since the last time."""
        self._row("log.csv", means)
        self._scalars("train", {**means, "lr": lr})

    def scores(self, scores: dict[str, float]) -> None:
        """The scores of a validation, and its sample grid if the task has written one."""
        self._row("validation.csv", scores)
        self._scalars("validation", scores)
        path = self.folder / SAMPLES
        if path.exists():
            for tracker in self.accelerator.trackers:
                with Image.open(path) as grid:
                    pixels = np.asarray(grid.convert("RGB"))[None]
                tracker.log_images({"validation/samples": pixels}, step=self.progress.step, dataformats="NHWC")

    def close(self) -> None:
        for tracker in self.accelerator.trackers:
            tracker.finish()

    def _scalars(self, group: str, values: dict[str, float]) -> None:
        self.accelerator.log({f"{group}/{name}": value for name, value in values.items()}, step=self.progress.step)

    def _row(self, name: str, values: dict[str, float]) -> None:
        path = self.folder / name
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "seconds", *values])
            time = f"{self.progress.elapsed:.1f}"
            writer.writerow([self.progress.step, time, *(f"{value:.5f}" for value in values.values())])
