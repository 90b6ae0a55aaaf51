import dataclasses
import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from colorizer.checkpoint import checkpoint_hash, load_checkpoint, load_clip, read_metadata, save_checkpoint
from colorizer.cli import main
from colorizer.config import to_dict
from colorizer.errors import UserError
from colorizer.models.model import ColorizationModel


@pytest.fixture(scope="module")
def model(tiny_config):
    torch.manual_seed(3)
    return ColorizationModel(tiny_config).eval().requires_grad_(False)


@pytest.fixture
def rewrite(tiny_checkpoint, tmp_path):
    """Save the tiny checkpoint with other tensors or metadata; returns the path."""

    def save(tensors=None, **metadata):
        path = tmp_path / "changed.safetensors"
        save_file(tensors or load_file(tiny_checkpoint), path, {**read_metadata(tiny_checkpoint), **metadata})
        return path

    return save


def test_round_trip(model, tmp_path):
    path = tmp_path / "folder" / "model.safetensors"
    save_checkpoint(model, path, {"steps": "7"})
    loaded = load_checkpoint(path)
    assert loaded.config == model.config
    assert read_metadata(path)["steps"] == "7"
    assert not loaded.training
    for key, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], tensor), key


def test_constants_outside_the_file_are_restored(model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(model, path)
    loaded = load_checkpoint(path)
    assert not any(buffer.is_meta for buffer in loaded.buffers())
    picture = torch.rand(1, 3, 40, 40)
    torch.testing.assert_close(loaded.clip.encode_image(picture), model.clip.encode_image(picture))
    torch.testing.assert_close(loaded.clip.encode_text(["red hair"]), model.clip.encode_text(["red hair"]))


def test_half_precision_storage(model, tmp_path):
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    save_checkpoint(model, full)
    save_checkpoint(model, half, dtype=torch.float16)
    assert half.stat().st_size < 0.55 * full.stat().st_size
    loaded = load_checkpoint(half)
    for key, tensor in model.state_dict().items():
        assert loaded.state_dict()[key].dtype == torch.float32
        assert torch.equal(loaded.state_dict()[key], tensor.half().float()), key


def test_half_precision_refuses_to_overflow(tiny_config, tmp_path):
    model = ColorizationModel(tiny_config).requires_grad_(False)
    model.unet.conv_in.weight[0, 0, 0, 0] = 1e6
    with pytest.raises(ValueError, match="unet.conv_in.weight"):
        save_checkpoint(model, tmp_path / "model.safetensors", dtype=torch.float16)


def test_requested_dtype(tiny_checkpoint):
    loaded = load_checkpoint(tiny_checkpoint, dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}


def test_without_clip(tiny_checkpoint):
    assert load_checkpoint(tiny_checkpoint, with_clip=False).clip is None


def test_weights_are_not_copied(tiny_checkpoint):
    """On the CPU and in the stored type, the weights are the file's own pages."""
    loaded = load_checkpoint(tiny_checkpoint)
    storages = {parameter.untyped_storage().data_ptr() for parameter in loaded.parameters()}
    # All of them lie within a stretch of memory as long as the file.
    assert max(storages) - min(storages) < tiny_checkpoint.stat().st_size


def test_failed_save_leaves_the_old_file(model, tmp_path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(model, path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save_checkpoint(model, path, {"steps": 7})  # metadata values are strings
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_every_wrong_key_is_listed(tiny_checkpoint, rewrite):
    tensors = load_file(tiny_checkpoint)
    for key in ("unet.conv_in.weight", "vae.autoencoder.quant_conv.bias"):
        del tensors[key]
    tensors["unet.extra.weight"] = torch.zeros(1)
    tensors["another.bias"] = torch.zeros(1)
    tensors["unet.conv_out.bias"] = torch.zeros(5)
    with pytest.raises(UserError) as error:
        load_checkpoint(rewrite(tensors))
    for problem in (
        "missing unet.conv_in.weight",
        "missing vae.autoencoder.quant_conv.bias",
        "unexpected unet.extra.weight",
        "unexpected another.bias",
        "unet.conv_out.bias has shape [5] instead of [4]",
    ):
        assert problem in str(error.value)


def test_unknown_description_is_refused(rewrite, tiny_config):
    with pytest.raises(UserError, match="colour_depth"):
        load_checkpoint(rewrite(config=json.dumps({**to_dict(tiny_config), "colour_depth": 3})))
    with pytest.raises(UserError, match="no readable description"):
        load_checkpoint(rewrite(config="{"))
    with pytest.raises(UserError, match="update this program"):
        load_checkpoint(rewrite(version="2"))


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".pth", ".bin"])
def test_pickles_are_refused_unopened(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(UserError, match="pickle"):
        load_checkpoint(path)


def test_pickle_by_another_name_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="no complete"):
        load_checkpoint(path)


@pytest.mark.parametrize("part", [0.0, 0.001, 0.5, 0.999])
def test_truncated_file_is_refused(tiny_checkpoint, tmp_path, part):
    content = tiny_checkpoint.read_bytes()
    path = tmp_path / "model.safetensors"
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(UserError, match="no complete"):
        load_checkpoint(path)


def test_files_that_are_something_else(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        load_checkpoint(tmp_path / "nowhere.safetensors")
    path = tmp_path / "other.safetensors"
    save_file({"layer.weight": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="no colorization model"):
        load_checkpoint(path)


def test_stored_prediction_type_decides(tiny_checkpoint, tiny_config, tmp_path):
    assert load_checkpoint(tiny_checkpoint, "v_prediction").config.noise.prediction_type == "v_prediction"
    with pytest.raises(UserError, match="trained for v_prediction"):
        load_checkpoint(tiny_checkpoint, "epsilon")
    with pytest.raises(UserError, match="unknown prediction type"):
        load_checkpoint(tiny_checkpoint, "x0")


def test_hash_names_the_content(model, tiny_checkpoint, tmp_path):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(tiny_checkpoint.read_bytes())
    assert checkpoint_hash(copy) == checkpoint_hash(tiny_checkpoint)
    save_checkpoint(model, copy)
    assert checkpoint_hash(copy) != checkpoint_hash(tiny_checkpoint)


def test_context_of_each_kind(tiny_checkpoint, tiny_cls_checkpoint):
    tokens = torch.randn(1, 17, 32)
    assert torch.equal(load_checkpoint(tiny_checkpoint).reference_context(tokens), tokens[:, 1:])
    assert torch.equal(load_checkpoint(tiny_cls_checkpoint).reference_context(tokens), tokens[:, :1])


def test_info_command(tiny_checkpoint, capsys):
    assert main(["info", str(tiny_checkpoint)]) == 0
    output = capsys.readouterr().out
    assert checkpoint_hash(tiny_checkpoint) in output
    assert "v_prediction" in output
    assert '"licence": "Apache-2.0"' in output
    assert all(part in output for part in ("unet", "sketch_encoder", "vae", "clip"))


def test_description_survives(tiny_config, tmp_path):
    config = dataclasses.replace(
        tiny_config, relevance_polarity="high", slider_ranges={"guidance_scale": [1, 5, 2]}, known_words=("red", "hair")
    )
    save_checkpoint(ColorizationModel(config), tmp_path / "model.safetensors")
    assert load_checkpoint(tmp_path / "model.safetensors").config == config


@pytest.fixture
def relative(model, tmp_path):
    """A checkpoint, and one beside it that shares its CLIP and VAE."""
    base, full, small = (tmp_path / f"{name}.safetensors" for name in ("base", "full", "small"))
    save_checkpoint(model, base)
    torch.manual_seed(9)
    other = ColorizationModel(model.config).requires_grad_(False)
    for part in ("vae", "clip"):
        getattr(other, part).load_state_dict(getattr(model, part).state_dict())
    save_checkpoint(other, full)
    assert main(["share", str(full), "--with", str(base), "--out", str(small)]) == 0
    return base, full, small


def test_shared_parts_are_read_from_the_file_beside(relative):
    _, full, small = relative
    assert small.stat().st_size < 0.9 * full.stat().st_size
    whole, loaded = load_checkpoint(full).state_dict(), load_checkpoint(small).state_dict()
    assert whole.keys() == loaded.keys() and all(torch.equal(whole[key], loaded[key]) for key in whole)
    clip, alone = load_checkpoint(full).clip.state_dict(), load_clip(small).state_dict()
    assert all(torch.equal(clip[key], alone[key]) for key in clip)
    assert load_checkpoint(small, with_clip=False).clip is None


def test_a_missing_or_changed_file_of_shared_parts_is_named(relative, model):
    base, _, small = relative
    changed = ColorizationModel(model.config).requires_grad_(False)
    save_checkpoint(changed, base)
    with pytest.raises(UserError, match="another version of base.safetensors"):
        load_checkpoint(small)
    base.unlink()
    with pytest.raises(UserError, match="needs base.safetensors in the same folder"):
        load_checkpoint(small)


@pytest.mark.parametrize("stated", ["no json", "[]", '{"file": "../base.safetensors", "hash": "", "parts": ["vae"]}'])
def test_a_wrong_statement_of_shared_parts_is_refused(rewrite, stated):
    with pytest.raises(UserError, match="get it again"):
        load_checkpoint(rewrite(shared=stated))


def test_checkpoints_without_common_parts_share_nothing(model, relative, tmp_path, capsys):
    base, full, _ = relative
    save_checkpoint(ColorizationModel(model.config).requires_grad_(False), full)
    assert main(["share", str(full), "--with", str(base), "--out", str(tmp_path / "none.safetensors")]) == 2
    assert "shares no part" in capsys.readouterr().err and not (tmp_path / "none.safetensors").exists()
