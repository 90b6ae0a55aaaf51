"""Training of our own small CLIP, in open_clip's model format, on captions that are exactly true.

Five terms, all on the joint space that the method reads (local tokens v_i not normalised, texts c normalised):
* captions: image and text agree across the batch;
* hard captions: the true caption among others that differ in one attribute (CLS token);
* parts: each local token agrees with the words of the part it lies in (exact masks);
* coloured parts: and with the words for that part's colour, so that moving along e - a changes the colour;
* colour: a linear read-out of a token gives the mean colour of its cell, so that exact colours survive.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorizer.data import captions
from colorizer.data.triples import Captioned, TripleSampler
from colorizer.models.clip import ReferenceEncoder

ALTERNATIVES = 4
HELD_OUT_ALTERNATIVES = 10


@dataclass(frozen=True)
class CLIPBatch:
    """A captioned batch with the words that its parts are compared to."""

    captioned: Captioned
    part_texts: list[str]  # one per captions.PARTS
    coloured_texts: list[str]
    coloured_target: Tensor  # (B, len(coloured_texts), g, g) share of each coloured part in each cell


class CLIPLoss(nn.Module):
    """See the module's docstring. The two heads serve training alone and are not kept."""

    def __init__(self, encoder: ReferenceEncoder):
        super().__init__()
        self.encoder = encoder
        self.colour_head = nn.Linear(encoder.embed_dim, 3)
        self.dense_scale = nn.Parameter(torch.zeros(()))

    def forward(self, batch: CLIPBatch) -> dict[str, Tensor]:
        captioned = batch.captioned
        size, alternatives = len(captioned.texts), len(captioned.texts[0])
        tokens = self.encoder.encode_image(captioned.picture).float()
        texts = [text for row in captioned.texts for text in row] + batch.part_texts + batch.coloured_texts
        embedded = self.encoder.encode_text(texts).float()
        caption_count = size * alternatives
        of_captions = embedded[:caption_count].view(size, alternatives, -1)
        of_parts = embedded[caption_count : caption_count + len(batch.part_texts)]
        of_coloured = embedded[caption_count + len(batch.part_texts) :]

        cls = F.normalize(tokens[:, 0], dim=-1)
        scale = self.encoder.clip.logit_scale.exp().clamp(max=100)
        logits = scale * cls @ of_captions[:, 0].T  # (B, B)
        diagonal = torch.arange(size, device=logits.device)
        contrast = (F.cross_entropy(logits, diagonal) + F.cross_entropy(logits.T, diagonal)) / 2
        hard = F.cross_entropy(scale * torch.einsum("bd,bad->ba", cls, of_captions), torch.zeros_like(diagonal))

        local = tokens[:, 1:]  # (B, n, D)
        dense_scale = self.dense_scale.exp()
        parts = agreement(dense_scale * local @ of_parts.T, captioned.parts[:, :-1])
        coloured = agreement(dense_scale * local @ of_coloured.T, batch.coloured_target)
        grid = self.encoder.grid
        colour = F.l1_loss(self.colour_head(local), F.adaptive_avg_pool2d(captioned.picture, grid).flatten(2).mT)
        loss = 0.5 * contrast + hard + parts + coloured + 4 * colour
        return {
            "loss": loss,
            "contrast": contrast,
            "hard": hard,
            "parts": parts,
            "coloured": coloured,
            "colour": colour,
        }


def agreement(logits: Tensor, shares: Tensor) -> Tensor:
    """Cross-entropy of logits (B, n, P) with shares (B, P, g, g), small parts weighted up by the root of their rarity.

    What of a cell belongs to no part counts for nothing.
    """
    target = shares.flatten(2).mT  # (B, n, P)
    area = target.sum((0, 1))
    weight = (target.sum() / (area + 1) / len(area)).sqrt().clamp(0.3, 6)
    return -(target * weight * logits.log_softmax(-1)).sum() / (target * weight).sum().clamp(min=1)


class CLIPTask:
    """Captioned batches; validation is attribute retrieval among ten and the IoU of parts on held-out variants."""

    def __init__(self, encoder: ReferenceEncoder, sampler: TripleSampler, held_out: TripleSampler, count: int = 128):
        self.module = CLIPLoss(encoder)
        self.encoder = encoder
        self.sampler = sampler
        self.held_out = held_out.sample_captioned(count, encoder.grid, HELD_OUT_ALTERNATIVES)

    def batch(self, size: int) -> CLIPBatch:
        """size captioned pictures and the words of this step."""
        rng = self.sampler.rng
        captioned = self.sampler.sample_captioned(size, self.encoder.grid, ALTERNATIVES)
        pairs = sorted({(part, colour) for colours in captioned.colours for part, colour in colours.items()})
        target = torch.zeros(size, len(pairs), self.encoder.grid, self.encoder.grid, device=captioned.parts.device)
        for row, colours in enumerate(captioned.colours):
            for part, colour in colours.items():
                target[row, pairs.index((part, colour))] = captioned.parts[row, captions.PARTS.index(part)]
        return CLIPBatch(
            captioned,
            [captions.part_phrase(part, rng) for part in captions.PARTS],
            [captions.coloured_part_phrase(part, colour, rng) for part, colour in pairs],
            target,
        )

    def validate(self, module: CLIPLoss, folder: Path, step: int) -> dict[str, float]:
        """retrieval: share of held-out pictures whose true caption scores highest of ten; iou_*: see part_iou."""
        encoder, batch = module.encoder, self.held_out
        tokens = torch.cat([encoder.encode_image(part) for part in batch.picture.split(32)]).float()
        texts = torch.cat([encoder.encode_text(row).float()[None] for row in batch.texts])
        best = torch.einsum("bd,bad->ba", tokens[:, 0], texts).argmax(1)
        scores = {"retrieval": float((best == 0).float().mean())}
        for part in ("hair", "skin", "eyes", "clothes", "background"):
            relevance = tokens[:, 1:] @ encoder.encode_text([captions.PART_WORDS[part][0]])[0].float()
            scores[f"iou_{part}"] = part_iou(relevance, batch.parts[:, captions.PARTS.index(part)].flatten(1))
        scores["iou"] = float(np.mean([value for name, value in scores.items() if name.startswith("iou")]))
        return scores

    def state_dict(self) -> dict:
        return {"sampler": self.sampler.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.sampler.load_state_dict(state["sampler"])


def part_iou(relevance: Tensor, share: Tensor) -> float:
    """Mean over pictures of the best IoU that one threshold on min-max normalised relevance (B, n) reaches.

    share (B, n): share of the part in each cell; a cell counts as the part from one half on (from a quarter for parts
    too small for any cell to reach one half). Pictures without the part are left out.
    """
    low, high = relevance.amin(1, keepdim=True), relevance.amax(1, keepdim=True)
    m = (relevance - low) / (high - low).clamp(min=1e-9)
    best = []
    for row, cover in zip(m, share, strict=True):
        truth = cover >= (0.5 if (cover >= 0.5).any() else 0.25)
        if truth.any():
            inside = row[None] >= torch.linspace(0.02, 0.98, 49, device=row.device)[:, None]
            union = (inside | truth).sum(1)
            best.append(float(((inside & truth).sum(1) / union).max()))
    return float(np.mean(best)) if best else float("nan")
