"""A kill, or a full disk, in the middle of a save leaves what was saved before whole. The processes are really killed.

A limit on the size of files stands for the full disk: a write fails in the middle of a file, as it does there. With its
signal at the default action, the system kills the process at that very write instead.
"""

import dataclasses
import multiprocessing
import os
import resource
import shutil
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from colorizer.checkpoint import load_checkpoint, save_checkpoint
from colorizer.cli import COMMANDS, main
from colorizer.errors import UserError
from colorizer.models.model import ColorizationModel
from colorizer.training.loop import train
from tests.training_fixtures import QUICK, Line, plain_accelerate, weights  # noqa: F401

OPTIONS = dataclasses.replace(QUICK, save_every=2)
WEIGHTS = 50_000  # float32: files of 200 kB, beside which logs are small


class Large(Line):
    """A line with many weights that stay as they are, so that a save takes several writes."""

    def __init__(self, before_second_save=lambda: None):
        super().__init__()
        self.module.more = nn.Parameter(torch.ones(WEIGHTS))
        self.before_second_save = before_second_save

    def batch(self, size):
        if len(self.weights) == 3:
            self.before_second_save()
        return super().batch(size)


def in_a_process(function, *args):
    """Run it in a process of its own; returns the exit code, -9 for SIGKILL."""
    process = multiprocessing.get_context("fork").Process(target=function, args=args)
    process.start()
    process.join(240)
    return process.exitcode


def limit_files(size, kill):
    """From here on no file grows above `size` bytes: the write fails, or the process is killed by it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL if kill else signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def kill_at(event, name, count=1):
    """SIGKILL right before the `count`-th `event` of Python's audit on a path that ends in `name`."""
    left = [count]

    def hook(happened, args):
        if happened == event and str(args[0]).endswith(name):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def train_into(folder, moment):
    train(Large(moment), OPTIONS, folder)


MOMENTS = {
    "in the first file": lambda: limit_files(60_000, kill=True),
    "late in a file": lambda: limit_files(4 * WEIGHTS, kill=True),
    "all written": lambda: kill_at("os.rename", "/state"),
    "the old one moved away": lambda: kill_at("os.rename", "/state.part"),
    "the new one in place": lambda: kill_at("shutil.rmtree", "/state.old", 2),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The weights of a run that nothing disturbs."""
    os.environ["ACCELERATE_USE_CPU"] = "true"
    return weights(train(Large(), OPTIONS, tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_while_it_saves_goes_on_from_a_whole_state(whole, moment, tmp_path):
    code = in_a_process(train_into, tmp_path, MOMENTS[moment])
    assert code in (-signal.SIGKILL, -signal.SIGXFSZ)
    again = Large()
    assert torch.equal(weights(train(again, OPTIONS, tmp_path)), whole)
    assert len(again.weights) == (2 if moment == "the new one in place" else 4)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("state")) == ["state"]


def train_on_a_full_disk(folder):
    try:
        train_into(folder, lambda: limit_files(60_000, kill=False))
    except UserError as error:
        assert "cannot be written" in str(error) and "goes on" in str(error)
        os._exit(7)


def test_a_run_on_a_full_disk_says_so_and_goes_on_later(whole, tmp_path):
    assert in_a_process(train_on_a_full_disk, tmp_path) == 7
    assert not (tmp_path / "state.part").exists()  # it would take the room that is needed
    again = Large()
    assert torch.equal(weights(train(again, OPTIONS, tmp_path)), whole)
    assert len(again.weights) == 4


def save_changed(path, before):
    model = load_checkpoint(path)
    with torch.no_grad():
        model.unet.conv_in.bias.fill_(7)
    before()
    try:
        save_checkpoint(model, path)
    except UserError as error:
        assert path.name in str(error) and "cannot be written" in str(error)
        os._exit(7)


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (lambda: limit_files(20_000, kill=True), -signal.SIGXFSZ),
        (lambda: limit_files(1_000_000, kill=True), -signal.SIGXFSZ),
        (lambda: kill_at("os.rename", ".tmp"), -signal.SIGKILL),
        (lambda: limit_files(20_000, kill=False), 7),
        (lambda: limit_files(1_000_000, kill=False), 7),
    ],
)
def test_a_checkpoint_is_the_old_one_or_the_new_one(tiny_checkpoint, moment, code, tmp_path):
    path = tmp_path / "model.safetensors"
    shutil.copy(tiny_checkpoint, path)
    old = path.read_bytes()
    assert in_a_process(save_changed, path, moment) == code
    assert path.read_bytes() == old
    left = [found.name for found in tmp_path.iterdir() if found != path]
    assert len(left) == (0 if code == 7 else 1)  # a kill leaves what it had written, under another name
    assert in_a_process(save_changed, path, lambda: None) == 0
    assert load_checkpoint(path).unet.conv_in.bias.eq(7).all()


def test_a_folder_that_cannot_be_made_is_said(tiny_config, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        save_checkpoint(ColorizationModel(tiny_config), tmp_path / "file" / "model.safetensors")


def write_much(path):
    limit_files(1000, kill=False)
    os._exit(main(["write", str(path)]))


def test_a_command_that_finds_the_disk_full_says_which_file(monkeypatch, tmp_path, capfd):
    module = SimpleNamespace(
        add_arguments=lambda parser: parser.add_argument("path", type=Path),
        run=lambda args: args.path.write_bytes(bytes(5000)),
    )
    monkeypatch.setitem(sys.modules, "write", module)
    monkeypatch.setitem(COMMANDS, "write", ("write", "write a file"))
    assert in_a_process(write_much, tmp_path / "file") == 2
    assert "make room" in capfd.readouterr().err
