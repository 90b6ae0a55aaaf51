"""Parity with the published implementation, on weights made by rule and stored outputs.

A folder holds `manifest.json` ({"config": ..., "shapes": {key: shape}}) and `io.safetensors` (inputs and the outputs
that a correct implementation reproduces). The weights are written to a file and loaded as any published file is.
"""

import json
import tempfile
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from colorizer.checkpoint import load_checkpoint
from colorizer.config import UNetConfig
from colorizer.errors import UserError
from colorizer.models.model import ColorizationModel

TOLERANCE = 1e-4
INPUTS = {"sketch", "z", "t", "tokens"}
SKETCH_GAIN = 1.55


def run_parity(folder: str | Path) -> dict[str, float]:
    """The largest relative error of every output stored in `folder`: max |actual - stored| / max |stored|.

    Raises UserError when the folder is not of the form above.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        stored = load_file(folder / "io.safetensors")
        shapes = manifest["shapes"]
        # The one thing that shapes do not tell.
        head_channels = manifest["config"].get("num_head_channels", UNetConfig.head_channels)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, SafetensorError) as error:
        raise UserError(f"{folder} needs a manifest.json and an io.safetensors of the parity form ({error})") from None
    if missing := INPUTS - stored.keys():
        raise UserError(f"{folder / 'io.safetensors'} lacks the inputs {', '.join(sorted(missing))}")
    names = sorted(stored.keys() - INPUTS)
    if not names:
        raise UserError(f"{folder / 'io.safetensors'} holds no outputs to compare with")

    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "parity.safetensors"
        save_file({key: make_weight(key, shape) for key, shape in shapes.items()}, path)
        path.with_suffix(".json").write_text(json.dumps({"head_channels": head_channels}), "utf-8")
        model = load_checkpoint(path, with_clip=False)
        actual = compute_outputs(model, **{name: stored[name] for name in INPUTS})
    if unknown := [name for name in names if name not in actual]:
        raise UserError(f"{folder / 'io.safetensors'} has outputs that are not known: {', '.join(unknown)}")
    return {name: relative_error(actual[name], stored[name]) for name in names}


def make_weight(key: str, shape: list[int]) -> torch.Tensor:
    """The weight that the rule gives to `key`: normal, seeded by the key, scaled by the fan-in; float32."""
    weight = np.random.RandomState(zlib.crc32(key.encode())).standard_normal(shape).astype(np.float32)
    if len(shape) > 1:
        weight /= np.sqrt(np.prod(shape[1:], dtype=np.float64))
        if key.startswith("control_encoder."):
            weight *= SKETCH_GAIN
    else:
        weight *= 0.1
        if key.endswith("weight"):
            weight += 1
    return torch.from_numpy(weight)


@torch.inference_mode()
def compute_outputs(
    model: ColorizationModel, sketch: torch.Tensor, z: torch.Tensor, t: torch.Tensor, tokens: torch.Tensor
) -> dict[str, torch.Tensor]:
    """The outputs under their stored names. sketch (B, 3, H, W) serves as the VAE's picture too; tokens (B, n, D)."""
    features = model.sketch_encoder(sketch)
    empty = model.sketch_encoder(torch.full_like(sketch, -1))
    return {
        **{f"sketch_feature_{i}": feature for i, feature in enumerate(features)},
        "prediction": model.unet(z, t, features, model.unet.project_reference(tokens)),
        "prediction_without_reference": model.unet(z, t, features, None),
        "prediction_without_sketch": model.unet(z, t, empty, model.unet.project_reference(tokens)),
        "vae_mean": model.vae.encode_mean(sketch),
        "decoded": model.vae.decode_unscaled(z),
    }


def relative_error(actual: torch.Tensor, stored: torch.Tensor) -> float:
    """max |actual - stored| / max |stored|; infinite for another shape."""
    if actual.shape != stored.shape:
        return float("inf")
    return ((actual - stored).abs().max() / stored.abs().max()).item()
