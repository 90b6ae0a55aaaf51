"""The denoising U-Net: diffusers' blocks, with the sketch's features added on the way down."""

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_2d_blocks import (
    CrossAttnDownBlock2D,
    CrossAttnUpBlock2D,
    DownBlock2D,
    UNetMidBlock2DCrossAttn,
    UpBlock2D,
)
from torch import nn

from colorizer.config import UNetConfig
from colorizer.models.attention import CrossAttentionProcessor, ReferenceKeyValues, project_tokens

NORM_EPS = 1e-5


class SketchUNet(nn.Module):
    """eps_theta(z_t, t, s, tau(r)) of equation 2, or the v of a v-prediction model."""

    def __init__(self, config: UNetConfig):
        super().__init__()
        channels = config.block_out_channels
        first, last = channels[0], channels[-1]
        temb_channels = 4 * first
        self.time_proj = Timesteps(first, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(first, temb_channels)
        self.conv_in = nn.Conv2d(config.in_channels, first, 3, padding=1)
        self.down_blocks = nn.ModuleList(_down_block(config, level, temb_channels) for level in range(len(channels)))
        self.mid_block = UNetMidBlock2DCrossAttn(
            in_channels=last,
            temb_channels=temb_channels,
            resnet_eps=NORM_EPS,
            resnet_groups=config.norm_num_groups,
            num_attention_heads=last // config.head_channels,
            cross_attention_dim=config.context_dim,
        )
        self.up_blocks = nn.ModuleList(
            _up_block(config, level, temb_channels) for level in reversed(range(len(channels)))
        )
        self.conv_norm_out = nn.GroupNorm(config.norm_num_groups, first, eps=NORM_EPS)
        self.conv_act = nn.SiLU()
        self.conv_out = nn.Conv2d(first, config.in_channels, 3, padding=1)
        for layer, attn in enumerate(self.cross_attentions()):
            attn.set_processor(CrossAttentionProcessor(layer))

    def cross_attentions(self) -> list[Attention]:
        """The cross-attention layers, in the order of `ReferenceKeyValues.layers`."""
        return [module for name, module in self.named_modules() if name.endswith(".attn2")]

    def self_attentions(self) -> list[Attention]:
        """The self-attention layers, in the order of the forward pass within each part of the network."""
        return [module for name, module in self.named_modules() if name.endswith(".attn1")]

    def deep_residual_blocks(self) -> list[ResnetBlock2D]:
        """The residual blocks of the middle and of the lower half of the way up."""
        parts = [self.mid_block, *self.up_blocks[: len(self.up_blocks) // 2]]
        return [block for part in parts for block in part.resnets]

    def project_reference(self, tokens: torch.Tensor, log_weights: torch.Tensor | None = None) -> ReferenceKeyValues:
        """Project reference tokens (B, n, D), once a generation, for `forward`; log_weights: (n,), see there."""
        layers = tuple(project_tokens(attn, tokens) for attn in self.cross_attentions())
        return ReferenceKeyValues(layers, None if log_weights is None else log_weights.to(tokens.dtype))

    def forward(
        self,
        z: torch.Tensor,
        t: torch.Tensor,
        sketch_features: tuple[torch.Tensor, ...],
        reference: torch.Tensor | ReferenceKeyValues | None = None,
    ) -> torch.Tensor:
        """Predict for the noisy latent z (B, C, h, w) at timesteps t (B,), 0..999; returns (B, C, h, w).

        `sketch_features` come from `SketchEncoder`: one of latent size, then one a level. A batch of 1 of them, of t
        or of the reference serves the whole batch. `reference` None stands for tokens of zeros.
        """
        temb = self.time_embedding(self.time_proj(t).to(z.dtype))
        h = self.conv_in(z) + sketch_features[0]
        skips = [h]
        for block, feature in zip(self.down_blocks, sketch_features[1:], strict=True):
            h, states = block(h, temb=temb, encoder_hidden_states=reference)
            # h is the last of the states: the feature enters it at the level's end, before the skip is stored.
            h = h + feature
            skips += [*states[:-1], h]

        h = self.mid_block(h, temb, encoder_hidden_states=reference)

        for block in self.up_blocks:
            count = len(block.resnets)
            used, skips = tuple(skips[-count:]), skips[:-count]
            # Given explicitly, the size is right for odd latents too.
            size = skips[-1].shape[2:] if skips else None
            h = block(h, used, temb=temb, encoder_hidden_states=reference, upsample_size=size)
        return self.conv_out(self.conv_act(self.conv_norm_out(h)))

    def zero_residual_branches(self) -> None:
        """Set the last layer of every residual branch, and of the U-Net, to zero, as LDM does before training.

        Each block then starts as the identity, so deep networks train from scratch at a higher learning rate.
        """
        for name, module in self.named_modules():
            if name.endswith((".conv2", ".proj_out")) or name == "conv_out":
                nn.init.zeros_(module.weight)
                nn.init.zeros_(module.bias)


def _down_block(config: UNetConfig, level: int, temb_channels: int) -> nn.Module:
    channels = config.block_out_channels
    common = dict(
        in_channels=channels[max(level - 1, 0)],
        out_channels=channels[level],
        temb_channels=temb_channels,
        num_layers=config.layers_per_block,
        resnet_eps=NORM_EPS,
        resnet_groups=config.norm_num_groups,
        add_downsample=level < len(channels) - 1,
    )
    if not config.attention_levels[level]:
        return DownBlock2D(**common)
    return CrossAttnDownBlock2D(
        **common,
        num_attention_heads=channels[level] // config.head_channels,
        cross_attention_dim=config.context_dim,
    )


def _up_block(config: UNetConfig, level: int, temb_channels: int) -> nn.Module:
    channels = config.block_out_channels
    common = dict(
        in_channels=channels[max(level - 1, 0)],
        out_channels=channels[level],
        prev_output_channel=channels[min(level + 1, len(channels) - 1)],
        temb_channels=temb_channels,
        num_layers=config.layers_per_block + 1,
        resnet_eps=NORM_EPS,
        resnet_groups=config.norm_num_groups,
        add_upsample=level > 0,
    )
    if not config.attention_levels[level]:
        return UpBlock2D(**common)
    return CrossAttnUpBlock2D(
        **common,
        num_attention_heads=channels[level] // config.head_channels,
        cross_attention_dim=config.context_dim,
    )
