"""Training of our own small CLIP, in open_clip's model format, on captions that are exactly true.

All terms are on the joint space that the method reads (image tokens v not normalised, texts c normalised):
* captions: image and text agree across the batch;
* hard captions: the true caption among others that differ in one attribute (CLS token);
* parts: each local token agrees with the words of the part it lies in (exact masks);
* coloured parts: and with the words for that part's colour;
* colour: a linear read-out of a local token gives the mean colour of its cell, one of the CLS token the mean colour of
  each part, so that exact colours survive;
* edit: between two pictures that differ in the colour of one part, the tokens of that part differ by a multiple of
  e - a, target minus anchor, and the others do not. That is what equations (6) and (12) do to the tokens of the first
  picture, so a denoiser that follows the tokens of the second follows the edit.
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
EDIT_LENGTH = 10.0  # multiples of e - a between two colours of a part: within the scales that the paper works with


@dataclass(frozen=True)
class CLIPBatch:
    """A captioned batch of recoloured pairs (first all of before, then all of after) with the words for its parts."""

    captioned: Captioned
    part_texts: list[str]  # one per captions.PARTS
    coloured_texts: list[str]
    coloured_target: Tensor  # (B, len(coloured_texts), g, g) share of each coloured part in each cell
    edit_texts: list[str]  # anchors of all pairs, then their targets
    edited: Tensor  # (B / 2, g, g) share of the recoloured part in each cell


class CLIPLoss(nn.Module):
    """See the module's docstring. The heads serve training alone and are not kept."""

    def __init__(self, encoder: ReferenceEncoder):
        super().__init__()
        self.encoder = encoder
        self.colour_head = nn.Linear(encoder.embed_dim, 3)
        self.palette_head = nn.Linear(encoder.embed_dim, 3 * len(captions.PARTS))
        self.dense_scale = nn.Parameter(torch.zeros(()))

    def forward(self, batch: CLIPBatch) -> dict[str, Tensor]:
        captioned = batch.captioned
        size, alternatives = len(captioned.texts), len(captioned.texts[0])
        tokens = self.encoder.encode_image(captioned.picture).float()
        said = [text for row in captioned.texts for text in row]
        groups = [said, batch.part_texts, batch.coloured_texts, batch.edit_texts]
        embedded = self.encoder.encode_text([text for group in groups for text in group]).float()
        of_captions, of_parts, of_coloured, of_edits = embedded.split([len(group) for group in groups])
        of_captions = of_captions.view(size, alternatives, -1)

        cls, local = F.normalize(tokens[:, 0], dim=-1), tokens[:, 1:]
        scale = self.encoder.clip.logit_scale.exp().clamp(max=100)
        logits = scale * cls @ of_captions[:, 0].T  # (B, B)
        diagonal = torch.arange(size, device=logits.device)
        dense_scale = self.dense_scale.exp()
        losses = {
            "contrast": (F.cross_entropy(logits, diagonal) + F.cross_entropy(logits.T, diagonal)) / 2,
            "hard": F.cross_entropy(scale * torch.einsum("bd,bad->ba", cls, of_captions), torch.zeros_like(diagonal)),
            "parts": agreement(dense_scale * local @ of_parts.T, captioned.parts[:, :-1]),
            "coloured": agreement(dense_scale * local @ of_coloured.T, batch.coloured_target),
            "colour": self._colour(tokens, captioned),
            "edit": edit_error(tokens, of_edits, batch.edited),
        }
        weights = {"contrast": 0.5, "colour": 4.0}
        return {"loss": sum(weights.get(name, 1.0) * value for name, value in losses.items()), **losses}

    def _colour(self, tokens: Tensor, captioned: Captioned) -> Tensor:
        """L1 of both read-outs."""
        cells = F.adaptive_avg_pool2d(captioned.picture, self.encoder.grid).flatten(2).mT  # (B, n, 3)
        share = captioned.parts[:, :-1].flatten(2)  # (B, P, n)
        area = share.sum(-1, keepdim=True)
        mean = share @ cells / area.clamp(min=1e-6)  # (B, P, 3)
        palette = self.palette_head(tokens[:, 0]).view_as(mean)
        shown = (area > 0.5).float()
        of_parts = ((palette - mean).abs() * shown).sum() / (3 * shown.sum()).clamp(min=1)
        return F.l1_loss(self.colour_head(tokens[:, 1:]), cells) + of_parts


def edit_error(tokens: Tensor, texts: Tensor, edited: Tensor) -> Tensor:
    """How far the tokens of recoloured pictures are from those of the pictures before, moved along e - a.

    tokens (2 P, 1 + n, D), before and after; texts (2 P, D), anchors and targets; edited (P, g, g), share of the part.
    Squared distance in units of the way to go; the part, the rest and the CLS token count alike.
    """
    before, after = tokens.chunk(2)
    a, e = texts.chunk(2)
    way = EDIT_LENGTH * (e - a)[:, None]  # (P, 1, D)
    unit = way.square().sum(-1).clamp(min=1.0)  # (P, 1)
    share = edited.flatten(1)
    error = ((after - before)[:, 1:] - share[..., None] * way).square().sum(-1) / unit  # (P, n)
    inside, outside = ((error * weight).sum(1) / weight.sum(1).clamp(min=1) for weight in (share, 1 - share))
    of_cls = ((after - before)[:, :1] - way).square().sum(-1) / unit
    return inside.mean() + outside.mean() + 0.5 * of_cls.mean()


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
        self.held_out_pairs = held_out.sample_recoloured(count // 2, encoder.grid, 1)

    def batch(self, size: int) -> CLIPBatch:
        """size captioned pictures, in pairs, and the words of this step."""
        rng = self.sampler.rng
        drawn = self.sampler.sample_recoloured(size // 2, self.encoder.grid, ALTERNATIVES)
        captioned = drawn.captioned
        pairs = sorted({(part, colour) for colours in captioned.colours for part, colour in colours.items()})
        target = torch.zeros(
            len(captioned.texts), len(pairs), self.encoder.grid, self.encoder.grid, device=captioned.parts.device
        )
        for row, colours in enumerate(captioned.colours):
            for part, colour in colours.items():
                target[row, pairs.index((part, colour))] = captioned.parts[row, captions.PARTS.index(part)]
        return CLIPBatch(
            captioned,
            [captions.part_phrase(part, rng) for part in captions.PARTS],
            [captions.coloured_part_phrase(part, colour, rng) for part, colour in pairs],
            target,
            [f"{change[word]} {change[0]}" for word in (1, 2) for change in drawn.changes],
            torch.stack([captioned.parts[i, captions.PARTS.index(part)] for i, (part, *_) in enumerate(drawn.changes)]),
        )

    def validate(self, module: CLIPLoss, folder: Path, step: int) -> dict[str, float]:
        """retrieval: share of held-out pictures whose true caption scores highest of ten; iou_*: see part_iou;
        edit_*: share of the recoloured part's way that moving along e - a goes (1 is all, 0 is no better than before).
        """
        encoder, batch = module.encoder, self.held_out
        tokens = torch.cat([encoder.encode_image(part) for part in batch.picture.split(32)]).float()
        texts = torch.cat([encoder.encode_text(row).float()[None] for row in batch.texts])
        best = torch.einsum("bd,bad->ba", tokens[:, 0], texts).argmax(1)
        scores = {"retrieval": float((best == 0).float().mean())}
        for part in ("hair", "skin", "eyes", "clothes", "background"):
            relevance = tokens[:, 1:] @ encoder.encode_text([captions.PART_WORDS[part][0]])[0].float()
            scores[f"iou_{part}"] = part_iou(relevance, batch.parts[:, captions.PARTS.index(part)].flatten(1))
        scores["iou"] = float(np.mean([value for name, value in scores.items() if name.startswith("iou")]))
        return scores | self._edit_scores(encoder)

    def _edit_scores(self, encoder: ReferenceEncoder) -> dict[str, float]:
        pairs = self.held_out_pairs
        tokens = torch.cat([encoder.encode_image(part) for part in pairs.captioned.picture.split(32)]).float()
        before, after = tokens[:, 1:].chunk(2)
        by_part: dict[str, list[float]] = {}
        for row, (part, old, new) in enumerate(pairs.changes):
            a, e = encoder.encode_text([f"{old} {part}", f"{new} {part}"]).float()
            share = pairs.captioned.parts[row, captions.PARTS.index(part)].flatten()[:, None]
            if not share.any():  # the layout leaves nothing of the part in the picture
                continue
            left = (after[row] - before[row] - EDIT_LENGTH * share * (e - a)).mul(share).norm()
            by_part.setdefault(part, []).append(float(1 - left / (after[row] - before[row]).mul(share).norm()))
        return {f"edit_{part}": float(np.mean(by_part[part])) for part in captions.PARTS if part in by_part}

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
