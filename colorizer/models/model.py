"""The whole model: reference encoder, sketch encoder, denoiser and autoencoder."""

import torch
from torch import nn

from colorizer.config import ModelConfig
from colorizer.models.clip import ReferenceEncoder
from colorizer.models.sketch_encoder import SketchEncoder
from colorizer.models.unet import SketchUNet
from colorizer.models.vae import LatentAutoencoder


class ColorizationModel(nn.Module):
    """The parts described by a `ModelConfig`, under the names that a checkpoint uses.

    `clip` is None when built with `with_clip=False`, for work that starts from reference tokens.
    """

    def __init__(self, config: ModelConfig, with_clip: bool = True):
        super().__init__()
        self.config = config
        self.unet = SketchUNet(config.unet)
        self.sketch_encoder = SketchEncoder(config.sketch_encoder, config.unet.block_out_channels)
        self.vae = LatentAutoencoder(config.vae)
        self.clip = ReferenceEncoder(config.clip) if with_clip else None

    def reference_context(self, tokens: torch.Tensor) -> torch.Tensor:
        """The part of image tokens (B, 1 + n, D) that the U-Net sees, (B, n, D).

        The attention model sees the local tokens, the CLS model the CLS token alone (n = 1).
        """
        return tokens[:, :1] if self.config.kind == "cls" else tokens[:, 1:]
