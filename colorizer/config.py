"""Description of a model: everything that must be known to build it and use it well.

A checkpoint carries a `ModelConfig` as JSON in its metadata, so a weights file needs no companion and nothing is
guessed from its name. Defaults are the published v1 model (Stable-Diffusion-2.1 size, OpenCLIP ViT-H/14).
"""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field

from colorizer.errors import UserError


@dataclass(frozen=True)
class UNetConfig:
    """Shape of the denoiser. One entry of `block_out_channels` and of `attention_levels` per resolution level."""

    in_channels: int = 4
    block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    layers_per_block: int = 2
    attention_levels: tuple[bool, ...] = (True, True, True, False)
    head_channels: int = 64
    context_dim: int = 1024
    norm_num_groups: int = 32


@dataclass(frozen=True)
class SketchEncoderConfig:
    """Widths of the 3x3 convolutions that bring the sketch to latent size; later widths follow the U-Net's levels.

    patch_size: side of the space-to-depth patches before them, 1 for none. Seven widths and three strides of 2 with 1,
    four widths and two strides with 2, two widths and one stride with 4.
    """

    in_channels: int = 3
    patch_size: int = 1
    stem_channels: tuple[int, ...] = (16, 16, 32, 32, 96, 96, 256)


@dataclass(frozen=True)
class VAEConfig:
    """An autoencoder of diffusers on `patch_size` x `patch_size` space-to-depth patches; patch_size 1 has no patches.

    kind "kl" is AutoencoderKL, Stable Diffusion's own; "tiny" is AutoencoderTiny, small and without normalisation, with
    `layers_per_block` residual blocks at the lower levels and one at the highest; it has one width for all levels.
    z = (mean - shift_factor) * scaling_factor.
    """

    kind: str = "kl"
    patch_size: int = 1
    latent_channels: int = 4
    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    layers_per_block: int = 2
    norm_num_groups: int = 32
    mid_attention: bool = True
    scaling_factor: float = 0.18215
    shift_factor: float = 0.0


@dataclass(frozen=True)
class CLIPConfig:
    """Either an open_clip architecture by name, or `model`: a configuration of ours in open_clip's own format."""

    architecture: str | None = "ViT-H-14"
    pretrained: str | None = "laion2b_s32b_b79k"
    model: dict | None = None


@dataclass(frozen=True)
class NoiseScheduleConfig:
    """The forward process q(z_t | z_0) and what the U-Net predicts: "v_prediction" or "epsilon".

    last_timestep: the lowest t at which sampling asks the U-Net for z_0, and takes that for the result; 0 is the whole
    way. The mini model predicts a flat, clean z_0 from much noise and leaves grain when it has little to remove.
    """

    beta_start: float = 0.00085
    beta_end: float = 0.012
    beta_schedule: str = "scaled_linear"
    num_train_timesteps: int = 1000
    prediction_type: str = "v_prediction"
    last_timestep: int = 0


@dataclass(frozen=True)
class PartWords:
    """The parts that local tokens were trained to tell apart, for focused edits (see `focused_relevance`).

    words: one text a part, none for an encoder that was not trained so. scale: of the projections, in its softmax.
    """

    words: tuple[str, ...] = ()
    scale: float = 1.0


NO_PARTS = PartWords()


@dataclass(frozen=True)
class ModelConfig:
    """A whole model. `kind`: "attention" (context = local tokens) or "cls" (context = the CLS token).

    relevance_polarity: which end of the min-max normalised correlation m (eq. 9) is related to a text, "low" (ViT-H/14)
    or "high". slider_ranges: name of a setting -> [minimum, maximum, default]. known_words: words the text encoder was
    trained on, empty when it knows the open vocabulary.
    """

    name: str = "unnamed"
    kind: str = "attention"
    unet: UNetConfig = field(default_factory=UNetConfig)
    sketch_encoder: SketchEncoderConfig = field(default_factory=SketchEncoderConfig)
    vae: VAEConfig = field(default_factory=VAEConfig)
    clip: CLIPConfig = field(default_factory=CLIPConfig)
    noise: NoiseScheduleConfig = field(default_factory=NoiseScheduleConfig)
    native_size: int = 512
    relevance_polarity: str = "low"
    slider_ranges: dict = field(default_factory=dict)
    known_words: tuple[str, ...] = ()
    parts: PartWords = field(default_factory=PartWords)
    licence: str = ""
    trained_on: str = ""
    notes: str = ""


def to_dict(config) -> dict:
    """A configuration dataclass as plain JSON values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def from_dict(cls, values: dict, where: str = ""):
    """The dataclass `cls` from JSON values. Unknown keys are refused: they would be silently without effect."""
    if not isinstance(values, dict):
        raise UserError(f"{where or cls.__name__}: expected an object, got {type(values).__name__}")
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        names = ", ".join(unknown)
        raise UserError(f"{where or cls.__name__}: unknown keys {names}; is the file from a newer version?")
    return cls(**{key: _convert(hints[key], value, f"{where}{key}.") for key, value in values.items()})


def _convert(hint, value, where: str):
    if dataclasses.is_dataclass(hint):
        return from_dict(hint, value, where)
    if isinstance(value, list) and typing.get_origin(hint) is tuple:
        return tuple(value)
    if isinstance(hint, types.UnionType) and value is None:
        return None
    return value
