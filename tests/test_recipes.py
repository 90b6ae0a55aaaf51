"""The recipes, and the command that carries them out on tiny real models."""

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

from colorizer.checkpoint import load_checkpoint
from colorizer.cli import main
from colorizer.data.triples import TripleOptions
from colorizer.models.model import ColorizationModel
from colorizer.training.objectives import Strategy
from colorizer.training.recipes import MINI_CPU, RECIPES
from tests.training_fixtures import QUICK, SIZE, plain_accelerate, weights  # noqa: F401  (fixtures)

PARTS = ("unet", "sketch_encoder", "vae", "clip")


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipes_describe_models_that_can_be_built(name):
    recipe = RECIPES[name]
    with torch.device("meta"):
        model = ColorizationModel(recipe.model)
    assert model.clip.embed_dim == recipe.model.unet.context_dim
    assert model.vae.downscale == 8
    assert recipe.unet_data.reference == recipe.strategy.reference


def test_train_command_makes_a_checkpoint_in_all_stages(tiny_config, tmp_path, monkeypatch, capsys):
    stage = dataclasses.replace(QUICK, steps=3, mixed_precision="bf16", validate_every=2, seconds=0)
    data = TripleOptions(size=SIZE, clipart=0.0)
    recipe = dataclasses.replace(
        MINI_CPU,
        model=dataclasses.replace(tiny_config, vae=dataclasses.replace(tiny_config.vae, scaling_factor=1.0)),
        strategy=Strategy(reference="cross", drop=0.1, noisy=0.2, sketch_drop=0.06),
        vae=stage, decoder=stage, clip=stage, unet=stage,
        vae_data=dataclasses.replace(data, size=128), clip_data=data, unet_data=data,
        characters=100, held_out_characters=100, drawing_size=48, capacity=32,
    )  # fmt: skip
    monkeypatch.setitem(RECIPES, "tiny", recipe)
    command = ["train", "tiny", "--out", str(tmp_path / "run"), "--workers", "1"]
    assert main([*command, "--stage", "unet"]) == 2
    assert "train the vae stage first" in capsys.readouterr().err
    assert main(command) == 0
    path = tmp_path / "run" / "model.safetensors"
    model = load_checkpoint(path)
    assert model.config.name == "tiny" and "hair" in model.config.known_words
    assert model.config.vae.scaling_factor != 1
    for part in ("vae", "clip"):
        stored = load_file(tmp_path / "run" / f"{part}.safetensors")
        loaded = getattr(model, part).state_dict()
        assert all(torch.allclose(loaded[key], stored[key], atol=1e-3, rtol=1e-2) for key in stored)
    for name in ("vae", "unet"):
        assert (tmp_path / "run" / name / "samples.png").stat().st_size > 1000
    before = load_file(path)
    assert main([*command, "--stage", "unet"]) == 0  # nothing is left to do
    after = load_file(path)
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert main([*command, "--stage", "decoder", "--stage", "unet", "--steps", "6"]) == 0
    after = load_file(path)
    changed = {key for key in before if key.startswith("vae.") and not torch.equal(after[key], before[key])}
    assert changed and all(".decoder." in key for key in changed)


@pytest.mark.parametrize("kind", ["attention", "cls"])
def test_train_command_goes_on_from_a_checkpoint(kind, tiny_checkpoint, tmp_path, monkeypatch, capsys):
    stage = dataclasses.replace(QUICK, steps=1)
    recipe = dataclasses.replace(
        RECIPES["paper-deform-0.75"], unet=stage, characters=100, held_out_characters=100, drawing_size=48, capacity=32,
        unet_data=TripleOptions(size=SIZE, clipart=0.0, reference="deform"),
        model=dataclasses.replace(RECIPES["paper-deform-0.75"].model, kind=kind),
    )  # fmt: skip
    monkeypatch.setitem(RECIPES, "paper-tiny", recipe)
    command = ["train", "paper-tiny", "--out", str(tmp_path / "run"), "--workers", "1"]
    assert main(command) == 2
    assert "--start" in capsys.readouterr().err
    assert main([*command, "--start", str(tiny_checkpoint)]) == 0
    start, trained = load_checkpoint(tiny_checkpoint), load_checkpoint(tmp_path / "run" / "model.safetensors")
    assert trained.config.name == "paper-deform-0.75" and trained.config.unet == start.config.unet
    assert trained.config.kind == kind
    changed = {part: (weights(getattr(start, part)) - weights(getattr(trained, part))).abs().max() for part in PARTS}
    assert changed["unet"] > 1e-3 and changed["sketch_encoder"] > 1e-3
    assert changed["vae"] < 1e-3 and changed["clip"] < 1e-3  # half precision in the file


def test_strategies_of_the_paper_exist_in_both_sizes():
    expected = {
        "deform-0": ("deform", False, 0, 0, 0), "deform-0.75": ("deform", False, 0.75, 0, 0),
        "shuffle-0": ("self", True, 0, 0, 0), "shuffle-0.5": ("self", True, 0.5, 0, 0),
        "shuffle-0.8": ("self", True, 0.8, 0, 0), "noisy-0": ("self", True, 0, 1, 0),
        "dual-0": ("self", True, 0, 0, 4), "cls-0": ("self", False, 0, 0, 0), "cross-0": ("cross", False, 0, 0, 0),
    }  # fmt: skip
    for name, (reference, *rest) in expected.items():
        for size in ("mini", "paper"):
            recipe = RECIPES[f"{size}-{name}"]
            strategy = recipe.strategy
            assert strategy.reference == recipe.unet_data.reference == reference
            assert [strategy.shuffle, strategy.drop, strategy.noisy, strategy.dual] == rest
            assert recipe.model.kind == ("cls" if name == "cls-0" else "attention")
    paper = RECIPES["paper-noisy-0"].unet
    assert (paper.lr, paper.betas, paper.weight_decay, paper.batch, paper.accumulation) == (
        1e-5, (0.9, 0.999), 0.1, 10, 2,
    )  # fmt: skip


def test_train_command_refuses_an_unknown_recipe(capsys):
    assert main(["train", "grande"]) == 2
    assert "mini" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["seconds", "steps", "batch", "characters", "workers", "threads"])
def test_train_command_refuses_negative_numbers_before_the_work(name, tmp_path, capsys):
    assert main(["train", "mini", "--out", str(tmp_path / "run"), f"--{name}", "-1"]) == 2
    assert f"--{name} must be" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
