"""Drawing styles that training never sees: for evaluation only.

They are flat, or leave hair without an outline. Every part gets one, drawn exactly along the borders between two
colours, in the picture and in the sketch alike.
"""

import numpy as np
from scipy import ndimage

# DiceBear's colour group -> our slot, as for the styles of training; groups that are not named stay ink.
# lorelei by Lisa Wischofsky, CC0 1.0; CC BY 4.0: big-smile by Ashley Seo, personas by Draftbit, miniavs by Webpixels,
# big-ears by The Visual Team.
UNSEEN_GROUPS = {
    "lorelei": {
        "hair": "hair", "skin": "skin", "earrings": "earrings", "glasses": "glasses", "hairAccessories": "earrings",
    },
    "big-smile": {"hair": "hair", "skin": "skin"},
    "personas": {"hair": "hair", "facialHair": "hair", "skin": "skin", "clothing": "clothes"},
    "miniavs": {"hair": "hair", "skin": "skin", "body": "clothes"},
    "big-ears": {"hair": "hair", "skin": "skin"},
}  # fmt: skip
WIDTH = 2.6  # of the outline, in pixels of a picture of 320: about that of the other styles


def outlined(coverage: np.ndarray, scale: int) -> np.ndarray:
    """coverage (K + 1, S, S) uint8, ink last, drawn `scale` times too large -> (K + 1, S / scale, S / scale).

    An outline of ink runs where the largest share changes from one slot to another, or to nothing. Ink that is there
    already counts as what is nearest to it, so that the outline runs inside it and closes its gaps.
    """
    shares = np.concatenate([coverage.astype(np.float32), 255 - coverage.sum(0, dtype=np.float32)[None]])
    most = shares.argmax(0)
    ink = most == len(coverage) - 1
    most = most[tuple(ndimage.distance_transform_edt(ink, return_distances=False, return_indices=True))]
    border = np.zeros(most.shape, bool)
    border[:, :-1] |= most[:, 1:] != most[:, :-1]
    border[:-1] |= most[1:] != most[:-1]
    radius = WIDTH / 2 * most.shape[0] / 320
    line = np.clip(radius + 0.5 - ndimage.distance_transform_edt(~border), 0, 1)
    drawn = coverage * (1 - line)
    drawn[-1] += 255 * line
    side = most.shape[0] // scale
    # (K + 1, side, scale, side, scale) -> (K + 1, side, side)
    return np.rint(drawn.reshape(-1, side, scale, side, scale).mean((2, 4))).astype(np.uint8)
