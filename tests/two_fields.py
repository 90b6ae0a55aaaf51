"""A drawing whose measures are known: two fields with outlines on a background."""

import numpy as np
from PIL import Image, ImageDraw

RED, SKIN, BLUE = (200, 30, 40), (240, 200, 170), (40, 60, 200)


def drawing(background="white", left=RED, right=SKIN, scale=4, size=256):
    """A box of two fields with a black outline and a black line between them, drawn large and scaled down: soft edges.

    Returns truth (H, W, 3) and sketch (H, W).
    """
    pictures = []
    for colours in ((background, left, right), ("white",) * 3):
        picture = Image.new("RGB", (size * scale,) * 2, colours[0])
        draw = ImageDraw.Draw(picture)
        for box, colour in zip(([50.3, 60.3, 120, 190.6], [120, 60.3, 200.4, 190.6]), colours[1:], strict=True):
            draw.rectangle([side * size / 256 * scale for side in box], colour, "black", 3 * scale)
        pictures.append(picture.resize((size, size), Image.Resampling.BOX))
    return np.asarray(pictures[0]), np.asarray(pictures[1].convert("L"))
