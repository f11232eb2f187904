"""An embedding whose rows are dequantised when they are looked up."""

from __future__ import annotations

import torch
from torch import nn

from perplexity_detector.lm.weights.packed import PackedMatrix, PackedWeights


class PackedEmbedding(nn.Module):
    """The rows of a quantised matrix, bit for bit those of the dequantised one.

    It takes 30 MB of smollm2's 113 MB, where the head has the same weights in a layout of its own.

    Args:
        matrix: of shape (vocabulary, width).
    """

    scales: torch.Tensor
    quants: torch.Tensor
    like: torch.Tensor

    def __init__(self, matrix: PackedMatrix) -> None:
        super().__init__()
        self.register_buffer("scales", matrix.scales)
        self.register_buffer("quants", matrix.quants)
        # changes its type with the rest of the model
        self.register_buffer("like", torch.zeros(0))
        self._block_format = matrix.block_format

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Token ids of any shape to rows, shape (..., width)."""
        matrix = PackedMatrix(self.scales, self.quants, self._block_format)
        rows = matrix.rows(ids.flatten()).dequantised()
        found: torch.Tensor = rows.to(self.like.dtype).unflatten(0, ids.shape)
        return found


def packed_embedding(weights: PackedWeights, name: str) -> PackedEmbedding | None:
    """The embedding of that name; None if a file has none that is quantised."""
    matrix = weights.matrix(name)
    return None if matrix is None else PackedEmbedding(matrix)
