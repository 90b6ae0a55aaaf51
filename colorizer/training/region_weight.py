"""Weights that make the loss care for small areas: by area alone, eyes and mouths are lost beside a background."""

import numpy as np
import torch
from skimage.measure import label
from torch import Tensor
from torch.nn import functional as F

SMALLEST = 24  # pixels; smaller areas are the soft edges between two colours, or a gradient
TYPICAL = 2000  # pixels of an area of weight 1
LIMITS = (0.5, 5.0)


def region_weight(pictures: Tensor, cell: int, power: float) -> Tensor:
    """Weight of each latent cell, (B, 1, H / cell, W / cell), for pictures (B, 3, H, W) in [0, 1]; the mean is 1.

    A pixel of a connected area of one colour weighs (TYPICAL / area) ** power within LIMITS, any other 1; a cell weighs
    what its pixels do on average. With power 0.5 an area counts as the root of its size, with 0 by its size.
    """
    if power == 0:
        return torch.ones(len(pictures), 1, *(side // cell for side in pictures.shape[-2:]), device=pictures.device)
    codes = (pictures * 255).round().int().cpu().numpy()
    codes = codes[:, 0] << 16 | codes[:, 1] << 8 | codes[:, 2]
    weights = np.stack([_of_pixels(picture, power) for picture in codes])
    weight = F.avg_pool2d(torch.from_numpy(weights)[:, None].to(pictures.device), cell)
    return weight / weight.mean((1, 2, 3), keepdim=True)


def _of_pixels(codes: np.ndarray, power: float) -> np.ndarray:
    areas = label(codes, connectivity=1, background=-1)
    sizes = np.bincount(areas.ravel())
    weights = np.clip((TYPICAL / np.maximum(sizes, 1)) ** power, *LIMITS)
    weights[sizes < SMALLEST] = 1
    return weights[areas].astype(np.float32)
