import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import HfApi
from safetensors.torch import save_file

from colorizer import published
from colorizer.checkpoint import load_checkpoint, save_checkpoint
from colorizer.cli import main
from colorizer.download import fetch_v1
from colorizer.errors import UserError
from colorizer.models.clip import ReferenceEncoder

ROOT = Path(__file__).parents[1]
MANIFEST = ROOT / "tests" / "fixtures" / "published-v1-tiny" / "manifest.json"
SHAPES = json.loads(MANIFEST.read_text())["shapes"]


@pytest.fixture(scope="module")
def tensors():
    """A published file's tensors, with other contents: each is filled with a number of its own."""
    return {key: torch.full(shape, 1e-3 * i) for i, (key, shape) in enumerate(SHAPES.items())}


@pytest.fixture
def write(tensors, tmp_path):
    """Save a published file with the sidecar that its small heads need; returns the path."""

    def save(name="mult.safetensors", sidecar=(("head_channels", 16),), without="?", **extra):
        path = tmp_path / name
        save_file({key: t for key, t in tensors.items() if not key.startswith(without)} | extra, path)
        path.with_suffix(".json").write_text(json.dumps(dict(sidecar)))
        return path

    return save


def test_description_is_inferred(write):
    config = load_checkpoint(write(), with_clip=False).config
    assert config.kind == "attention"
    assert config.unet.block_out_channels == (32, 64, 128, 128)
    assert config.unet.attention_levels == (True, True, True, False)
    assert (config.unet.layers_per_block, config.unet.head_channels, config.unet.context_dim) == (2, 16, 48)
    assert config.sketch_encoder.stem_channels == (16, 16, 32, 32, 96, 96, 256)
    assert config.vae.block_out_channels == (32, 64, 128, 128)
    assert (config.vae.layers_per_block, config.vae.latent_channels, config.vae.mid_attention) == (2, 4, True)
    assert config.vae.scaling_factor == 0.18215
    assert config.licence == "CC BY-NC-SA 4.0"


def test_other_sizes_are_inferred(tmp_path):
    """Every width doubled, a context of 40, and the heads of 64 channels that v1 has."""

    def widen(key, shape):
        fixed = 1 if "conv_in" in key or key.endswith(("input_blocks.0.0.weight", "model.0.weight")) else None
        wide = [size if i == fixed or size in (1, 3, 4, 8) else 2 * size for i, size in enumerate(shape)]
        if "attn2.to_k" in key or "attn2.to_v" in key:
            wide[1] = 40
        return wide

    path = tmp_path / "mult.safetensors"
    wide = {key: torch.zeros(widen(key, shape)) for key, shape in SHAPES.items()}
    save_file(wide, path)
    path.with_suffix(".json").write_text('{"head_channels": 32}')
    config = load_checkpoint(path, with_clip=False).config
    assert config.unet.block_out_channels == (64, 128, 256, 256)
    assert (config.unet.head_channels, config.unet.context_dim) == (32, 40)
    assert config.sketch_encoder.stem_channels == (32, 32, 64, 64, 192, 192, 512)
    assert config.vae.block_out_channels == (64, 128, 256, 256)
    path.with_suffix(".json").unlink()
    assert load_checkpoint(path, with_clip=False).config.unet.head_channels == 64


def test_every_tensor_arrives_once(write):
    model = load_checkpoint(write(), with_clip=False)
    numbers = [round(1e3 * tensor.flatten()[0].item()) for tensor in model.state_dict().values()]
    assert sorted(numbers) == list(range(len(SHAPES)))


def test_saved_again_it_is_a_checkpoint_of_ours(write, tmp_path):
    model = load_checkpoint(write(), with_clip=False)
    save_checkpoint(model, tmp_path / "ours.safetensors")
    again = load_checkpoint(tmp_path / "ours.safetensors", with_clip=False)
    assert again.config == model.config
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_schedule_buffers_are_ignored(write):
    load_checkpoint(write(betas=torch.zeros(1000), scale_factor=torch.zeros(())), with_clip=False)


def test_prediction_type(write):
    def load(path, choice=None):
        return load_checkpoint(path, choice, with_clip=False).config.noise.prediction_type

    heads = {"head_channels": 16}
    assert load(write()) == "v_prediction"
    assert load(write(), "epsilon") == "epsilon"
    assert load(write(sidecar=heads | {"prediction_type": "epsilon"})) == "epsilon"
    assert load(write(sidecar=heads | {"prediction_type": "epsilon"}), "v_prediction") == "v_prediction"
    # A name proves nothing, but it is reason enough to ask.
    with pytest.raises(UserError, match="choose the prediction type"):
        load(write("mult-eps.safetensors"))
    assert load(write("mult-eps.safetensors"), "v_prediction") == "v_prediction"


def test_info_tells_the_prediction_type_in_force(write, capsys):
    assert main(["info", str(write()), "--prediction-type", "epsilon"]) == 0
    assert "epsilon" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        ({}, "head_channels"),  # heads of 64 do not fit this small model
        ({"head_channels": 24}, "do not divide"),
        ({"head_channels": "16"}, "do not divide"),
        ({"head_channels": 0}, "do not divide"),
        ({"heads": 16}, "head_channels, prediction_type"),
        ({"prediction_type": "x0"}, "v_prediction or epsilon"),
    ],
)
def test_wrong_sidecars(write, sidecar, message):
    with pytest.raises(UserError, match=message):
        load_checkpoint(write(sidecar=sidecar), with_clip=False)


def test_unreadable_sidecar(write):
    path = write()
    path.with_suffix(".json").write_text("{")
    with pytest.raises(UserError, match="not readable JSON"):
        load_checkpoint(path, with_clip=False)


def test_other_files_of_the_kind_are_refused(write):
    with pytest.raises(UserError, match="release 1.5"):
        load_checkpoint(write("switch-01.safetensors"), with_clip=False)
    with pytest.raises(UserError, match="only release.*control_encoder"):
        load_checkpoint(write(without="control_encoder."), with_clip=False)
    with pytest.raises(UserError, match="only release.*to_k"):
        load_checkpoint(write(without="model.diffusion_model.middle_block.1"), with_clip=False)
    extra = {
        "model.diffusion_model.label_emb.0.0.weight": torch.zeros(2),
        "first_stage_model.more.bias": torch.zeros(1),
    }
    with pytest.raises(UserError, match="only release.*more.bias.*label_emb.0.0.weight"):
        load_checkpoint(write(**extra), with_clip=False)


def test_missing_keys_are_listed(write):
    with pytest.raises(UserError, match="missing sketch_encoder.stages.3.1.weight"):
        load_checkpoint(write(without="control_encoder.output_blocks.3.1.weight"), with_clip=False)


def test_clip_in_the_file_is_used(tiny_config):
    stored = ReferenceEncoder(tiny_config.clip).clip.state_dict()
    tensors = {f"cond_stage_model.model.{key}": tensor for key, tensor in stored.items()}
    loaded = ReferenceEncoder(tiny_config.clip)
    converted = published.clip_tensors(tiny_config.clip, tensors)
    loaded.load_state_dict({key.removeprefix("clip."): tensor for key, tensor in converted.items()})
    assert all(torch.equal(tensor, loaded.clip.state_dict()[key]) for key, tensor in stored.items())


def test_missing_clip_offline_is_explained(write, tmp_path):
    """In a process of its own, because the hub's client reads its settings when it is imported."""
    code = "import sys; from colorizer.checkpoint import load_checkpoint; load_checkpoint(sys.argv[1])"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", code, write()]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "UserError: the published weights need the CLIP ViT-H-14" in result.stderr


class Hub:
    """Stands for the hub: a repository with the given files."""

    def __init__(self, **sizes):
        self.files = [SimpleNamespace(rfilename=name, size=size) for name, size in sizes.items()]
        self.downloads = []

    def repo_info(self, repository, revision, files_metadata):
        return SimpleNamespace(siblings=self.files)

    def hf_hub_download(self, repository, file, revision, local_dir):
        self.downloads.append((repository, file, revision))
        path = local_dir / file
        path.write_bytes(b"weights")
        return str(path)


def test_fetch_takes_the_v1_file_and_tells_the_licence(tmp_path, capsys):
    hub = Hub(**{"mult.safetensors": 7, "switch.safetensors": 7, "mult.ckpt": 7, "README.md": 1})
    path = fetch_v1(hub, tmp_path / "new", "a/b", "abc", prediction_type="epsilon")
    assert path == tmp_path / "new" / "mult.safetensors"
    assert hub.downloads == [("a/b", "mult.safetensors", "abc")]
    assert "CC BY-NC-SA 4.0" in capsys.readouterr().out
    assert json.loads(path.with_suffix(".json").read_text()) == {"prediction_type": "epsilon"}


def test_fetch_asks_when_several_files_fit(tmp_path):
    hub = Hub(**{"mult-a.safetensors": 7, "mult-b.safetensors": 7})
    with pytest.raises(UserError, match="--file: mult-a.safetensors, mult-b.safetensors"):
        fetch_v1(hub, tmp_path)
    assert fetch_v1(hub, tmp_path, name="mult-b.safetensors").name == "mult-b.safetensors"
    with pytest.raises(UserError, match="0 files"):
        fetch_v1(hub, tmp_path, name="mult-c.safetensors")


def test_fetch_needs_room(tmp_path):
    hub = Hub(**{"mult.safetensors": 10**18})
    with pytest.raises(UserError, match="make room"):
        fetch_v1(hub, tmp_path)
    assert hub.downloads == []


def test_fetch_needs_a_folder(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UserError, match="cannot be a folder"):
        fetch_v1(Hub(**{"mult.safetensors": 7}), tmp_path / "taken")


def test_fetch_offline(tmp_path):
    with pytest.raises(UserError, match="internet connection"):
        fetch_v1(HfApi(endpoint="http://127.0.0.1:9"), tmp_path)
