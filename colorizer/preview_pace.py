"""When a preview is worth decoding."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class PreviewPace:
    """Keeps decoding of previews to about a third of the time, however slow the decoder is next to the U-Net."""

    def __init__(self):
        self._cost = 0.0
        self._shown = 0.0

    @property
    def is_due(self) -> bool:
        return time.perf_counter() - self._shown >= 2 * self._cost

    @contextmanager
    def decoding(self, device: torch.device) -> Iterator[None]:
        if device.type == "cuda":
            torch.cuda.synchronize(device)  # the steps still in the queue are not the decoder's cost
        start = time.perf_counter()
        yield
        self._shown = time.perf_counter()
        self._cost = self._shown - start
