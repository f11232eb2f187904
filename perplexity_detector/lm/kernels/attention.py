"""Causal attention on the CPU in bfloat16, a block of queries at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from perplexity_detector.lm.kernels.device import multiplies_bfloat16

#: Name under which transformers knows this attention.
BLOCKWISE = "blockwise_bfloat16"
#: Queries per block; keys after the block are skipped.
BLOCK_QUERIES = 128
_MASKED = -1e9


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float
) -> torch.Tensor:
    """Causal attention, softmax(scaling q k^T) v, in bfloat16.

    torch's own attention multiplies small blocks. On an AMD EPYC that takes twice as long as one
    product over all queries of a block and all heads that share a key.

    Args:
        query: shape (batch, heads, length, width).
        key: shape (batch, key heads, length, width); several heads may share a key head.
        value: of the shape of `key`.
        scaling: factor of the products.

    Returns:
        Shape (batch, length, heads, width), as in transformers, in the type of `query`.
    """
    batch, heads, length, width = query.shape
    shared = key.shape[1]
    grouped = (query * scaling).bfloat16().view(batch, shared, heads // shared, length, width)
    key, value = key.bfloat16().transpose(2, 3), value.bfloat16()
    attended = grouped.new_empty(batch, length, shared, heads // shared, width)
    later = grouped.new_full((BLOCK_QUERIES, BLOCK_QUERIES), _MASKED).triu_(1)
    for start in range(0, length, BLOCK_QUERIES):
        end = min(length, start + BLOCK_QUERIES)
        queries = grouped[:, :, :, start:end].flatten(2, 3)
        scores = torch.matmul(queries, key[..., :end])
        by_head = scores.view(batch, shared, heads // shared, end - start, end)
        by_head[..., start:].add_(later[: end - start, : end - start])
        values = torch.matmul(torch.softmax(scores, dim=-1), value[:, :, :end])
        attended[:, start:end] = values.view(batch, shared, -1, end - start, width).movedim(3, 1)
    return attended.flatten(2, 3).to(query.dtype)


def set_up_attention(model: Any) -> None:
    """Use `attend` in a model on the CPU if it is faster and the model uses the default."""
    if not multiplies_bfloat16():
        return
    if hasattr(model, "set_attention"):  # it is no model of transformers
        model.set_attention(attend)
        return
    if model.config._attn_implementation != "sdpa":
        return
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(BLOCKWISE, _attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(BLOCKWISE, sdpa_mask)
    model.set_attn_implementation(BLOCKWISE)


def _attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """`attend` for plain causal attention, transformers' own for any other."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    plain = attention_mask is None and causal and query.shape[2] == key.shape[2]
    if plain and key.shape == value.shape and settings.get("position_bias") is None:
        return attend(query, key, value, scaling or query.shape[-1] ** -0.5), None
    attended: tuple[torch.Tensor, None] = sdpa_attention_forward(
        module, query, key, value, attention_mask, scaling=scaling, is_causal=is_causal, **settings
    )
    return attended
