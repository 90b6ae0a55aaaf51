"""Uploads that are no pictures, or none that can be used."""

import io
import zlib

from PIL import Image


def bad_files():
    """name -> bytes, and what is said of them."""
    picture = io.BytesIO()
    Image.effect_noise((400, 400), 60).save(picture, "JPEG")
    rows = zlib.compress(bytes(13000 * (1 + 13000 // 8)), 9)

    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (13000).to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    huge = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return {
        "text.png": (b"not a picture", "not a PNG, JPEG"),
        "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not a PNG, JPEG"),
        "truncated.jpg": (picture.getvalue()[:4000], "damaged"),
        "huge.png": (huge, "13000"),
        "empty.png": (b"", "empty"),
    }
