"""The table of strategies: real runs at a tiny size."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from colorizer.cli import main
from colorizer.data.characters import render_character, sample_character
from colorizer.data.library import pack
from colorizer.data.triples import TripleOptions
from colorizer.evaluation.make_triples import TripleSet, make_triples
from colorizer.models.model import ColorizationModel
from colorizer.training import stages
from colorizer.training.comparison import markdown
from colorizer.training.recipes import MINI_CPU, RECIPES, STRATEGIES, with_strategy
from tests.training_fixtures import QUICK, StopAt, plain_accelerate  # noqa: F401


@pytest.fixture
def laboratory(tiny_config, tmp_path, monkeypatch):
    """Parts of a tiny model, one triple, recipes of that size; returns the command without budget."""
    styles = ["adventurer"] * 4
    heads = [sample_character(np.random.default_rng(i), "held-out", style) for i, style in enumerate(styles)]
    make_triples(tmp_path / "triples", pack([render_character(spec, 256) for spec in heads]), TripleSet(count=1), {})
    torch.manual_seed(0)
    model = ColorizationModel(tiny_config)
    (tmp_path / "parts").mkdir()
    for part, metadata in (("vae", {"shift_factor": "0", "scaling_factor": "0.2"}), ("clip", {})):
        tensors = {key: tensor.contiguous() for key, tensor in getattr(model, part).state_dict().items()}
        save_file(tensors, tmp_path / "parts" / f"{part}.safetensors", metadata)
    small = dataclasses.replace(
        MINI_CPU, model=dataclasses.replace(tiny_config, name="mini"), unet=QUICK, characters=100,
        held_out_characters=100, drawing_size=48, capacity=16, unet_data=TripleOptions(size=64, clipart=0.0),
    )  # fmt: skip
    for name in STRATEGIES:
        monkeypatch.setitem(RECIPES, f"mini-{name}", with_strategy(small, name))
    places = {"--triples": "triples", "--parts": "parts", "--out": "out"}
    options = [text for option, name in places.items() for text in (option, str(tmp_path / name))]
    return [
        "compare-strategies",
        *options,
        "--workers",
        "1",
        "--sampling-steps",
        "2",
        "--device",
        "cpu",
        "--gs",
        "1",
        "3",
    ]


def test_strategies_are_trained_and_compared_and_what_is_finished_stays(laboratory, tmp_path, monkeypatch, capsys):
    chosen = ["--strategy", "deform-0", "--strategy", "cls-0", "--strategy", "cross-0", "--steps", "2"]
    original = stages.DiffusionTask
    tasks = []

    def task(*args):
        tasks.append(original(*args))
        if len(tasks) == 2:
            StopAt(tasks[-1], 1)
        return tasks[-1]

    monkeypatch.setattr(stages, "DiffusionTask", task)
    assert main([*laboratory, *chosen]) == 130  # stopped in the second
    assert list(json.loads((tmp_path / "out" / "table.json").read_text())["strategies"]) == ["deform-0"]
    assert main([*laboratory, *chosen]) == 0
    assert len(tasks) == 4  # the first was not done again
    assert tasks[2].module.strategy == STRATEGIES["cls-0"] and tasks[2].model.config.kind == "cls"
    table = json.loads((tmp_path / "out" / "table.json").read_text())
    assert list(table["strategies"]) == ["deform-0", "cls-0", "cross-0"] and table["budget"] == {"steps": 2}
    for scores in table["strategies"].values():
        assert set(scores) == {"1", "3"} and all(means["psnr"]["count"] == 1 for means in scores.values())
    text = (tmp_path / "out" / "table.md").read_text()
    assert text.count("| cls-0 |") == 3 and "| GS 1 | GS 3 |" in text and text in capsys.readouterr().out
    assert main([*laboratory, *chosen]) == 0 and len(tasks) == 4
    assert main([*laboratory, *chosen[:2], "--steps", "3"]) == 2
    assert "another budget" in capsys.readouterr().err


def test_mistakes_are_said_before_the_work(laboratory, tmp_path, capsys):
    (tmp_path / "parts" / "clip.safetensors").unlink()
    assert main([*laboratory, "--steps", "1"]) == 2
    assert main([*laboratory, "--steps", "0"]) == 2
    assert main([*laboratory, "--seconds", "-1"]) == 2
    errors = capsys.readouterr().err
    for text in ("no clip.safetensors", "--steps must be", "--seconds must be"):
        assert text in errors


def test_the_best_of_a_column_is_bold():
    def means(accuracy, difference):
        return {"region_accuracy": {"mean": accuracy}, "ciede2000": {"mean": difference}, "psnr": {"mean": None}}

    table = {"guidance": [1.0, 10.0], "strategies": {
        "a": {"1": means(0.5, 12.0), "10": means(0.25, 8.0)}, "b": {"1": means(0.4, 10.0), "10": means(0.75, 9.0)},
    }}  # fmt: skip
    accuracy, difference, psnr = markdown(table).strip().split("\n\n")
    assert accuracy.splitlines()[2:] == ["| a | **50.00** | 25.00 |", "| b | 40.00 | **75.00** |"]
    assert difference.splitlines()[2:] == ["| a | 12.00 | **8.00** |", "| b | **10.00** | 9.00 |"]
    assert psnr.splitlines()[2] == "| a | - | - |"
