"""Several references as one: their tokens are concatenated with weights, or averaged where a model sees one token."""

from collections.abc import Sequence

import torch
from torch import Tensor

from colorizer.errors import UserError
from colorizer.manipulation.regions import RegionMask


def combine_references(
    contexts: Sequence[Tensor], weights: Sequence[float], regions: Sequence[RegionMask | None]
) -> tuple[Tensor, Tensor | None]:
    """What the U-Net sees of several references, and the logarithms of its weights.

    contexts: of each reference what the U-Net sees of it, (1, n, D). weights: one a reference, at least 0 and not all
    0. regions: which tokens of a reference count, None for all; where tokens are painted "+" only these, otherwise all
    that are not "-".

    Choice: a token of weight w counts in the attention as w equal tokens would. Scaling the tokens themselves, the
    other reading of a weight, would move them to where no reference lies and flatten the attention as well.

    Returns tokens (1, N, D), and (N,) or None where all weigh alike. With one token a reference (CLS models) they are
    averaged by weight and regions have no effect on them. Raises UserError where nothing is left.
    """
    if not any(weights):
        raise UserError("All references have the weight 0; give one of them more.")
    if contexts[0].shape[1] == 1:
        total = sum(weights)
        return sum(weight / total * context for weight, context in zip(weights, contexts, strict=True)), None
    parts, logarithms = [], []
    for context, weight, region in zip(contexts, weights, regions, strict=True):
        if weight == 0:
            continue
        part = context if region is None else context[:, counting_tokens(region, context.shape[1]).to(context.device)]
        parts.append(part)
        logarithms.append(torch.full(part.shape[1:2], weight, device=part.device).log())
    tokens, log_weights = torch.cat(parts, 1), torch.cat(logarithms)
    if not tokens.shape[1]:
        raise UserError("No part of any reference is left to take colours from; paint other regions.")
    return tokens, None if bool((log_weights == log_weights[0]).all()) else log_weights


def counting_tokens(region: RegionMask, num_tokens: int) -> Tensor:
    """(n,) bool: the tokens of a reference that count. Raises UserError for another token grid."""
    belongs = region.on_relevance(torch.full((1, num_tokens), 0.5))[0]  # 0: "+", 1: "-"
    return belongs == 0 if bool((belongs == 0).any()) else belongs < 1


def counting_cells(region: RegionMask | None) -> Tensor | None:
    """The same as a grid over the reference, (rows, columns) bool; None where all of it counts."""
    if region is None:
        return None
    rows, columns = len(region.rows), len(region.rows[0])
    return counting_tokens(region, rows * columns).reshape(rows, columns)
