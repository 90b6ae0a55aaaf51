"""Batches of triples from people's own pictures, for the stages of training that draw from `TripleSampler`.

Picture number k of the endless sequence depends on the seed, the process's share and k alone: not on the number of
workers, nor on where a run was stopped.
"""

import dataclasses
import sys
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from colorizer.data.pictures import Pictures, load_item
from colorizer.data.triples import TripleOptions, Triples
from colorizer.errors import UserError


class PictureSampler:
    """Draws batches like `TripleSampler`: every picture once an epoch, in another order each time.

    Pictures that cannot be used are left out, kept in `skipped` (name -> reason) and said once on the standard error.
    """

    def __init__(
        self,
        pictures: Pictures,
        options: TripleOptions,
        seed: int = 0,
        workers: int = 0,
        share: tuple[int, int] = (0, 1),
        device: torch.device | str = "cpu",
    ):
        """share: (index, count), this process and how many there are: each sees other pictures."""
        index, count = share
        if len(pictures) < count:
            raise UserError(f"There are {len(pictures)} pictures for {count} processes; start fewer.")
        self.order = _Order(np.arange(len(pictures))[index::count], seed)
        self.items = _Items(pictures, options, seed)
        self.workers, self.device = workers, torch.device(device)
        self.skipped: dict[str, str] = {}
        self.position = 0  # in the endless sequence, of the next picture
        self._loaded: Iterator | None = None

    def sample(self, batch: int) -> Triples:
        """`batch` triples; the figure is the whole picture. Raises UserError when no picture at all can be used."""
        numbers, rows, failed = [], [], 0
        while len(rows) < batch:
            number, item = self._next()
            if isinstance(item, str):
                self._skip(number, item)
                failed += 1
                if failed > len(self.order.numbers):
                    reasons = "; ".join(f"{name}: {reason}" for name, reason in list(self.skipped.items())[:3])
                    raise UserError(f"None of the pictures can be used: {reasons}")
                continue
            failed = 0
            numbers.append(number)
            rows.append(item)
        parts = {name: torch.stack([row[name] for row in rows]).to(self.device).float() / 255 for name in rows[0]}
        drawings = np.repeat(np.array(numbers)[:, None], 2, 1)
        return Triples(figure=torch.ones_like(parts["sketch"]), drawings=drawings, **parts)

    def sample_pictures(self, batch: int) -> Tensor:
        """(batch, 3, S, S) in [0, 1]: the truths alone."""
        return self.sample(batch).truth

    def state_dict(self) -> dict:
        """Where it stands in the sequence, for an exact resume."""
        return {"position": self.position}

    def load_state_dict(self, state: dict) -> None:
        self.position, self._loaded = state["position"], None

    def _next(self) -> tuple[int, dict[str, Tensor] | str]:
        if self._loaded is None:  # not before: workers start at the position
            self.order.start = self.position
            loader = DataLoader(
                self.items,
                sampler=self.order,
                batch_size=None,
                num_workers=self.workers,
                generator=torch.Generator(),  # otherwise it takes a number from the training's own
            )
            self._loaded = iter(loader)
        self.position += 1
        return next(self._loaded)

    def _skip(self, number: int, reason: str) -> None:
        name = self.items.pictures.name(number)
        if name not in self.skipped:
            self.skipped[name] = reason
            print(f"skipped {name}: {reason}", file=sys.stderr)


class _Order(Sampler):
    """(epoch, number) from `start` on, without end: the numbers in a new order each epoch."""

    def __init__(self, numbers: np.ndarray, seed: int):
        self.numbers, self.seed, self.start = numbers, seed, 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch, place = divmod(self.start, len(self.numbers))
        while True:
            order = np.random.default_rng([self.seed, epoch]).permutation(self.numbers)
            for number in order[place:]:
                yield epoch, int(number)
            epoch, place = epoch + 1, 0


@dataclasses.dataclass
class _Items(Dataset):
    """(epoch, number) -> the number and its triple, or the reason why there is none."""

    pictures: Pictures
    options: TripleOptions
    seed: int

    def __getitem__(self, key: tuple[int, int]) -> tuple[int, dict[str, Tensor] | str]:
        epoch, number = key
        try:
            # The autocast of a training step, in the same process, would round colours.
            with torch.autocast("cpu", enabled=False):
                return number, load_item(self.pictures, number, self.options, [self.seed, epoch, number])
        except (UserError, OSError) as error:
            return number, str(error)
