"""Every format and every refusal of picture reading, with pictures made here."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from colorizer import images
from colorizer.errors import UserError
from colorizer.images import fit_and_pad, read_picture

ORANGE = (250, 120, 10)


def quarters(mode="RGB"):
    """Top left orange, top right green, bottom blue: orientation and colours show at once. 48 x 32."""
    picture = Image.new("RGB", (48, 32), (20, 40, 200))
    picture.paste(ORANGE, (0, 0, 24, 16))
    picture.paste((0, 160, 60), (24, 0, 48, 16))
    return picture.convert(mode)


def encode(picture, file_format, **options):
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def close(pixel, expected, tolerance=12):
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, expected, strict=True))


def png_header(width, height):
    """A complete, tiny PNG file that promises the given size."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 64)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF", "TIFF"])
def test_every_format(file_format):
    picture = read_picture(encode(quarters(), file_format))
    assert picture.mode == "RGB"
    assert picture.size == (48, 32)
    assert close(picture.getpixel((8, 6)), ORANGE)


@pytest.mark.parametrize("file_format", ["PPM", "ICO", "TGA", "JPEG2000"])
def test_other_formats_are_refused(file_format):
    with pytest.raises(UserError, match="not a PNG"):
        read_picture(encode(quarters(), file_format))


def test_sources(tmp_path):
    path = tmp_path / "actually-a-png.jpg"
    quarters().save(path, "PNG")
    expected = quarters().tobytes()
    for source in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), quarters(), Image.open(path)):
        assert read_picture(source).tobytes() == expected


def test_given_picture_is_left_unchanged():
    given = quarters("RGBA")
    given.info["note"] = "mine"
    read_picture(given)
    assert (given.mode, given.info) == ("RGBA", {"note": "mine"})


def test_metadata_does_not_travel():
    assert read_picture(encode(quarters(), "PNG", exif=Image.Exif(), dpi=(72, 72))).info == {}


# Refusals


def refusal(source):
    with pytest.raises(UserError) as caught:
        read_picture(source)
    message = str(caught.value)
    assert message.endswith(".")
    assert message.count(". ") == 0, "one sentence"
    return message


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [8200, 13000, 30000])
def test_huge_picture_is_refused_without_decoding(side, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    assert "make it smaller" in refusal(png_header(side, side))


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_huge_picture_is_refused_where_warnings_are_errors():
    assert "megapixels" in refusal(png_header(13000, 13000))


@pytest.mark.parametrize(
    ("size", "reason"), [((8000, 6000), "40 megapixels"), ((8193, 2000), "8192"), ((40, 15), "16"), ((800, 99), "8:1")]
)
def test_size_limits(size, reason):
    assert reason in refusal(png_header(*size))


def test_size_limits_hold_for_pil_pictures():
    assert "8:1" in refusal(Image.new("L", (900, 100)))


def test_largest_allowed_aspect():
    assert read_picture(Image.new("L", (800, 100))).size == (800, 100)


@pytest.mark.parametrize("options", [{"quality": 95}, {"quality": 95, "progressive": True}])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_jpeg(options, share):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8))
    data = encode(noise, "JPEG", **options)
    assert "damaged or incomplete" in refusal(data[: int(len(data) * share)])


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "AVIF", "BMP", "GIF", "TIFF"])
def test_truncated_file(file_format):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    data = encode(noise, file_format)
    refusal(data[: len(data) // 2])


def test_text_file_called_png(tmp_path):
    path = tmp_path / "letter.png"
    path.write_text("This is not a picture. " * 50)
    assert "not a PNG" in refusal(path)


def test_empty_file(tmp_path):
    path = tmp_path / "empty.png"
    path.touch()
    assert "empty" in refusal(path)
    assert "empty" in refusal(b"")


def test_missing_file_and_folder(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "nowhere.png")
    assert "cannot be read" in refusal(tmp_path)


def test_large_file(monkeypatch):
    assert "20 MB" in refusal(encode(quarters(), "PNG") + bytes(images.MAX_FILE_BYTES))


def test_random_damage_never_escapes_as_another_error():
    rng = np.random.default_rng(1)
    for file_format in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"):
        data = encode(quarters(), file_format)
        for _ in range(40):
            damaged = np.frombuffer(data, np.uint8).copy()
            damaged[rng.integers(0, len(damaged), 4)] = rng.integers(0, 256, 4)
            with contextlib.suppress(UserError):
                assert read_picture(damaged.tobytes()).mode == "RGB"


def test_pillow_settings_are_not_changed():
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert Image.MAX_IMAGE_PIXELS == 1024**3 // 4 // 3


# Modes


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (8, 6)), (3, (40, 26)), (6, (26, 8)), (8, (6, 40)), (2, (40, 6))]
)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_exif_orientation(orientation, corner, file_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(encode(quarters(), file_format, exif=exif))
    assert picture.size == ((32, 48) if orientation in (6, 8) else (48, 32))
    assert close(picture.getpixel(corner), ORANGE)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_ignored():
    data = encode(quarters(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert read_picture(data).size == (48, 32)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "AVIF", "TIFF"])
def test_alpha_is_laid_on_white(file_format):
    picture = quarters("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 24, 16))
    picture.paste((0, 0, 0, 128), (24, 0, 48, 16))
    result = read_picture(encode(picture, file_format))
    assert close(result.getpixel((8, 6)), (255, 255, 255))
    assert close(result.getpixel((40, 6)), (127, 127, 127))


@pytest.mark.parametrize("mode", ["LA", "La", "RGBa"])
def test_other_alpha_modes(mode):
    picture = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 10, 20))
    picture = picture.convert("LA").convert(mode) if mode == "La" else picture.convert(mode)
    result = read_picture(picture)
    assert result.getpixel((4, 10)) == (0, 0, 0)
    assert result.getpixel((15, 10)) == (255, 255, 255)


def test_palette_with_transparency():
    palette = quarters().quantize(8)
    clear = palette.getpixel((8, 6))
    for transparency in (clear, bytes(0 if index == clear else 255 for index in range(8))):
        result = read_picture(encode(palette, "PNG", transparency=transparency))
        assert result.getpixel((8, 6)) == (255, 255, 255)
        assert close(result.getpixel((40, 6)), (0, 160, 60))
    assert read_picture(encode(palette, "GIF", transparency=clear)).getpixel((8, 6)) == (255, 255, 255)


def test_colour_key_transparency():
    assert read_picture(encode(quarters(), "PNG", transparency=ORANGE)).getpixel((8, 6)) == (255, 255, 255)
    assert read_picture(encode(Image.new("L", (16, 16), 9), "PNG", transparency=9)).getpixel((8, 6)) == (255, 255, 255)
    deep = Image.fromarray(np.full((16, 16), 40000, np.uint16))
    assert read_picture(encode(deep, "PNG", transparency=40000)).getpixel((8, 6)) == (255, 255, 255)


def test_one_bit():
    picture = Image.new("1", (20, 20), 1)
    picture.paste(0, (0, 0, 10, 20))
    for data in (encode(picture, "PNG"), encode(picture, "TIFF", compression="group4"), encode(picture, "BMP")):
        result = read_picture(data)
        assert [result.getpixel((x, 10))[0] for x in (4, 15)] == [0, 255]


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk(file_format):
    """Pillow writes CMYK JPEG files the Adobe way, inverted."""
    result = read_picture(encode(quarters("CMYK"), file_format))
    assert close(result.getpixel((8, 6)), ORANGE)


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "LAB"])
def test_other_colour_spaces(mode):
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        picture = ImageCms.profileToProfile(quarters(), srgb, lab, outputMode="LAB")
    else:
        picture = quarters(mode)
    assert close(read_picture(picture).getpixel((8, 6)), ORANGE)


def ramp(low, high, dtype):
    """A grey ramp from left to right, 256 x 32."""
    return np.tile(np.linspace(low, high, 256).astype(dtype), (32, 1))


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.parametrize(("high", "levels"), [(65535, 256), (4095, 256), (1023, 256), (255, 256)])
def test_16_bit_grey_is_rescaled_not_clipped(file_format, high, levels):
    data = encode(Image.fromarray(ramp(0, high, np.uint16)), file_format)
    grey = np.asarray(read_picture(data))[8, :, 0].astype(int)
    assert (np.abs(grey - np.arange(256)) <= 1).all()


def test_16_bit_scan_in_a_narrow_range():
    grey = np.asarray(read_picture(encode(Image.fromarray(ramp(9000, 30000, np.uint16)), "PNG")))[8, :, 0].astype(int)
    assert grey[-1] - grey[0] > 150
    assert (np.diff(grey) >= 0).all()


def test_16_bit_big_endian():
    swapped = Image.frombytes("I;16B", (256, 32), ramp(0, 65535, ">u2").tobytes())
    assert (np.abs(np.asarray(read_picture(swapped))[8, :, 0].astype(int) - np.arange(256)) <= 1).all()


def test_16_bit_tiff_with_white_as_zero():
    data = encode(Image.fromarray(ramp(0, 65535, np.uint16)), "TIFF", tiffinfo={262: 0})
    grey = np.asarray(read_picture(data))[8, :, 0]
    assert grey[0] == 255 and grey[-1] == 0


@pytest.mark.parametrize(
    "values",
    [
        ramp(0, 65535, np.int32),
        ramp(0, 2**20 - 1, np.int32),
        ramp(-500, 523, np.int32),
        ramp(0, 1, np.float32),
        ramp(0, 255, np.float32),
        ramp(-3, 9, np.float32),
    ],
)
def test_32_bit_grey(values):
    result = read_picture(encode(Image.fromarray(values), "TIFF"))
    assert (np.abs(np.asarray(result)[8, :, 0].astype(int) - np.arange(256)) <= 2).all()


def test_float_picture_with_nan():
    values = ramp(0, 1, np.float32)
    values[0, 0] = np.nan
    assert read_picture(Image.fromarray(values)).getpixel((255, 8)) == (255, 255, 255)


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "AVIF", "PNG", "TIFF"])
def test_first_frame_of_an_animation(file_format):
    later = [Image.new("RGB", (48, 32), colour) for colour in ("red", "black")]
    options = {"lossless": True} if file_format == "WEBP" else {}
    result = read_picture(encode(quarters(), file_format, save_all=True, append_images=later, **options))
    assert close(result.getpixel((8, 6)), ORANGE)


def swapped_profile():
    """sRGB with the red and green colourants exchanged: what it does cannot be missed."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for position in range(132, 132 + 12 * 20, 12):
        name = bytes(data[position : position + 4])
        if name in (b"rXYZ", b"gXYZ"):
            data[position : position + 4] = b"gXYZ" if name == b"rXYZ" else b"rXYZ"
    return bytes(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colour_profile_is_applied(mode):
    red = Image.new("RGB", (20, 20), (255, 0, 0)).convert(mode)
    result = read_picture(encode(red, "PNG", icc_profile=swapped_profile()))
    assert close(result.getpixel((5, 5)), (0, 255, 0), 3)


@pytest.mark.parametrize("profile", [b"not a profile", swapped_profile()[:300]])
def test_broken_colour_profile_is_ignored(profile):
    assert close(read_picture(encode(quarters(), "PNG", icc_profile=profile)).getpixel((8, 6)), ORANGE)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_colour_profile_of_another_kind_of_picture_does_no_harm(mode):
    data = encode(Image.new(mode, (20, 20)), "TIFF", icc_profile=swapped_profile())
    assert read_picture(data).size == (20, 20)


# Geometry


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (257, 257), (1600, 200), (33, 100)])
@pytest.mark.parametrize(("side", "multiple"), [(256, 64), (256, 256), (512, 64), (200, 64)])
def test_fit_and_pad(size, side, multiple):
    canvas, placement = fit_and_pad(Image.new("L", size, 0), side, 255, multiple)
    assert canvas.size == (placement.width, placement.height)
    assert canvas.width % multiple == canvas.height % multiple == 0
    cropped = placement.crop(canvas)
    assert max(cropped.size) == side
    assert abs(cropped.width * size[1] / size[0] - cropped.height) <= 0.5 * max(size[1] / size[0], 1)
    assert cropped.getextrema() == (0, 0), "nothing but the picture"
    assert np.asarray(canvas).sum() == 255 * (canvas.width * canvas.height - cropped.width * cropped.height)


def test_no_padding_where_none_is_needed():
    canvas, placement = fit_and_pad(quarters(), 48, "white", 16)
    assert canvas.tobytes() == quarters().tobytes()
    assert placement.box == (0, 0, 48, 32)


def test_crop_refuses_another_canvas():
    _, placement = fit_and_pad(quarters(), 64, "white", 64)
    with pytest.raises(ValueError, match="expected"):
        placement.crop(Image.new("RGB", (128, 128)))
