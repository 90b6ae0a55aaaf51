import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from colorizer import published
from colorizer.cli import main
from colorizer.errors import UserError
from colorizer.parity import TOLERANCE, make_weight, relative_error, run_parity

FOLDER = Path(__file__).parent / "fixtures" / "published-v1-tiny"


@pytest.fixture
def folder(tmp_path):
    """A copy of the fixture that a test may change."""
    return shutil.copytree(FOLDER, tmp_path / "copy")


def test_every_output_is_reproduced(capsys):
    assert main(["parity", str(FOLDER)]) == 0
    lines = capsys.readouterr().out.splitlines()
    outputs = load_file(FOLDER / "io.safetensors").keys() - {"sketch", "z", "t", "tokens"}
    assert {line.split()[0] for line in lines[:-1]} == outputs
    assert all(float(line.split()[1]) < TOLERANCE / 10 for line in lines[:-1])
    assert lines[-1].startswith("10 of 10")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("attn1.to_k.weight", "attn1.to_v.weight"),
        ("attn2.to_k.weight", "attn2.to_v.weight"),
        ("down_blocks.0.resnets.0.norm1.bias", "down_blocks.0.resnets.0.norm2.bias"),
        ("down_blocks.0.resnets.0.conv1.weight", "down_blocks.0.resnets.1.conv1.weight"),
        ("up_blocks.1.upsamplers.0.conv.weight", "up_blocks.1.resnets.0.conv2.weight"),
    ],
)
def test_a_wrongly_converted_unet_weight_fails(monkeypatch, first, second):
    convert = published.convert_ldm_unet_checkpoint

    def swap(*args):
        weights = convert(*args)
        one = next(key for key in weights if key.endswith(first))
        other = next(key for key in weights if key.endswith(second))
        weights[one], weights[other] = weights[other], weights[one]
        return weights

    monkeypatch.setattr(published, "convert_ldm_unet_checkpoint", swap)
    errors = run_parity(FOLDER)
    assert errors["prediction"] > TOLERANCE
    assert errors["vae_mean"] < TOLERANCE


def test_a_wrong_head_size_fails(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["config"]["num_head_channels"] = 32
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert run_parity(folder)["prediction"] > TOLERANCE


def test_outputs_that_are_not_numbers_or_of_another_size_fail(folder, capsys):
    stored = load_file(folder / "io.safetensors")
    stored["decoded"] = stored["decoded"][..., :-1]
    stored["vae_mean"] = torch.full_like(stored["vae_mean"], float("nan"))
    save_file({key: tensor.contiguous() for key, tensor in stored.items()}, folder / "io.safetensors")
    assert main(["parity", str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("FAILED")] == ["decoded", "vae_mean"]


def test_a_batch_is_compared_too(folder):
    """The same inputs twice give the same outputs twice."""
    stored = {key: torch.cat([tensor] * 2) for key, tensor in load_file(folder / "io.safetensors").items()}
    save_file(stored, folder / "io.safetensors")
    assert max(run_parity(folder).values()) < TOLERANCE


def test_folders_of_another_form_are_refused(folder, tmp_path):
    with pytest.raises(UserError, match="manifest.json"):
        run_parity(tmp_path)
    stored = load_file(folder / "io.safetensors")
    save_file({**stored, "mystery": torch.zeros(1)}, folder / "io.safetensors")
    with pytest.raises(UserError, match="mystery"):
        run_parity(folder)
    save_file({key: stored[key] for key in ("sketch", "z", "t", "tokens")}, folder / "io.safetensors")
    with pytest.raises(UserError, match="no outputs"):
        run_parity(folder)
    save_file({"sketch": stored["sketch"]}, folder / "io.safetensors")
    with pytest.raises(UserError, match="tokens"):
        run_parity(folder)


def test_weights_follow_the_rule():
    weight = make_weight("control_encoder.model.0.weight", [64, 16, 3, 3])
    assert weight.std() == pytest.approx(1.55 / 12, rel=0.05)
    assert make_weight("norm.weight", [5000]).mean() == pytest.approx(1, abs=0.01)
    assert make_weight("norm.bias", [5000]).std() == pytest.approx(0.1, rel=0.05)


def test_relative_error():
    assert relative_error(torch.tensor([1.0, 2.5]), torch.tensor([1.0, 2.0])) == 0.25
