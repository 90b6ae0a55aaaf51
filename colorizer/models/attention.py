"""Attention processors of the U-Net: reference tokens are projected once a generation, never once a step."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention

# Of one layer: key and value, each (B, heads, n, head_dim); for a context of one token the finished output (B, 1, C).
LayerReference = tuple[torch.Tensor, torch.Tensor] | torch.Tensor


@dataclass(frozen=True)
class ReferenceKeyValues:
    """What every cross-attention layer needs of the reference, in the U-Net's layer order.

    It depends on the reference tokens only, so the steps of a generation share it.
    log_weights: (n,) in the dtype of the keys; a token of weight w counts as w equal ones. None where all weigh alike.
    """

    layers: tuple[LayerReference, ...]
    log_weights: torch.Tensor | None = None


def project_tokens(attn: Attention, tokens: torch.Tensor) -> LayerReference:
    """Project reference tokens (B, n, D) for one cross-attention layer.

    With n = 1 the softmax over the keys is 1 whatever the query is: the layer is linear in the token, and its
    output is to_out(to_v(token)). This is the linear layer of the CLS model.
    """
    value = attn.to_v(tokens)
    if tokens.shape[1] == 1:
        return attn.to_out[0](value)
    return split_heads(attn, attn.to_k(tokens)), split_heads(attn, value)


class CrossAttentionProcessor:
    """Cross-attention over the reference of one layer.

    `encoder_hidden_states` is one of
    * None, standing for tokens of zeros: keys and values have no bias, so every value is zero and the output is
      exactly the bias of the output projection;
    * a tensor (B, n, D) of reference tokens, projected here (training);
    * `ReferenceKeyValues` (sampling). A reference batch of 1 serves any batch of `hidden_states`.
    """

    def __init__(self, layer: int):
        self.layer = layer

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | ReferenceKeyValues | None = None,
        attention_mask: None = None,
    ) -> torch.Tensor:
        batch, length, channels = hidden_states.shape
        if encoder_hidden_states is None:
            # One row of zeros through the projection: its bias, in whatever dtype autocast asks for.
            output = attn.to_out[0](hidden_states.new_zeros(1, 1, attn.inner_dim))
            return output.expand(batch, length, channels)

        log_weights = None
        if isinstance(encoder_hidden_states, ReferenceKeyValues):
            reference, log_weights = encoder_hidden_states.layers[self.layer], encoder_hidden_states.log_weights
        else:
            reference = project_tokens(attn, encoder_hidden_states)
        if isinstance(reference, torch.Tensor):
            return reference.expand(batch, length, channels)

        key, value = (tensor.expand(batch, -1, -1, -1) for tensor in reference)
        query = split_heads(attn, attn.to_q(hidden_states))
        # Added to the logits, which softmax then multiplies by the weights.
        mask = None if log_weights is None else log_weights[None]
        output = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        # (B, heads, length, head_dim) -> (B, length, heads * head_dim)
        return attn.to_out[0](output.transpose(1, 2).flatten(2))


def split_heads(attn: Attention, tensor: torch.Tensor) -> torch.Tensor:
    """(B, n, heads * head_dim) -> (B, heads, n, head_dim)"""
    return tensor.unflatten(2, (attn.heads, -1)).transpose(1, 2)
