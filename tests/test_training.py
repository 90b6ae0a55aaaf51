"""The training loop."""

import dataclasses
import multiprocessing
import os
import signal
import socket

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from colorizer.training.loop import LoopOptions, learning_rate_factor, train
from tests.training_fixtures import (  # noqa: F401  (fixtures)
    QUICK,
    SIZE,
    Line,
    StopAt,
    make_task,
    plain_accelerate,
    small_library,
    weights,
)


@pytest.mark.parametrize("name", ["line", "vae", "clip", "unet"])
def test_a_stopped_run_goes_on_exactly(name, tiny_config, library, tmp_path):
    options = dataclasses.replace(QUICK, steps=6)
    whole = weights(train(make_task(name, tiny_config, library), options, tmp_path / "whole"))
    stopped = make_task(name, tiny_config, library)
    StopAt(stopped, 3)
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        train(stopped, options, tmp_path / "parts")
    assert signal.getsignal(signal.SIGTERM) == handler
    assert not torch.equal(weights(stopped.module), whole)
    torch.manual_seed(99)  # what went on in between must not matter
    again = make_task(name, tiny_config, library)
    drawn = StopAt(again, 1000)
    assert torch.equal(weights(train(again, options, tmp_path / "parts")), whole)
    assert drawn.left == 997  # three steps were left


def test_a_finished_run_is_not_trained_further(tmp_path):
    first = weights(train(Line(), QUICK, tmp_path))
    again = Line()
    assert torch.equal(weights(train(again, QUICK, tmp_path)), first)
    assert again.weights == []


def _train_one_of_two(rank, port, folder, results):
    variables = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({key: str(value) for key, value in variables.items()} | {"ACCELERATE_USE_CPU": "true"})
    torch.set_num_threads(1)
    whole, stopped, again = tasks = Line(), Line(), Line()
    for task in tasks:
        task.generator.manual_seed(3 + rank)
    train(whole, QUICK, folder / "whole")
    stopped.interrupt_at = 3 if rank == 1 else None  # one process alone gets the signal
    with pytest.raises(KeyboardInterrupt):
        train(stopped, QUICK, folder / "parts")
    train(again, QUICK, folder / "parts")
    steps = [len(task.weights) for task in tasks]
    results.put((rank, steps, weights(whole.module).tolist(), weights(again.module).tolist()))


def test_two_processes_learn_from_both_stop_together_and_go_on_exactly(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [
        context.Process(target=_train_one_of_two, args=(rank, port, tmp_path, results), daemon=True) for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    (_, steps, whole, parts), (_, *others) = sorted(results.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(60)
    assert others == [steps, whole, parts] and steps == [6, 3, 3]
    assert parts == whole
    alone = weights(train(Line(), QUICK, tmp_path / "alone"))
    assert not np.allclose(alone, whole)  # the data of the other process count as well


def test_a_kill_between_the_two_renames_of_a_save_loses_nothing(tmp_path):
    whole = weights(train(Line(), QUICK, tmp_path / "whole"))
    stopped = Line()
    stopped.interrupt_at = 4
    with pytest.raises(KeyboardInterrupt):
        train(stopped, QUICK, tmp_path / "parts")
    (tmp_path / "parts" / "state").rename(tmp_path / "parts" / "state.old")
    again = Line()
    assert torch.equal(weights(train(again, QUICK, tmp_path / "parts")), whole)
    assert len(again.weights) == 2
    assert not (tmp_path / "parts" / "state.old").exists()


def test_the_weights_returned_are_the_moving_average(tmp_path):
    options = dataclasses.replace(QUICK, steps=8, ema_decay=0.6)
    task = Line()
    returned = train(task, options, tmp_path).layer.weight.detach()
    last = load_file(tmp_path / "state" / "model.safetensors")["layer.weight"]
    average = None
    for count, weight in enumerate([*task.weights[1:], last]):
        decay = min(0.6, 1 - (1 + count) ** -0.8)  # warm-up: the first steps do not weigh on the average for ever
        average = weight if average is None else decay * average + (1 - decay) * weight
    torch.testing.assert_close(returned, average)
    assert not torch.allclose(returned, last, atol=1e-4)


def test_the_loss_goes_down(tmp_path):
    task = Line()
    options = dataclasses.replace(QUICK, steps=150, batch=16, lr=0.1, log_every=10)
    module = train(task, options, tmp_path)
    torch.testing.assert_close(module.layer.weight, torch.ones(1, 5), atol=0.05, rtol=0)
    header, *rows = (tmp_path / "log.csv").read_text().split()
    losses = [float(row.split(",")[2]) for row in rows]
    assert header == "step,seconds,loss" and len(losses) == 15
    assert losses[-1] < 0.02 < 0.5 < losses[0]


def logged(folder):
    """What TensorBoard shows of a run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder / "tensorboard")).Reload()


def test_tensorboard_shows_losses_rate_scores_and_samples(tiny_config, library, tmp_path):
    options = dataclasses.replace(QUICK, steps=4, warmup=2, log_every=1, validate_every=2)
    train(make_task("unet", tiny_config, library), options, tmp_path)
    log = logged(tmp_path)
    assert set(log.Tags()["scalars"]) == {"train/loss", "train/main", "train/lr", "validation/psnr"}
    rates = [event.value for event in log.Scalars("train/lr")]
    expected = [options.lr * learning_rate_factor(options, step, 0) for step in range(4)]
    assert rates == pytest.approx(expected, rel=1e-5)
    rows = [row.split(",") for row in (tmp_path / "log.csv").read_text().split()]
    column = rows[0].index("loss")
    losses = [event.value for event in log.Scalars("train/loss")]
    assert losses == pytest.approx([float(row[column]) for row in rows[1:]], abs=1e-4)
    assert [event.step for event in log.Scalars("validation/psnr")] == [2, 4, 4]
    image = log.Images("validation/samples")[-1]
    with Image.open(tmp_path / "samples.png") as grid:
        assert (image.width, image.height) == grid.size and image.width > 12 * SIZE


def test_a_resumed_run_hides_what_was_logged_after_its_state(tmp_path):
    options = dataclasses.replace(QUICK, steps=8, log_every=1, save_every=3)
    killed = Line()
    killed.batch, draw = lambda size: draw(size) if len(killed.weights) < 5 else 1 / 0, killed.batch
    with pytest.raises(ZeroDivisionError):
        train(killed, options, tmp_path)
    train(Line(), options, tmp_path)
    assert [event.step for event in logged(tmp_path).Scalars("train/loss")] == list(range(1, 9))


def test_accumulated_batches_count_as_one(tmp_path):
    class Fixed(Line):
        def __init__(self, parts):
            super().__init__()
            self.parts, self.given = parts, 0
            self.module.forward = lambda x: {"loss": (self.module.layer(x) - x.sum(1, keepdim=True)).square().mean()}
            self.points = torch.randn(24, 5, generator=torch.Generator().manual_seed(0))

        def batch(self, size):
            self.given += 1
            return self.points[(self.given - 1) * size :][:size]

    once = train(Fixed(1), dataclasses.replace(QUICK, steps=3, batch=8), tmp_path / "once")
    twice = train(Fixed(2), dataclasses.replace(QUICK, steps=3, batch=4, accumulation=2), tmp_path / "twice")
    torch.testing.assert_close(weights(once), weights(twice))


@pytest.mark.parametrize("seconds", [0.0, 100.0])
def test_the_learning_rate_warms_up_and_ends_at_zero(seconds):
    options = LoopOptions(steps=1000, seconds=seconds, warmup=10)
    rates = [learning_rate_factor(options, step, 0.0) for step in range(1001)]
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 10, atol=1e-3)
    assert max(rates) <= 1 and rates[-1] == pytest.approx(0)
    assert all(a > b for a, b in zip(rates[10:], rates[11:], strict=False))
    late = learning_rate_factor(options, 500, 100.0)
    assert late == pytest.approx(0) if seconds else late == pytest.approx(0.5)


def test_the_time_budget_ends_the_run_and_counts_over_resumed_runs(tmp_path):
    options = dataclasses.replace(QUICK, steps=10**9, seconds=0.5, log_every=10**9)
    task = Line()
    train(task, options, tmp_path)
    assert 0 < len(task.weights) < 10**6
    again = Line()
    train(again, options, tmp_path)
    assert again.weights == []
