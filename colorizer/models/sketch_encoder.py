"""The trainable convolutional encoder that brings a sketch to the sizes of the U-Net's levels."""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from colorizer.config import SketchEncoderConfig
from colorizer.errors import UserError

DOWNSCALE = 8
STEM_STRIDES = (1, 1, 2, 1, 2, 1, 2, 1)  # of the published model; patches take the place of the first ones
# 1 / sqrt(E[SiLU(x)^2]) for x ~ N(0, 1): keeps the scale through a stack of convolutions with SiLU between. PyTorch's
# default would shrink the lines of a sketch a thousandfold on the way to the latent size.
SILU_GAIN = 1.68


class SketchEncoder(nn.Module):
    """Features of a sketch, to be added to the U-Net's forward features."""

    def __init__(self, config: SketchEncoderConfig, block_out_channels: tuple[int, ...]):
        super().__init__()
        widths = (config.in_channels * config.patch_size**2, *config.stem_channels, block_out_channels[0])
        strides = STEM_STRIDES[1 - len(widths) :]
        if config.patch_size * math.prod(strides) != DOWNSCALE:
            raise UserError(
                f"a sketch encoder of patch size {config.patch_size} and {len(config.stem_channels)} widths "
                f"{config.stem_channels} does not bring a sketch to an eighth; give 7, 4 or 2 widths with 1, 2 or 4"
            )
        self.patch_size = config.patch_size
        stem: list[nn.Module] = []
        for (in_channels, out_channels), stride in zip(itertools.pairwise(widths), strides, strict=True):
            stem += [nn.Conv2d(in_channels, out_channels, 3, stride, padding=1), nn.SiLU()]
        self.stem = nn.Sequential(*stem[:-1])
        self.stem_out = nn.Conv2d(block_out_channels[0], block_out_channels[0], 1)

        self.stages = nn.ModuleList()
        self.stage_outs = nn.ModuleList()
        last = len(block_out_channels) - 1
        in_channels = block_out_channels[0]
        for level, channels in enumerate(block_out_channels):
            # A level of the U-Net ends with a downsampler, except for the last.
            stride = 2 if level < last else 1
            self.stages.append(
                nn.Sequential(
                    nn.SiLU(),
                    nn.Conv2d(in_channels, channels, 3, stride, padding=1),
                    nn.SiLU(),
                    nn.Conv2d(channels, channels, 3, padding=1),
                )
            )
            self.stage_outs.append(nn.Conv2d(channels, channels, 1))
            in_channels = channels
        self._initialise()

    def _initialise(self) -> None:
        """Features start at the U-Net's own scale.

        ControlNet's zero layers protect a pretrained U-Net from an untrained encoder; a U-Net trained from scratch
        has nothing to protect, and should see where the lines are from the first step.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                gain = SILU_GAIN if module.kernel_size == (3, 3) else 3**-0.5
                nn.init.normal_(module.weight, std=gain * module.weight[0].numel() ** -0.5)
                nn.init.zeros_(module.bias)

    def zero_outputs(self) -> None:
        """Start with features of zero, as ControlNet does: a pretrained U-Net then begins as it is."""
        for module in (self.stem_out, *self.stage_outs):
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)

    def forward(self, sketch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Encode sketches (B, 3, H, W) in [-1, 1], inverted: lines +1 on a ground of -1 (all -1 is no sketch).

        Returns a feature of latent size (B, C0, H/8, W/8), then one for the end of each down level of the U-Net.
        """
        x = self.stem(F.pixel_unshuffle(sketch, self.patch_size))
        features = [self.stem_out(x)]
        for stage, out in zip(self.stages, self.stage_outs, strict=True):
            x = stage(x)
            features.append(out(x))
        return tuple(features)
