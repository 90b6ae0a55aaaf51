"""Training that starts from Stable Diffusion 2, on a file of its layout at a tiny size."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from colorizer.checkpoint import load_checkpoint
from colorizer.cli import main
from colorizer.config import CLIPConfig
from colorizer.data.triples import TripleOptions
from colorizer.errors import UserError
from colorizer.models.clip import ReferenceEncoder
from colorizer.training.recipes import RECIPES
from colorizer.training.stable_diffusion import is_stable_diffusion, start_from_stable_diffusion
from tests.training_fixtures import plain_accelerate  # noqa: F401

MANIFEST = Path(__file__).parent / "fixtures" / "published-v1-tiny" / "manifest.json"
UNET = "model.diffusion_model."
CLIP_48 = {
    "embed_dim": 48,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="module")
def config():
    """paper-noisy-0 with a CLIP as wide as the small file's cross-attention."""
    model = RECIPES["paper-noisy-0"].model
    return dataclasses.replace(model, clip=CLIPConfig(None, None, CLIP_48), native_size=64)


@pytest.fixture(scope="module")
def tensors():
    """What Stable Diffusion 2.1 holds, at a tiny size: linear projections, no sketch encoder, buffers, a CLIP."""
    generator = torch.Generator().manual_seed(0)
    found = {}
    for key, shape in json.loads(MANIFEST.read_text())["shapes"].items():
        if key.startswith("control_encoder."):
            continue
        if key.startswith("model.diffusion_model.") and key.endswith((".proj_in.weight", ".proj_out.weight")):
            shape = shape[:2]
        fan_in = max(1, torch.Size(shape[1:]).numel())
        found[key] = torch.randn(shape, generator=generator) / fan_in**0.5
    with torch.random.fork_rng():
        torch.manual_seed(0)
        clip = ReferenceEncoder(CLIPConfig(None, None, CLIP_48)).clip.state_dict()
    found |= {f"cond_stage_model.model.{key}": tensor.clone() for key, tensor in clip.items()}
    buffers = {name: torch.zeros(1000) for name in ("betas", "alphas_cumprod", "sqrt_alphas_cumprod")}
    return found | buffers | {"model_ema.decay": torch.zeros(()), "model_ema.num_updates": torch.zeros(())}


@pytest.fixture
def write(tensors, tmp_path):
    """Save the file, changed, with the sidecar that its small heads need; returns the path."""

    def save(without="?", name="v2-1.safetensors", **extra):
        path = tmp_path / name
        save_file({key: t for key, t in tensors.items() if not key.startswith(without)} | extra, path)
        path.with_suffix(".json").write_text('{"head_channels": 16}')
        return path

    return save


def test_weights_arrive_and_the_sketch_says_nothing_yet(write, config, tensors):
    path = write()
    assert is_stable_diffusion(path)
    model = start_from_stable_diffusion(path, config).eval()
    assert model.config.name == "paper-noisy-0" and model.config.noise.prediction_type == "v_prediction"
    assert model.config.unet.block_out_channels == (32, 64, 128, 128) and "v2-1" in model.config.licence
    own = {key: t for key, t in model.state_dict().items() if not key.startswith("sketch_encoder.")}
    wanted = {t.flatten()[0].item() for key, t in tensors.items() if key.startswith(("model.diff", "first_", "cond_"))}
    assert {t.flatten()[0].item() for t in own.values()} == wanted
    projection = model.unet.down_blocks[0].attentions[0].proj_in.weight
    assert torch.equal(projection[:, :, 0, 0], tensors[f"{UNET}input_blocks.1.1.proj_in.weight"])
    lines, empty = torch.rand(1, 3, 64, 64) * 2 - 1, torch.full((1, 3, 64, 64), -1.0)
    z, t, reference = torch.randn(1, 4, 8, 8), torch.tensor([500]), torch.randn(1, 16, 48)
    with torch.no_grad():
        drawn, blank = (model.unet(z, t, model.sketch_encoder(x), reference) for x in (lines, empty))
    assert torch.equal(drawn, blank) and drawn.std() > 0.1


def test_prediction_type(write, config):
    assert start_from_stable_diffusion(write(), config, "epsilon").config.noise.prediction_type == "epsilon"
    with pytest.raises(UserError, match="choose the prediction type"):
        start_from_stable_diffusion(write(name="sd-eps.safetensors"), config)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"without": "first_stage_model."}, "has no first_stage_model"),
        ({"without": f"{UNET}middle_block"}, "lacks"),
        ({f"{UNET}input_blocks.0.0.weight": torch.zeros(32, 9, 3, 3)}, "takes 9 channels"),
        ({f"{UNET}label_emb.0.0.weight": torch.zeros(128, 8)}, "unexpected .*label_emb"),
        ({f"{UNET}middle_block.1.transformer_blocks.0.attn2.to_k.weight": torch.zeros(128, 24)}, "24 wide.*tokens 48"),
    ],
)
def test_other_files_are_refused_with_the_reason(write, config, change, reason):
    without = change.get("without", "?")
    extra = {key: value for key, value in change.items() if key != "without"}
    with pytest.raises(UserError, match=f"Stable Diffusion 2.*{reason}"):
        start_from_stable_diffusion(write(without, **extra), config)


@pytest.fixture
def paper(config, monkeypatch):
    """paper-noisy-0 as it is, but small and short."""
    recipe = RECIPES["paper-noisy-0"]
    unet = dataclasses.replace(recipe.unet, steps=3, batch=4, lr=1e-3, warmup=1, mixed_precision="bf16", save_every=2)
    small = dataclasses.replace(
        recipe, model=config, unet=unet, characters=100, held_out_characters=100, drawing_size=48, capacity=16,
        unet_data=TripleOptions(size=64, clipart=0.0, reference=recipe.unet_data.reference),
    )  # fmt: skip
    monkeypatch.setitem(RECIPES, "paper-noisy-0", small)
    return small


def test_train_paper_noisy_0_from_stable_diffusion(write, paper, tensors, tmp_path):
    command = ["train", "paper-noisy-0", "--out", str(tmp_path / "run"), "--workers", "1"]
    assert main([*command, "--start", str(write())]) == 0
    model = load_checkpoint(tmp_path / "run" / "model.safetensors")
    assert model.config.name == "paper-noisy-0" and paper.strategy.noisy == 1 and paper.unet.accumulation == 2
    assert all(weight.abs().max() > 0 for weight in model.sketch_encoder.parameters())  # it has begun to learn
    start = tensors["first_stage_model.decoder.conv_in.weight"]
    assert torch.allclose(model.vae.autoencoder.decoder.conv_in.weight, start, atol=1e-3)


def test_other_starts_are_refused_by_the_command(paper, tiny_checkpoint, tmp_path, capsys):
    save_file({"down_blocks.0.resnets.0.conv1.weight": torch.zeros(2)}, tmp_path / "diffusers.safetensors")
    (tmp_path / "sd.ckpt").touch()
    for name, reason in (("diffusers.safetensors", "holds no"), ("sd.ckpt", "pickle"), ("no.safetensors", "no file")):
        command = ["train", "paper-noisy-0", "--out", str(tmp_path / "run"), "--start", str(tmp_path / name)]
        assert main(command) == 2
        assert reason in capsys.readouterr().err
