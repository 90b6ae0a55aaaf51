"""The published v1 weights: recognised by their keys, configuration read off the tensors' shapes, keys converted.

The file does not hold everything. A sidecar, `NAME.json` next to `NAME.safetensors`, can: {"prediction_type":
"v_prediction" | "epsilon", "head_channels": 64}, both optional.
"""

import json
from pathlib import Path

import open_clip
import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from open_clip.factory import load_state_dict

from colorizer.config import CLIPConfig, ModelConfig, NoiseScheduleConfig, SketchEncoderConfig, UNetConfig, VAEConfig
from colorizer.errors import UserError
from colorizer.models.clip import ReferenceEncoder

UNET = "model.diffusion_model."
SKETCH_ENCODER = "control_encoder."
VAE = "first_stage_model."
CLIP = "cond_stage_model."
PREDICTION_TYPES = ("v_prediction", "epsilon")
LICENCE = "CC BY-NC-SA 4.0"
NO_V1 = "is no v1 file, the only release that can be loaded"
SIDECAR_KEYS = {"prediction_type", "head_channels"}
# Other releases of the project, by the start of the file name; their networks differ.
OTHER_RELEASES = {"switch": "1.5", "v2": "2", "xl": "XL"}

Tensors = dict[str, torch.Tensor]


def is_published(keys: list[str]) -> bool:
    """Whether these are the keys of a published file, of whatever release."""
    return any(key.startswith(UNET) for key in keys)


def convert(
    path: Path, tensors: Tensors, metadata: dict[str, str], prediction_type: str | None, with_clip: bool
) -> tuple[ModelConfig, Tensors]:
    """The description of a published file's model, and its weights under the names of `ColorizationModel`.

    Raises UserError for another release, for keys that v1 does not have, and when CLIP is not in the file and cannot
    be downloaded.
    """
    for start, release in OTHER_RELEASES.items():
        if path.name.lower().startswith(start):
            raise UserError(
                f"{path.name} is named like release {release}, and only v1 can be loaded (mult*.safetensors)"
            )
    for prefix in (SKETCH_ENCODER, VAE):
        if not any(key.startswith(prefix) for key in tensors):
            raise UserError(f"{path.name} {NO_V1}: it has no {prefix}*")
    try:
        config = _infer_config(path, tensors, metadata, prediction_type)
    except (KeyError, IndexError) as error:
        raise UserError(f"{path.name} {NO_V1}: it lacks {error}") from None

    converted = convert_ldm(tensors, config.unet, config.vae)
    converted |= {_sketch_encoder_key(key): t for key, t in tensors.items() if key.startswith(SKETCH_ENCODER)}
    refuse_unconverted(path, tensors, converted, NO_V1)
    if with_clip:
        converted |= clip_tensors(config.clip, tensors)
    return config, converted


def convert_ldm(tensors: Tensors, unet: UNetConfig, vae: VAEConfig) -> Tensors:
    """U-Net and VAE from LDM's names to those of `ColorizationModel`."""
    levels = ("",) * len(vae.block_out_channels)
    unet_tensors = convert_ldm_unet_checkpoint(tensors, {"layers_per_block": unet.layers_per_block})
    vae_tensors = convert_ldm_vae_checkpoint(tensors, {"down_block_types": levels, "up_block_types": levels})
    converted = {f"unet.{key}": tensor for key, tensor in unet_tensors.items()}
    return converted | {f"vae.autoencoder.{key}": tensor for key, tensor in vae_tensors.items()}


def stated_prediction_type(path: Path, metadata: dict[str, str]) -> str | None:
    """What the sidecar of a published file, or else its metadata, says that it predicts; None where both are silent."""
    return read_sidecar(path).get("prediction_type") or metadata.get("prediction_type")


def default_prediction_type(path: Path, metadata: dict[str, str]) -> str:
    """What is taken when nobody chooses: what is stated, else "v_prediction".

    Raises UserError where the file's name suggests otherwise.
    """
    stated = stated_prediction_type(path, metadata)
    if stated is None and "eps" in path.stem.lower():
        raise UserError(
            f"the name of {path.name} suggests noise prediction, which the file itself does not tell; "
            "choose the prediction type, epsilon or v_prediction"
        )
    return stated or "v_prediction"


def _infer_config(path: Path, tensors: Tensors, metadata: dict[str, str], prediction_type: str | None) -> ModelConfig:
    sidecar = read_sidecar(path)
    return ModelConfig(
        name=path.stem,
        unet=infer_unet(path, tensors, sidecar.get("head_channels", UNetConfig.head_channels)),
        sketch_encoder=_infer_sketch_encoder(tensors),
        vae=infer_vae(tensors),
        noise=NoiseScheduleConfig(prediction_type=prediction_type or default_prediction_type(path, metadata)),
        licence=LICENCE,
        trained_on="Danbooru 2021, 4M+ triples at 512 x 512 pixels",
        notes="The weights published with ColorizeDiffusion (arXiv 2401.01456), version 1.",
    )


def read_sidecar(path: Path) -> dict:
    """What `NAME.json` beside `NAME.safetensors` says, {} without one. Raises UserError for one that is not right."""
    sidecar = path.with_suffix(".json")
    if not sidecar.is_file():
        return {}
    try:
        values = json.loads(sidecar.read_text("utf-8"))
    except ValueError as error:
        raise UserError(f"{sidecar.name} is not readable JSON ({error}); correct or remove it") from None
    if not isinstance(values, dict) or not values.keys() <= SIDECAR_KEYS:
        raise UserError(f"{sidecar.name} should be an object with the keys {', '.join(sorted(SIDECAR_KEYS))} only")
    if values.get("prediction_type") not in (None, *PREDICTION_TYPES):
        raise UserError(f"prediction_type in {sidecar.name} should be {' or '.join(PREDICTION_TYPES)}")
    return values


def infer_unet(path: Path, tensors: Tensors, head_channels: int) -> UNetConfig:
    """The shape of a U-Net in LDM's names. Raises KeyError or IndexError where it is none."""
    blocks = 1 + max((int(key.split(".")[3]) for key in tensors if key.startswith(f"{UNET}input_blocks.")), default=0)
    levels = 1 + sum(f"{UNET}input_blocks.{block}.0.op.weight" in tensors for block in range(blocks))
    # Blocks: the first convolution, `layers` a level, and a downsampler between levels.
    layers = blocks // levels - 1
    starts = [f"{UNET}input_blocks.{1 + level * (layers + 1)}" for level in range(levels)]
    channels = tuple(tensors[f"{start}.0.out_layers.3.weight"].shape[0] for start in starts)
    attention_levels = tuple(f"{start}.1.proj_in.weight" in tensors for start in starts)
    attended = [width for width, attention in zip(channels, attention_levels, strict=True) if attention]
    for width in (*attended, channels[-1]):  # the middle block has attention and the last level's width
        if not isinstance(head_channels, int) or head_channels < 1 or width % head_channels:
            raise UserError(
                f"heads of {head_channels!r} channels do not divide a level of {width}; "
                f'put the right "head_channels" into {path.with_suffix(".json").name}'
            )
    return UNetConfig(
        in_channels=tensors[f"{UNET}input_blocks.0.0.weight"].shape[1],
        block_out_channels=channels,
        layers_per_block=layers,
        attention_levels=attention_levels,
        head_channels=head_channels,
        context_dim=tensors[f"{UNET}middle_block.1.transformer_blocks.0.attn2.to_k.weight"].shape[1],
    )


def _infer_sketch_encoder(tensors: Tensors) -> SketchEncoderConfig:
    convolutions = sum(key.startswith(f"{SKETCH_ENCODER}model.") and key.endswith("weight") for key in tensors)
    # A convolution and a SiLU take turns; the last convolution has the width of the U-Net's first level.
    weights = [tensors[f"{SKETCH_ENCODER}model.{2 * i}.weight"] for i in range(convolutions)]
    return SketchEncoderConfig(
        in_channels=weights[0].shape[1], stem_channels=tuple(weight.shape[0] for weight in weights[:-1])
    )


def infer_vae(tensors: Tensors) -> VAEConfig:
    """The shape of a VAE in LDM's names. Raises KeyError where it is none."""
    down = [key.split(".") for key in tensors if key.startswith(f"{VAE}encoder.down.")]
    levels = 1 + max((int(key[3]) for key in down), default=0)
    return VAEConfig(
        latent_channels=tensors[f"{VAE}post_quant_conv.weight"].shape[0],
        block_out_channels=tuple(
            tensors[f"{VAE}encoder.down.{level}.block.0.conv2.weight"].shape[0] for level in range(levels)
        ),
        layers_per_block=len({key[5] for key in down if key[3:5] == ["0", "block"]}),
        mid_attention=f"{VAE}encoder.mid.attn_1.q.weight" in tensors,
    )


def _sketch_encoder_key(key: str) -> str:
    """control_encoder.model.0.weight -> sketch_encoder.stem.0.weight, and so on."""
    part, _, rest = key.removeprefix(SKETCH_ENCODER).partition(".")
    if part == "zero_layer":
        return f"sketch_encoder.stem_out.{rest.removeprefix('0.')}"
    if part == "zero_blocks":
        level, _, name = rest.partition(".0.")
        return f"sketch_encoder.stage_outs.{level}.{name}"
    names = {"model": "stem", "output_blocks": "stages"}
    return f"sketch_encoder.{names.get(part, part)}.{rest}"


def refuse_unconverted(path: Path, tensors: Tensors, converted: Tensors, what: str) -> None:
    """Raise UserError, naming the file and saying `what`, where a tensor of the file was not converted."""
    # The converters drop what they do not know; a converted tensor still lies where the file's tensor does.
    used = {tensor.data_ptr() for tensor in converted.values()}
    unexpected = [
        key
        for key, tensor in tensors.items()
        if tensor.data_ptr() not in used
        and not key.startswith((CLIP, "model_ema."))
        and "." in key  # the noise schedule's buffers stand at the top level: betas, alphas_cumprod, ...
    ]
    if unexpected:
        raise UserError(f"{path.name} {what}: unexpected {', '.join(unexpected)}")


def clip_tensors(config: CLIPConfig, tensors: Tensors) -> Tensors:
    """CLIP's weights: those in the file, and open_clip's own for what the file lacks."""
    with torch.device("meta"):
        expected = ReferenceEncoder(config).clip.state_dict().keys()
    stored = {key.removeprefix(CLIP).removeprefix("model."): t for key, t in tensors.items() if key.startswith(CLIP)}
    weights = {key: stored[key] for key in expected if key in stored}
    if len(weights) < len(expected):
        weights = _pretrained_clip(config) | weights
    return {f"clip.clip.{key}": tensor for key, tensor in weights.items()}


def _pretrained_clip(config: CLIPConfig) -> Tensors:
    try:
        weights = open_clip.download_pretrained(open_clip.get_pretrained_cfg(config.architecture, config.pretrained))
    except OSError:
        raise UserError(
            f"the published weights need the CLIP {config.architecture} {config.pretrained}, about 4 GB, which could "
            "not be downloaded; connect to the internet and try again"
        ) from None
    return load_state_dict(weights)
