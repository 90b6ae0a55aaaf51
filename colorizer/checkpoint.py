"""Checkpoints: one self-describing .safetensors file, its description in the metadata.

Metadata: "format" and "version" of the file, "config" (the `ModelConfig` as JSON) and whatever the writer adds.
Keys: `unet.*`, `sketch_encoder.*`, `vae.*`, `clip.*`; the last two may be shared with another file (`shared_parts`).
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from colorizer import published
from colorizer.config import CLIPConfig, ModelConfig, from_dict, to_dict
from colorizer.errors import UserError
from colorizer.models.clip import ReferenceEncoder
from colorizer.models.model import ColorizationModel
from colorizer.published import PREDICTION_TYPES
from colorizer.shared_parts import PARTS, shared_tensors

FORMAT = "colorizediffusion"
VERSION = "1"
PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")


def save_checkpoint(
    model: ColorizationModel,
    path: str | Path,
    metadata: dict[str, str] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write the model and its description to `path`; an interruption leaves an older file there untouched.

    `dtype` stores the floating-point weights in another type, such as torch.float16 for half the size. Raises UserError
    where the file cannot be written.
    """
    path = Path(path)
    tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in model.state_dict().items()}
    if dtype is not None:
        tensors = {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
        if overflown := [key for key, tensor in tensors.items() if not tensor.isfinite().all()]:
            raise ValueError(f"not finite as {dtype}: {', '.join(overflown)}")
    description = {"format": FORMAT, "version": VERSION, "config": json.dumps(to_dict(model.config))}
    # In the same folder, because a rename is atomic only within a file system.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, temporary, {**(metadata or {}), **description})
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be written ({error}); make room on the disk, or give another place") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def load_checkpoint(
    path: str | Path,
    prediction_type: str | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    with_clip: bool = True,
) -> ColorizationModel:
    """Build the model that the file describes, in eval mode. The published v1 weights load by the same call.

    `prediction_type` ("v_prediction" or "epsilon") is for published weights, which do not tell. `with_clip=False`
    leaves out the reference encoder. Raises UserError for a file that is not what it should be.
    """
    if prediction_type not in (None, *PREDICTION_TYPES):
        raise UserError(f"unknown prediction type {prediction_type!r}; choose one of {', '.join(PREDICTION_TYPES)}")
    path = Path(path)
    with open_safetensors(path) as file:
        metadata, keys = file.metadata() or {}, file.keys()
        if metadata.get("format") == FORMAT:
            config = read_config(metadata, path)
            stored = config.noise.prediction_type
            if prediction_type not in (None, stored):
                raise UserError(f"{path.name} says that it was trained for {stored}; leave out the prediction type")
            if not with_clip:
                keys = [key for key in keys if not key.startswith("clip.")]
            tensors = {key: file.get_tensor(key) for key in keys}
            tensors |= shared_tensors(metadata, path, checkpoint_hash, PARTS if with_clip else ("vae",))
        elif published.is_published(keys):
            tensors = {key: file.get_tensor(key) for key in keys}
            config, tensors = published.convert(path, tensors, metadata, prediction_type, with_clip)
        else:
            raise _no_model(path)
        return assemble(config, tensors, path, torch.device(device), dtype, with_clip)


def load_clip(path: str | Path, device: str | torch.device = "cpu") -> ReferenceEncoder:
    """The reference encoder of a checkpoint alone, in eval mode; nothing else of the file is read. Raises UserError."""
    path = Path(path)
    with open_safetensors(path) as file:
        metadata, keys = file.metadata() or {}, file.keys()
        if metadata.get("format") == FORMAT:
            config = read_config(metadata, path).clip
            tensors = {key: file.get_tensor(key) for key in keys if key.startswith("clip.")}
            tensors |= shared_tensors(metadata, path, checkpoint_hash, ("clip",))
            tensors = {key.removeprefix("clip."): tensor for key, tensor in tensors.items()}
        elif published.is_published(keys):
            config = CLIPConfig()
            stored = {key: file.get_tensor(key) for key in keys if key.startswith(published.CLIP)}
            tensors = {k.removeprefix("clip."): t for k, t in published.clip_tensors(config, stored).items()}
        else:
            raise _no_model(path)
        with torch.device("meta"):
            clip = ReferenceEncoder(config)
        _assign(clip, tensors, path, torch.device(device), torch.float32)
    clip.restore_buffers()
    return clip.to(device).eval()


def read_metadata(path: str | Path) -> dict[str, str]:
    """The metadata of a checkpoint, without reading its weights. Raises UserError for a file that is none."""
    path = Path(path)
    with open_safetensors(path) as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT and not published.is_published(list(file.keys())):
            raise _no_model(path)
        return metadata


def read_config(metadata: dict[str, str], path: Path) -> ModelConfig:
    """The description in a checkpoint's metadata; `path` is for messages."""
    if metadata.get("version") != VERSION:
        raise UserError(f"{path.name} has format version {metadata.get('version')}, not {VERSION}; update this program")
    try:
        values = json.loads(metadata["config"])
    except (KeyError, json.JSONDecodeError):
        raise UserError(f"{path.name} has no readable description in its metadata; get the file again") from None
    return from_dict(ModelConfig, values)


def checkpoint_hash(path: str | Path) -> str:
    """The first 10 hexadecimal digits of the file's sha256, to name a checkpoint by its content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:10]


@contextmanager
def open_safetensors(path: Path) -> Iterator[safe_open]:
    """The open file. Raises UserError for pickles, missing and damaged files."""
    if path.suffix.lower() in PICKLES:
        raise UserError(
            f"{path.name} is a pickle, which can run any code when it is opened; get the .safetensors version instead"
        )
    if not path.is_file():
        raise UserError(f"there is no file {path}; give the path of a .safetensors checkpoint")
    try:
        file = safe_open(path, framework="pt")
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path.name} is no complete .safetensors file ({error}); get it again") from None
    with file:
        yield file


def assemble(
    config: ModelConfig,
    tensors: dict[str, torch.Tensor],
    path: Path,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    with_clip: bool = True,
) -> ColorizationModel:
    """The model of `config` with `tensors` as its weights, in eval mode. `path` is for messages."""
    # Nothing is allocated on the meta device, and `assign` puts the tensors in place: the weights exist once.
    with torch.device("meta"):
        model = ColorizationModel(config, with_clip)
    _assign(model, tensors, path, device, dtype)
    if model.clip is not None:
        model.clip.restore_buffers()
    return model.to(device).eval()


def _assign(
    module: nn.Module, tensors: dict[str, torch.Tensor], path: Path, device: torch.device, dtype: torch.dtype
) -> None:
    _check_keys({key: tensor.shape for key, tensor in module.state_dict().items()}, tensors, path)
    for key in list(tensors):
        tensor = tensors[key]
        tensors[key] = tensor.to(device, dtype if tensor.is_floating_point() else None)
    module.load_state_dict(tensors, assign=True)


def _no_model(path: Path) -> UserError:
    return UserError(f"{path.name} holds no colorization model; choose a checkpoint of this project or a v1 file")


def _check_keys(expected: dict[str, torch.Size], tensors: dict[str, torch.Tensor], path: Path) -> None:
    problems = [f"missing {key}" for key in expected if key not in tensors]
    problems += [f"unexpected {key}" for key in tensors if key not in expected]
    problems += [
        f"{key} has shape {list(tensor.shape)} instead of {list(expected[key])}"
        for key, tensor in tensors.items()
        if key in expected and tensor.shape != expected[key]
    ]
    if problems:
        raise UserError(f"{path.name} does not fit its description; get it again. {'; '.join(problems)}")
