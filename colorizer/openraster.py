"""OpenRaster files (.ora): layers that Krita, GIMP, MyPaint and others open.

After the specification's baseline (https://www.openraster.org): a zip whose first entry is the stored `mimetype`, the
layers as PNG, `stack.xml` with the topmost layer first, the merged picture and a thumbnail.
"""

import io
import os
import zipfile
from typing import BinaryIO
from xml.etree import ElementTree

from PIL import Image

from colorizer.layers import PictureLayers

MIMETYPE = "image/openraster"
THUMBNAIL_SIDE = 256


def save_openraster(layers: PictureLayers, target: str | os.PathLike | BinaryIO) -> None:
    """Write the layers, lines over colours; `target` is a path or a binary file."""
    width, height = layers.colours.size
    image = ElementTree.Element("image", version="0.0.3", w=str(width), h=str(height))
    stack = ElementTree.SubElement(image, "stack")
    merged = layers.merged
    thumbnail = merged.copy()
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    pictures = {}
    for name, picture in (("lines", layers.lines), ("colours", layers.colours)):
        pictures[f"data/{name}.png"] = picture
        placed = {"x": "0", "y": "0", "opacity": "1.0", "visibility": "visible", "composite-op": "svg:src-over"}
        ElementTree.SubElement(stack, "layer", name=name.capitalize(), src=f"data/{name}.png", **placed)
    pictures |= {"mergedimage.png": merged, "Thumbnails/thumbnail.png": thumbnail}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # PNG is compressed already
        archive.writestr("mimetype", MIMETYPE)
        archive.writestr("stack.xml", ElementTree.tostring(image, encoding="UTF-8", xml_declaration=True))
        for path, picture in pictures.items():
            archive.writestr(path, _png(picture))


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()
