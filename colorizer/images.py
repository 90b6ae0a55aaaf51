"""Reading the pictures people bring, and fitting them into the model's canvas.

Everything that enters the program passes through :func:`read_picture`. Size and format are judged from the file's
header, so that a small file that would decode to gigabytes is refused before it does.
"""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from colorizer.errors import UserError

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF", "TIFF")
MAX_FILE_BYTES = 20 * 2**20
MAX_PIXELS = 40_000_000
MAX_SIDE = 8192
MIN_SIDE = 16
MAX_ASPECT = 8

PictureSource = str | os.PathLike | bytes | BinaryIO | Image.Image

_MINISWHITE, _PHOTOMETRIC = 0, 262  # TIFF: photometric interpretation "0 is white", and the tag that says so


def read_picture(source: PictureSource) -> Image.Image:
    """Read a picture as an upright 8-bit sRGB picture, transparency laid on white.

    Args:
        source: a path, the bytes of a file, a binary file object, or a PIL picture (which is left unchanged).

    Returns:
        A new picture of mode "RGB" without metadata; the first frame of an animation.

    Raises:
        UserError: the picture is missing, empty, damaged, of another format, too large, too small or too narrow.
    """
    return on_ground(open_picture(source), "white")


def open_picture(source: PictureSource) -> Image.Image:
    """As :func:`read_picture`, but transparency is kept: mode "RGB", or "RGBA" where the picture has any."""
    picture = source if isinstance(source, Image.Image) else _identify(_read_bytes(source))
    _check_size(*picture.size)
    try:
        picture.load()
        return _to_srgb(_upright(_to_8_bit(picture)))
    except Exception as error:  # decoders meet hostile bytes here and raise nearly anything
        raise UserError("The picture is damaged or incomplete; save or download it again.") from error


def has_colours(picture: Image.Image) -> bool:
    """Whether a picture of mode "RGB" shows anything coloured: 0.5 % of it, by 32 levels between its channels."""
    small = picture.copy()
    small.thumbnail((256, 256), Image.Resampling.BOX)
    return float((np.ptp(np.asarray(small), axis=-1) >= 32).mean()) >= 0.005


def same_proportions(first: Image.Image, second: Image.Image) -> bool:
    """Whether the aspect ratios differ by at most 2 %, as rounded sides of the same picture may."""
    return abs(first.width * second.height / (first.height * second.width) - 1) <= 0.02


def on_ground(picture: Image.Image, colour: str) -> Image.Image:
    """Lay an "RGB" or "RGBA" picture on a ground of one colour; returns mode "RGB"."""
    if picture.mode == "RGB":
        return picture
    ground = Image.new("RGB", picture.size, colour)
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _read_bytes(source: str | os.PathLike | bytes | BinaryIO) -> bytes:
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, str | os.PathLike):
        try:
            with Path(source).open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise UserError(f"{source} cannot be read ({error.strerror}); check its name and place.") from error
    else:
        data = source.read(MAX_FILE_BYTES + 1)
    if not data:
        raise UserError("The file is empty; save or download the picture again.")
    if len(data) > MAX_FILE_BYTES:
        raise UserError(f"The file is larger than {MAX_FILE_BYTES >> 20} MB; save a smaller one.")
    return data


def _identify(data: bytes) -> Image.Image:
    """Open without decoding; the content decides the format, never the name."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow's own limit lies far above ours; it raises in either form before we have seen the size.
        raise UserError(f"The picture has more than {MAX_PIXELS // 10**6} megapixels; make it smaller.") from error
    except UnidentifiedImageError as error:
        raise UserError(
            "This is not a PNG, JPEG, WebP, AVIF, BMP, GIF or TIFF picture; convert it to one of them."
        ) from error
    except Exception as error:  # as in open_picture
        raise UserError("The picture is damaged or incomplete; save or download it again.") from error


def _check_size(width: int, height: int) -> None:
    size = f"The picture is {width} x {height} pixels"
    if max(width, height) > MAX_SIDE:
        raise UserError(f"{size}, but a side may have at most {MAX_SIDE}; make it smaller.")
    if width * height > MAX_PIXELS:
        raise UserError(f"{size}, more than {MAX_PIXELS // 10**6} megapixels; make it smaller.")
    if min(width, height) < MIN_SIDE:
        raise UserError(f"{size}, but each side needs at least {MIN_SIDE}; use a larger picture.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UserError(f"{size}, longer than {MAX_ASPECT}:1; crop it.")


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # a broken EXIF block is no reason to refuse a good picture
        return picture


def _to_8_bit(picture: Image.Image) -> Image.Image:
    """Any Pillow mode to one of L, RGB, RGBA, CMYK, LAB."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return _rescale_grey(picture)
    if picture.has_transparency_data:
        straight = {"La": "LA", "RGBa": "RGBA"}.get(picture.mode, picture.mode)
        return picture.convert(straight).convert("RGBA")
    if picture.mode in ("1", "L"):
        return picture.convert("L")
    if picture.mode in ("CMYK", "LAB"):
        return picture
    return picture.convert("RGB")


def _rescale_grey(picture: Image.Image) -> Image.Image:
    """Grey of more than 8 bits to "L" (or "RGBA" where one grey value means transparent).

    Integers are divided by the smallest 2^bits - 1 (bits >= 8) that holds them, because scanners store 10, 12 or 14
    bits in 16-bit files and dividing these by 65535 would give a black picture. Floats are taken as [0, 1] or
    [0, 255] where they fit, and stretched to their own range otherwise.
    """
    levels = np.nan_to_num(np.asarray(picture, dtype=np.float32), posinf=0, neginf=0)
    low, high = min(0.0, float(levels.min())), float(levels.max())
    if picture.mode != "F":
        white = 2 ** max(8, int(high - low).bit_length()) - 1
    elif low == 0 and high <= 1:
        white = 1
    else:
        white = 255 if low == 0 and high <= 255 else high - low
    grey = np.rint((levels - low) * (255 / white)).astype(np.uint8)
    if picture.mode.startswith("I;16") and _white_is_zero(picture):
        grey = 255 - grey
    result = Image.fromarray(grey)
    result.info = dict(picture.info)
    clear = result.info.pop("transparency", None)
    if clear is not None:
        alpha = Image.fromarray(np.where(levels == clear, 0, 255).astype(np.uint8))
        return Image.merge("RGBA", (result, result, result, alpha))
    return result


def _white_is_zero(picture: Image.Image) -> bool:
    return getattr(picture, "tag_v2", {}).get(_PHOTOMETRIC) == _MINISWHITE


def _to_srgb(picture: Image.Image) -> Image.Image:
    """L, RGB, RGBA, CMYK or LAB to RGB or RGBA, through the embedded ICC profile where it is usable."""
    profile = _embedded_profile(picture)
    rgb = None
    if profile is not None:
        colours = picture.convert("RGB") if picture.mode == "RGBA" else picture
        if profile.profile.xcolor_space.strip() == "RGB":
            colours = colours.convert("RGB")
        try:
            srgb = ImageCms.createProfile("sRGB")
            rgb = ImageCms.profileToProfile(colours, profile, srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, ValueError):  # a profile for another kind of picture, or half a profile
            rgb = None
    if picture.mode == "RGBA":
        alpha = picture.getchannel("A")
        result = picture.copy() if rgb is None else rgb
        result.putalpha(alpha)
    else:
        result = picture.convert("RGB") if rgb is None else rgb
    result.info.clear()
    return result


def _embedded_profile(picture: Image.Image) -> ImageCms.ImageCmsProfile | None:
    if picture.mode == "LAB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    if not picture.info.get("icc_profile"):
        return None
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
    except (ImageCms.PyCMSError, OSError):
        return None


@dataclass(frozen=True)
class Placement:
    """Where a fitted picture lies on its padded canvas: what undoes :func:`fit_and_pad`.

    Attributes:
        width, height: size of the canvas in pixels.
        box: left, top, right, bottom of the picture on it, in pixels.
    """

    width: int
    height: int
    box: tuple[int, int, int, int]

    def crop(self, canvas: Image.Image) -> Image.Image:
        """Cut the picture out of a canvas of this size."""
        if canvas.size != (self.width, self.height):
            raise ValueError(f"the canvas is {canvas.size}, expected {(self.width, self.height)}")
        return canvas.crop(self.box)


def fit_and_pad(
    image: Image.Image, size: int, fill: int | str | tuple[int, ...], multiple: int
) -> tuple[Image.Image, Placement]:
    """Scale a picture to ``size`` and pad it to sides that the model accepts; nothing is stretched or cut off.

    Args:
        image: a picture of any mode that can be resized smoothly ("L", "RGB").
        size: length of the longest side after scaling, in pixels.
        fill: colour of the padding, equal on opposite sides up to one pixel.
        multiple: both sides of the canvas are rounded up to multiples of this. ``multiple=size`` gives a square.

    Returns:
        The canvas, and the placement whose ``crop`` gives back the aspect of ``image``.
    """
    width, height = fitted_size(image.size, size)
    canvas_width, canvas_height = canvas_size(image.size, size, multiple)
    left, top = (canvas_width - width) // 2, (canvas_height - height) // 2
    canvas = Image.new(image.mode, (canvas_width, canvas_height), fill)
    canvas.paste(image.resize((width, height), Image.Resampling.LANCZOS), (left, top))
    return canvas, Placement(canvas_width, canvas_height, (left, top, left + width, top + height))


def canvas_size(picture_size: tuple[int, int], size: int, multiple: int) -> tuple[int, int]:
    """Width and height of the canvas that :func:`fit_and_pad` makes for a picture of ``picture_size``."""
    width, height = (-(-side // multiple) * multiple for side in fitted_size(picture_size, size))
    return width, height


def fitted_size(picture_size: tuple[int, int], size: int) -> tuple[int, int]:
    """Width and height of a picture of ``picture_size`` whose longest side becomes ``size``."""
    scale = size / max(picture_size)
    width, height = (max(1, round(side * scale)) for side in picture_size)
    return width, height
