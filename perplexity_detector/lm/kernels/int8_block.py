"""A block of Llama in 8-bit integers, with little work between its products."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from perplexity_detector.lm.kernels.int8_linear import QuantisedRows, quantised
from perplexity_detector.lm.llama import Block, Llama, RMSNorm


class Int8Block(nn.Module):
    """`Block` with layers of 8-bit integers; inputs of several layers are quantised once.

    What it computes is what the block computes, but for rounding. The norm's factor and the scales
    of rows are multiplied in once, where the largest states are not passed over again.

    Args:
        block: whose layers are `Int8Linear`; they are not copied.
    """

    def __init__(self, block: Block) -> None:
        super().__init__()
        # under the block's own names, so that weights are shared by name
        self.self_attn: Any = block.self_attn
        self.mlp: Any = block.mlp
        self.input_layernorm = block.input_layernorm
        self.post_attention_layernorm = block.post_attention_layernorm

    def forward(
        self, hidden: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """Float32 hidden states (batch, length, width) after the block."""
        rows = hidden.reshape(-1, hidden.shape[-1])
        attended = self._attended(normed(rows, self.input_layernorm), hidden.shape, rotation)
        # a new tensor: a reading that pauses, or pools states, keeps `hidden`
        after = torch.addcmul(
            rows, self.self_attn.o_proj.multiply(attended.integers), attended.scale
        )
        inner = self._inner(normed(after, self.post_attention_layernorm))
        after.addcmul_(self.mlp.down_proj.multiply(inner.integers), inner.scale)
        return after.view(hidden.shape)

    def _attended(
        self,
        rows: QuantisedRows,
        shape: torch.Size,
        rotation: tuple[torch.Tensor, torch.Tensor],
    ) -> QuantisedRows:
        """Inputs of the attention's last layer."""
        layers = self.self_attn
        by_head = (*shape[:2], -1, layers.head_width)
        projections = (layers.q_proj, layers.k_proj, layers.v_proj)
        query, key, value = (one.product(rows).view(by_head) for one in projections)
        states = (turned(query, rotation), turned(key, rotation), value)
        query, key, value = (one.transpose(1, 2) for one in states)
        attended = layers.attention(query, key, value, layers.head_width**-0.5)
        return quantised(attended.reshape(len(rows.integers), -1))

    def _inner(self, rows: QuantisedRows) -> QuantisedRows:
        """Inputs of the perceptron's last layer."""
        gate = functional.silu(self.mlp.gate_proj.product(rows), inplace=True)
        # the scale of `up` is that of its row, so it can wait until the row is quantised
        inner = quantised(gate.mul_(self.mlp.up_proj.multiply(rows.integers)))
        return inner._replace(scale=inner.scale * rows.scale)


def use_int8_blocks(model: Llama) -> None:
    """Replace, in place, the blocks of a model whose layers are `Int8Linear`."""
    layers = model.model.layers
    for index, block in enumerate(layers):
        if isinstance(block, Block):
            layers[index] = Int8Block(block)


def normed(rows: torch.Tensor, norm: RMSNorm) -> QuantisedRows:
    """The norm of rows (rows, width), quantised.

    The norm divides a whole row by one number, which changes no integer and goes into the scale.
    """
    integers, scale = quantised(rows * norm.weight)
    mean_square = torch.linalg.vector_norm(rows, dim=1, keepdim=True).square_().div_(rows.shape[1])
    return QuantisedRows(integers, scale.mul_(mean_square.add_(norm.eps).rsqrt_()))


def turned(states: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """`llama.rotated` in three steps, of queries or keys (batch, length, heads, width)."""
    cosines, sines = (one[:, None] for one in rotation)
    half = states.shape[-1] // 2
    turned = states * cosines
    turned[..., :half].addcmul_(states[..., half:], sines[..., :half], value=-1)
    turned[..., half:].addcmul_(states[..., :half], sines[..., half:])
    return turned
