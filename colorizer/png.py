"""The parameters of a picture inside its PNG file, as JSON in a text chunk named "colorizer".

{"format": 1, "app_version": ..., "model": name, "model_hash": ..., "prediction_type": ...,
 "preparation": mode of the sketch, "seed": of this image, "settings": {...}}
"""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from colorizer import __version__
from colorizer.errors import UserError
from colorizer.settings import GenerationSettings

CHUNK = "colorizer"
FORMAT = 1
MAX_LENGTH = 64 * 1024  # characters
LONGEST_NAME = 200
NAMES = ("model", "model_hash", "app_version", "preparation", "prediction_type")

DAMAGED = "The picture's stored parameters are damaged; it cannot be used to load settings."


@dataclass(frozen=True)
class PictureParameters:
    """How a picture was made.

    settings: of the whole run; seed: of this image. not_restored: names of stored settings that this version does not
    know or does not accept, for telling the user. preparation: mode of the sketch (see lineart.MODES);
    prediction_type: of the model; each is "" where it is not known.
    """

    settings: GenerationSettings
    seed: int
    model: str = ""
    model_hash: str = ""
    app_version: str = __version__
    preparation: str = ""
    prediction_type: str = ""
    not_restored: tuple[str, ...] = ()

    @property
    def picture_settings(self) -> GenerationSettings:
        """The settings that make this one picture again."""
        return self.settings.evolve(seed=self.seed, batch_size=1)


def save_png(image: Image.Image, target: str | os.PathLike | BinaryIO, parameters: PictureParameters) -> None:
    """Write a picture with its parameters; `target` is a path or a binary file."""
    chunks = PngInfo()
    chunks.add_text(CHUNK, _to_json(parameters))
    image.save(target, format="PNG", pnginfo=chunks)


def read_parameters(source: str | os.PathLike | bytes | BinaryIO) -> PictureParameters | None:
    """The parameters in a PNG file (path, bytes or binary file); None where it holds none of ours.

    The file is not trusted: only its head is read, pixels are not decoded, and every value is checked. Raises UserError
    for a file that is no PNG or whose parameters are not what they should be.
    """
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=["PNG"]) as picture:
            text = picture.info.get(CHUNK)
    except Exception as error:  # Pillow raises nearly anything for hostile bytes
        name = f"{Path(source).name} " if isinstance(source, str | os.PathLike) else "The file "
        raise UserError(f"{name}is no PNG picture; only PNG pictures hold parameters.") from error
    if not isinstance(text, str):
        return None
    if len(text) > MAX_LENGTH:
        raise UserError(
            f"The picture's stored parameters are over {MAX_LENGTH >> 10} KB; they are not from this program."
        )
    return _from_json(text)


def _to_json(parameters: PictureParameters) -> str:
    return json.dumps(
        {
            "format": FORMAT,
            "app_version": parameters.app_version,
            "model": parameters.model,
            "model_hash": parameters.model_hash,
            "prediction_type": parameters.prediction_type,
            "preparation": parameters.preparation,
            "seed": parameters.seed,
            "settings": parameters.settings.to_dict(),
        }
    )


def _from_json(text: str) -> PictureParameters:
    try:
        values = json.loads(text)
        json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair is valid JSON and no text
    except (ValueError, RecursionError):
        raise UserError(DAMAGED) from None
    if not isinstance(values, dict) or not isinstance(values.get("settings"), dict):
        raise UserError(DAMAGED)
    if values.get("format") != FORMAT:
        raise UserError("The picture's parameters are of another format; it was made by another version.")
    settings, not_restored = restore_settings(values["settings"])
    names = {key: values.get(key, "") for key in NAMES}
    if not all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in names.values()):
        raise UserError(DAMAGED)
    try:
        seed = GenerationSettings(seed=values.get("seed", settings.seed)).seed
    except UserError:
        raise UserError(DAMAGED) from None
    return PictureParameters(settings, seed, **names, not_restored=not_restored)


def restore_settings(values: dict) -> tuple[GenerationSettings, tuple[str, ...]]:
    """What can be restored, and the names of what cannot: one bad value does not lose the others."""
    accepted, refused = {}, []
    for name, value in values.items():
        try:
            GenerationSettings.from_dict({name: value})
            accepted[name] = value
        except UserError:
            refused.append(name[:40])
    return GenerationSettings.from_dict(accepted), tuple(refused)
