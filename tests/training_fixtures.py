"""Tiny tasks for the training loop, and what their tests share."""

import os
import signal

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from torch import nn

from colorizer.data import characters
from colorizer.data.library import pack
from colorizer.data.triples import TripleOptions, TripleSampler
from colorizer.models.clip import ReferenceEncoder
from colorizer.models.model import ColorizationModel
from colorizer.models.vae import LatentAutoencoder
from colorizer.training.clip import CLIPTask
from colorizer.training.diffusion import DiffusionTask
from colorizer.training.loop import LoopOptions
from colorizer.training.objectives import Strategy
from colorizer.training.vae import VAETask

SIZE = 64
QUICK = LoopOptions(
    steps=6, batch=4, lr=1e-2, warmup=1, mixed_precision="no", save_every=1000, log_every=2, validate_every=1000
)


@pytest.fixture(autouse=True)
def plain_accelerate(monkeypatch):
    """accelerate keeps precision and device for the whole process; every test has its own."""
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="module", name="library")
def small_library():
    styles = ["adventurer"] * 6 + ["micah", "toon-head"]
    specs = (characters.sample_character(np.random.default_rng(i), style=style) for i, style in enumerate(styles))
    return pack([characters.render_character(spec, SIZE) for spec in specs])


def sampler(library, seed=1, **options):
    return TripleSampler(library, TripleOptions(**{"size": SIZE, "clipart": 0.0, **options}), seed)


class Line:
    """A line through points with noise, from both the task's own random numbers and torch's."""

    def __init__(self):
        torch.manual_seed(0)
        self.module = _Regression()
        self.generator = torch.Generator().manual_seed(3)
        self.weights, self.interrupt_at = [], None

    def batch(self, size):
        self.weights.append(self.module.layer.weight.detach().clone())  # as the last step left them
        if len(self.weights) == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return torch.randn(size, 5, generator=self.generator)

    def validate(self, module, folder, step):
        assert not module.training and not torch.is_grad_enabled()
        return {"weight": float(module.layer.weight.norm())}

    def state_dict(self):
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state):
        self.generator.set_state(state["generator"])


class _Regression(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 1)

    def forward(self, x):
        wanted = x.sum(1, keepdim=True) + 0.1 * torch.randn(len(x), 1)
        return {"loss": (self.layer(x) - wanted).square().mean()}


def weights(module):
    return torch.cat([weight.detach().flatten() for weight in module.parameters()])


def make_task(name, config, library):
    """A task of a stage on a tiny model, always the same."""
    torch.manual_seed(0)
    held_out = sampler(library, 2)
    if name == "line":
        return Line()
    if name == "vae":
        return VAETask(LatentAutoencoder(config.vae), sampler(library), held_out, crop=32)
    if name == "clip":
        return CLIPTask(ReferenceEncoder(config.clip), sampler(library), held_out, count=2)
    model = ColorizationModel(config)
    return DiffusionTask(model, Strategy(shuffle=True, noisy=0.5), sampler(library), held_out, capacity=40, reuse=1.0)


class StopAt:
    """Sends SIGTERM while the task prepares its batch number `count`."""

    def __init__(self, task, count):
        self.draw, self.left = task.batch, count
        task.batch = self

    def __call__(self, size):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return self.draw(size)
