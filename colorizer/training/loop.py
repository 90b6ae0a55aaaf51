"""The training loop that all tasks share: accelerate, EMA, exact resume, atomic checkpoints, clean stop on signals."""

import math
import signal
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, set_seed
from diffusers.training_utils import EMAModel
from torch import Tensor, nn
from tqdm import tqdm

from colorizer.training.log import RunLog
from colorizer.training.state import DataState, Progress, newest_state, save_state


@dataclass(frozen=True)
class LoopOptions:
    """Optimiser and budget. The learning rate warms up, then falls along a cosine.

    steps: optimiser steps in all. seconds: wall-clock budget over all resumed runs, 0 for none; training ends and the
    cosine reaches its end with whichever is used up first. accumulation: micro-batches an optimiser step.
    """

    steps: int = 1000
    seconds: float = 0.0
    batch: int = 16
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    warmup: int = 100
    accumulation: int = 1
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    mixed_precision: str = "bf16"
    save_every: int = 200
    log_every: int = 20
    validate_every: int = 200
    seed: int = 0


class Task(Protocol):
    """What is trained. `module` computes the loss in its forward, so that DDP can wrap it."""

    module: nn.Module

    def batch(self, size: int): ...  # anything that module(batch) takes

    def validate(self, module: nn.Module, folder: Path, step: int) -> dict[str, float]: ...

    def state_dict(self) -> dict: ...  # random number generators of the data

    def load_state_dict(self, state: dict) -> None: ...


def learning_rate_factor(options: LoopOptions, step: int, elapsed: float) -> float:
    """In [0, 1]: linear warm-up, then a cosine over the share of the budget that is used."""
    done = max(step / options.steps, elapsed / options.seconds if options.seconds else 0.0)
    return min(1.0, (step + 1) / max(1, options.warmup)) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def train(task: Task, options: LoopOptions, folder: Path) -> nn.Module:
    """Train `task.module`, going on from `folder`/state if there is one. Returns it with its EMA weights.

    SIGTERM and SIGINT end the run after the step at hand, with its state saved.
    """
    folder.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(
        mixed_precision=options.mixed_precision,
        gradient_accumulation_steps=options.accumulation,
        log_with="tensorboard",
        project_dir=folder,
        # Attention to the one token of a CLS model does not depend on its queries and keys.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    set_seed(options.seed, device_specific=True)
    trained = [parameter for parameter in task.module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=options.lr, betas=options.betas, weight_decay=options.weight_decay)
    module, optimizer = accelerator.prepare(task.module, optimizer)
    ema = EMAModel(trained, decay=options.ema_decay, use_ema_warmup=True, power=0.8, foreach=True)
    progress = Progress()
    accelerator.register_for_checkpointing(ema, progress, DataState(task, accelerator))
    state = folder / "state"
    if (found := newest_state(state)) is not None:
        accelerator.load_state(str(found))
        accelerator.print(f"going on at step {progress.step} ({progress.elapsed:.0f} s)")
    ema.to(accelerator.device)  # after the loading, which leaves it on the CPU

    with closing(RunLog(accelerator, folder, progress)) as log:
        with _StopOnSignal() as stop:
            before, started = progress.elapsed, time.monotonic()
            bar = tqdm(
                total=options.steps, initial=progress.step, disable=not accelerator.is_main_process, mininterval=5
            )
            sums: dict[str, Tensor] = {}
            summed = 0
            while progress.step < options.steps and not (options.seconds and progress.elapsed >= options.seconds):
                factor = learning_rate_factor(options, progress.step, progress.elapsed)
                for group in optimizer.param_groups:
                    group["lr"] = options.lr * factor
                losses = _optimise(accelerator, task, module, optimizer, trained, options)
                ema.step(trained)
                progress.step += 1
                asked, progress.elapsed = _agreed(accelerator, stop.asked, before + time.monotonic() - started)
                for name, value in losses.items():
                    sums[name] = sums.get(name, 0) + value.detach().float()
                summed += 1
                bar.update()
                if progress.step % options.log_every == 0 and accelerator.is_main_process:
                    means = {name: float(value) / summed for name, value in sums.items()}
                    sums, summed = {}, 0
                    bar.set_postfix({name: f"{value:.4f}" for name, value in means.items()})
                    log.losses(means, options.lr * factor)
                if progress.step % options.validate_every == 0:
                    with _ema_weights(ema, trained):
                        _validate(task, accelerator, module, folder, progress, log)
                if progress.step % options.save_every == 0 or asked:
                    save_state(accelerator, state)
                if asked:
                    accelerator.print(f"stopped at step {progress.step}; the same command goes on from there")
                    raise KeyboardInterrupt
        bar.close()
        save_state(accelerator, state)
        ema.copy_to(trained)
        _validate(task, accelerator, module, folder, progress, log)
    return accelerator.unwrap_model(module)


def _optimise(
    accelerator: Accelerator, task: Task, module: nn.Module, optimizer, trained: list, options: LoopOptions
) -> dict[str, Tensor]:
    """One step of the optimiser. Returns the losses of its last micro-batch."""
    for _ in range(options.accumulation):
        with accelerator.accumulate(module), accelerator.autocast():
            losses = module(task.batch(options.batch))
            accelerator.backward(losses["loss"])
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(trained, options.clip_norm)
            optimizer.step()
            optimizer.zero_grad()
    return losses


def _agreed(accelerator: Accelerator, asked: bool, elapsed: float) -> tuple[bool, float]:
    """Whether any process was asked to stop, and the latest clock: all processes must end with the same step."""
    if accelerator.num_processes == 1:
        return asked, elapsed
    gathered = accelerator.gather(torch.tensor([[float(asked), elapsed]], device=accelerator.device))
    asked, elapsed = gathered.amax(0).tolist()
    return asked > 0, elapsed


def _validate(
    task: Task, accelerator: Accelerator, module: nn.Module, folder: Path, progress: Progress, log: RunLog
) -> None:
    if accelerator.is_main_process:
        module.eval()
        with torch.no_grad(), accelerator.autocast():
            scores = task.validate(accelerator.unwrap_model(module), folder, progress.step)
        module.train()
        log.scores(scores)
        print(
            f"step {progress.step}: " + ", ".join(f"{name} {value:.4f}" for name, value in scores.items()), flush=True
        )
    accelerator.wait_for_everyone()


class _ema_weights:
    """EMA weights in place of the trained ones inside the block."""

    def __init__(self, ema: EMAModel, parameters: list):
        self.ema, self.parameters = ema, parameters

    def __enter__(self):
        self.ema.store(self.parameters)
        self.ema.copy_to(self.parameters)

    def __exit__(self, *_):
        self.ema.restore(self.parameters)


class _StopOnSignal:
    """Turns the first SIGTERM or SIGINT into a flag, and puts the old handlers back."""

    def __init__(self):
        self.asked = False

    def __enter__(self):
        self.old = {number: signal.signal(number, self._ask) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def _ask(self, *_):
        self.asked = True

    def __exit__(self, *_):
        for number, handler in self.old.items():
            signal.signal(number, handler)
