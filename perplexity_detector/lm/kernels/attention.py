"""Causal attention on the CPU in bfloat16, a block of queries at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from perplexity_detector.lm.kernels.device import multiplies_bfloat16

#: Name among transformers' ways to attend.
BLOCKWISE = "blockwise_bfloat16"
#: Queries that are answered together; keys after them are not looked at.
BLOCK_QUERIES = 128
_NEVER = -1e9


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float
) -> torch.Tensor:
    """softmax(scaling q k^T) v in bfloat16, where each position sees those up to itself.

    torch's own attention multiplies small blocks, which on an AMD EPYC takes twice as long as
    products of all queries of a block, and of all heads that share a key.

    Args:
        query: shape (batch, heads, length, width).
        key: shape (batch, key heads, length, width), of which several heads may share one.
        value: of the shape of `key`.
        scaling: of the products.

    Returns:
        As transformers has it, shape (batch, length, heads, width), in the type of `query`.
    """
    batch, heads, length, width = query.shape
    shared = key.shape[1]
    grouped = (query * scaling).bfloat16().view(batch, shared, heads // shared, length, width)
    key, value = key.bfloat16().transpose(2, 3), value.bfloat16()
    told = grouped.new_empty(batch, length, shared, heads // shared, width)
    later = grouped.new_full((BLOCK_QUERIES, BLOCK_QUERIES), _NEVER).triu_(1)
    for start in range(0, length, BLOCK_QUERIES):
        end = min(length, start + BLOCK_QUERIES)
        asked = grouped[:, :, :, start:end].flatten(2, 3)
        scores = torch.matmul(asked, key[..., :end])
        by_head = scores.view(batch, shared, heads // shared, end - start, end)
        by_head[..., start:].add_(later[: end - start, : end - start])
        answer = torch.matmul(torch.softmax(scores, dim=-1), value[:, :, :end])
        told[:, start:end] = answer.view(batch, shared, -1, end - start, width).movedim(3, 1)
    return told.flatten(2, 3).to(query.dtype)


def set_up_attention(model: Any) -> None:
    """Let a model of transformers on the CPU use `attend` where it pays and no other is asked."""
    if not multiplies_bfloat16() or model.config._attn_implementation != "sdpa":
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
    """`attend` for plain causal attention, and transformers' own for any other."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    plain = attention_mask is None and causal and query.shape[2] == key.shape[2]
    if plain and key.shape == value.shape and settings.get("position_bias") is None:
        return attend(query, key, value, scaling or query.shape[-1] ** -0.5), None
    return sdpa_attention_forward(
        module, query, key, value, attention_mask, scaling=scaling, is_causal=is_causal, **settings
    )
