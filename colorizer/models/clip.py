"""The reference and text encoder tau: a CLIP through open_clip."""

import copy

import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from colorizer.config import CLIPConfig
from colorizer.errors import UserError


class ReferenceEncoder(nn.Module):
    """Image tokens and text embeddings in CLIP's joint space.

    Image tokens are taken after the final layer norm and the projection and are NOT normalised; text embeddings ARE
    normalised to length 1.
    """

    def __init__(self, config: CLIPConfig):
        super().__init__()
        self.config = config
        model = model_config(config)
        self.clip = open_clip.CLIP(
            embed_dim=model["embed_dim"],
            vision_cfg={**model["vision_cfg"], "output_tokens": True},
            text_cfg=model["text_cfg"],
            quick_gelu=model.get("quick_gelu", False),
        )
        self.embed_dim: int = model["embed_dim"]
        self.context_length: int = self.clip.context_length
        self.image_size: int = self.clip.visual.image_size[0]
        self.grid: int = self.clip.visual.grid_size[0]
        self.tokenizer = SimpleTokenizer(context_length=self.context_length)
        self.register_buffer("mean", torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1), persistent=False)

    @property
    def num_tokens(self) -> int:
        """n: the number of local tokens, grid * grid."""
        return self.grid**2

    def restore_buffers(self) -> None:
        """Set the constants that no checkpoint stores, after a construction on the meta device."""
        self.mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
        self.std = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1)
        if self.clip.attn_mask is not None:
            self.clip.attn_mask = torch.full(self.clip.attn_mask.shape, float("-inf")).triu_(1)

    @torch.no_grad()
    def start_local(self) -> None:
        """Initialise the image tower so that at first each token attends to its neighbours.

        Sine-cosine positions and queries equal to keys (Trockman and Kolter 2023, Mimetic Initialization of
        Self-Attention Layers). From random weights a small transformer takes most of its training to find locality.
        """
        visual = self.clip.visual
        width, quarter = visual.positional_embedding.shape[1], visual.positional_embedding.shape[1] // 4
        frequency = torch.logspace(0, -1.2, quarter)
        axis = torch.arange(self.grid)[:, None] * frequency  # (g, width / 4)
        waves = torch.cat([axis.sin(), axis.cos()], -1)
        rows, columns = waves[:, None].expand(-1, self.grid, -1), waves[None].expand(self.grid, -1, -1)
        visual.positional_embedding[1:] = 0.5 * torch.cat([rows, columns], -1).flatten(0, 1)
        for block in visual.transformer.resblocks:
            shared = torch.randn(width, width) / width**0.5
            query, key, _ = block.attn.in_proj_weight.chunk(3)
            query.copy_(shared)
            key.copy_(shared)

    def preprocess(self, pixels: Tensor) -> Tensor:
        """pixels (B, 3, H, W) in [0, 1] -> (B, 3, S, S), CLIP's square (bicubic, antialiased), mean and deviation."""
        square = (self.image_size, self.image_size)
        if pixels.shape[-2:] != square:
            pixels = F.interpolate(pixels, size=square, mode="bicubic", antialias=True).clamp(0, 1)
        return (pixels - self.mean) / self.std

    def encode_image(self, pixels: Tensor) -> Tensor:
        """pixels (B, 3, H, W) in [0, 1] -> tokens (B, 1 + n, D): v_cls first, then v_1..v_n row by row."""
        visual = self.clip.visual
        cls, local = visual(self.preprocess(pixels))  # the CLS token comes projected, the local tokens do not
        return torch.cat([cls[:, None], local @ visual.proj], dim=1)

    def encode_text(self, texts: list[str]) -> Tensor:
        """texts -> (len(texts), D), each of length 1. Texts over the context length are cut."""
        ids = self.tokenizer(texts).to(self.mean.device)
        return self.clip.encode_text(ids, normalize=True)


def model_config(config: CLIPConfig) -> dict:
    """open_clip's configuration dictionary of `config`. Raises UserError for an architecture that cannot serve."""
    if config.model is not None:
        return copy.deepcopy(config.model)
    model = open_clip.get_model_config(config.architecture)
    if model is None:
        raise UserError(f"open_clip has no architecture named {config.architecture!r}; see open_clip.list_models()")
    if not _has_image_tokens(model):
        raise UserError(
            f"open_clip's {config.architecture} does not give a CLS token and local tokens in the space of its texts; "
            "choose a CLIP with a plain vision transformer, such as ViT-B-32 or ViT-H-14"
        )
    return model


def _has_image_tokens(model: dict) -> bool:
    """Whether the towers are CLIP's own transformers, with a CLS token and CLIP's tokenizer.

    ResNets and most of timm's towers have no CLS token, others pool the local tokens; texts of another tokenizer
    would be encoded without an error, but wrongly.
    """
    vision, text = model["vision_cfg"], model["text_cfg"]
    return (
        isinstance(vision.get("layers"), int)
        and "timm_model_name" not in vision
        and vision.get("pool_type", "tok") == "tok"
        and not {"hf_model_name", "hf_tokenizer_name"} & text.keys()
        and not model.get("custom_text", False)
    )
