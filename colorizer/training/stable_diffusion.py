"""A start for training from Stable Diffusion 2: its U-Net and VAE, with the reference's tokens in place of a text.

The file is the single .safetensors file in LDM's naming. Cross-attention stays 1024 wide, which is what OpenCLIP
ViT-H/14 gives for texts and pictures alike. The sketch encoder is fresh, and its features start at zero.
"""

import dataclasses
from pathlib import Path

import torch

from colorizer.checkpoint import assemble, open_safetensors
from colorizer.config import ModelConfig, UNetConfig
from colorizer.errors import UserError
from colorizer.models.clip import model_config
from colorizer.models.model import ColorizationModel
from colorizer.models.sketch_encoder import SketchEncoder
from colorizer.published import (
    SKETCH_ENCODER,
    UNET,
    VAE,
    Tensors,
    clip_tensors,
    convert_ldm,
    default_prediction_type,
    infer_unet,
    infer_vae,
    read_sidecar,
    refuse_unconverted,
)

_UNSUITED = "cannot be the start, which must be Stable Diffusion 2 in one .safetensors file with LDM's names"


def is_stable_diffusion(path: Path) -> bool:
    """Whether the file has LDM's names, but no sketch encoder as the published weights have. Raises UserError."""
    with open_safetensors(path) as file:
        keys = file.keys()
    return any(key.startswith(UNET) for key in keys) and not any(key.startswith(SKETCH_ENCODER) for key in keys)


def start_from_stable_diffusion(
    path: Path, config: ModelConfig, prediction_type: str | None = None
) -> ColorizationModel:
    """The model of `config`, with the shapes and weights of U-Net and VAE from the file, on the CPU.

    prediction_type: "v_prediction" (the 768 px release) or "epsilon" (the 512 px one), which the file does not tell.
    CLIP's picture side is downloaded where the file lacks it. Raises UserError for any other file.
    """
    with open_safetensors(path) as file:
        metadata, keys = file.metadata() or {}, file.keys()
        tensors = {key: file.get_tensor(key) for key in keys}
    if not any(key.startswith(VAE) for key in tensors):
        raise UserError(f"{path.name} {_UNSUITED}: it has no {VAE}*")
    try:
        unet = infer_unet(path, tensors, read_sidecar(path).get("head_channels", UNetConfig.head_channels))
        vae = infer_vae(tensors)
        out_channels = len(tensors[f"{UNET}out.2.weight"])
    except (KeyError, IndexError) as error:
        raise UserError(f"{path.name} {_UNSUITED}: it lacks {error}") from None
    width = model_config(config.clip)["embed_dim"]
    if unet.context_dim != width:
        raise UserError(
            f"{path.name} {_UNSUITED}: its cross-attention is {unet.context_dim} wide, the reference's tokens {width}"
        )
    if not unet.in_channels == out_channels == vae.latent_channels:
        raise UserError(f"{path.name} {_UNSUITED}: it takes {unet.in_channels} channels, as for inpainting or depth")
    converted = convert_ldm(_with_convolutions(tensors), unet, vae)
    refuse_unconverted(path, tensors, converted, _UNSUITED)
    encoder = SketchEncoder(config.sketch_encoder, unet.block_out_channels)
    encoder.zero_outputs()
    converted |= {f"sketch_encoder.{key}": tensor for key, tensor in encoder.state_dict().items()}
    converted |= clip_tensors(config.clip, tensors)
    noise = dataclasses.replace(
        config.noise, prediction_type=prediction_type or default_prediction_type(path, metadata)
    )
    started = dataclasses.replace(
        config, unet=unet, vae=vae, noise=noise, licence=f"started from {path.name}, whose licence applies"
    )
    return assemble(started, converted, path, torch.device("cpu"))


def _with_convolutions(tensors: Tensors) -> Tensors:
    """Stable Diffusion 2 has linear layers round its transformers, where the method has 1x1 convolutions."""
    projections = (".proj_in.weight", ".proj_out.weight")
    return {
        key: tensor[..., None, None]
        if key.startswith(UNET) and key.endswith(projections) and tensor.ndim == 2
        else tensor
        for key, tensor in tensors.items()
    }
