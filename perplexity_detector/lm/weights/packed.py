"""Quantised weights on disk -> tensors: the blocks of GGUF, their bytes sorted by place.

A folder in packed form has the usual `config.json` and `tokenizer.json`, and a `model.safetensors`
with quantised matrices as uint8 and everything else unchanged. Its metadata names the block format
of each matrix. The scales of a matrix lie together, byte by byte, before its quantised weights:
zipped so, smollm2 is 5 MB smaller than with block after block.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import safe_open

WEIGHTS_FILE = "model.safetensors"
#: Key of the metadata entry that maps tensor names to block formats, as JSON.
FORMATS_KEY = "plane_formats"
#: The same in earlier files, whose blocks lie one after another.
_FORMER_KEY = "block_formats"


def dequantise_q8_0(scales: torch.Tensor, quants: torch.Tensor) -> torch.Tensor:
    """Dequantise blocks of w = d q: a half-precision scale, and 32 signed bytes.

    Args:
        scales: bytes of d, uint8 of shape (blocks, 2).
        quants: uint8, shape (blocks, 32).

    Returns:
        float32, shape (blocks, 32), equal bit for bit to `gguf.dequantize`.
    """
    return quants.contiguous().view(torch.int8).float() * _half(scales)


def dequantise_q4_1(scales: torch.Tensor, quants: torch.Tensor) -> torch.Tensor:
    """Dequantise blocks of w = d q + m: half-precision d and m, and 16 bytes of two 4-bit q.

    The low halves of the bytes are the first 16 weights, the high halves the last 16.

    Args:
        scales: bytes of d and m, uint8 of shape (blocks, 4).
        quants: uint8, shape (blocks, 16).

    Returns:
        float32, shape (blocks, 32), equal bit for bit to `gguf.dequantize`.
    """
    scale, minimum = _half(scales[:, :2]), _half(scales[:, 2:])
    # d q is exact in float32, so only the sum is rounded, as in the reference
    weights = torch.cat([quants & 0x0F, quants >> 4], dim=1).float()
    return weights.mul_(scale).add_(minimum)


def _half(two_bytes: torch.Tensor) -> torch.Tensor:
    return two_bytes.flatten().view(torch.float16).float()[:, None]


class BlockFormat(NamedTuple):
    """How 32 weights of a row are stored.

    Attributes:
        scale_bytes: of a block, before its quantised weights.
        quant_bytes: of its quantised weights.
        dequantise: bytes of the scales and quantised weights of blocks -> weights.
    """

    scale_bytes: int
    quant_bytes: int
    dequantise: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


FORMATS = {
    "Q4_1": BlockFormat(4, 16, dequantise_q4_1),
    "Q8_0": BlockFormat(2, 32, dequantise_q8_0),
}


def to_planes(rows: np.ndarray, block_format: str) -> np.ndarray:
    """Sort the bytes of a matrix: the first bytes of all its blocks, the second ones, ...

    Only the bytes of scales are sorted; the quantised weights follow, block after block.

    Args:
        rows: as GGUF stores them, uint8 of shape (rows, bytes of n blocks).
        block_format: of `FORMATS`.

    Returns:
        The same bytes in the same shape.
    """
    scale_bytes, quant_bytes, _ = FORMATS[block_format]
    blocks = rows.reshape(-1, scale_bytes + quant_bytes)
    parts = (blocks[:, :scale_bytes].T.ravel(), blocks[:, scale_bytes:].ravel())
    return np.concatenate(parts).reshape(rows.shape)


def dequantise(stored: torch.Tensor, block_format: str, in_planes: bool = True) -> torch.Tensor:
    """Dequantise a matrix.

    Args:
        stored: uint8, shape (rows, bytes of n blocks).
        block_format: of `FORMATS`.
        in_planes: whether `to_planes` has sorted its bytes.

    Returns:
        float32, shape (rows, 32 n).
    """
    scale_bytes, quant_bytes, weights = FORMATS[block_format]
    if in_planes:
        ordered = stored.flatten()
        size = scale_bytes * (len(ordered) // (scale_bytes + quant_bytes))
        scales = ordered[:size].view(scale_bytes, -1).T
        quants = ordered[size:].view(-1, quant_bytes)
    else:
        blocks = stored.reshape(-1, scale_bytes + quant_bytes)
        scales, quants = blocks[:, :scale_bytes], blocks[:, scale_bytes:]
    return weights(scales, quants).reshape(len(stored), -1)


def is_packed(folder: Path) -> bool:
    """Whether a folder's weights are in packed form."""
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        return False
    with safe_open(weights, framework="pt") as file:
        return not {FORMATS_KEY, _FORMER_KEY}.isdisjoint(file.metadata() or {})


def read_packed(weights: Path) -> dict[str, torch.Tensor]:
    """All tensors of a packed file, in float32, by their names in transformers."""
    with safe_open(weights, framework="pt") as file, _one_thread():
        metadata = file.metadata()
        in_planes = FORMATS_KEY in metadata
        formats: dict[str, str] = json.loads(metadata[FORMATS_KEY if in_planes else _FORMER_KEY])
        return {
            name: dequantise(file.get_tensor(name), formats[name], in_planes)
            if name in formats
            else file.get_tensor(name).float()
            for name in sorted(file.keys())
        }


@contextmanager
def _one_thread() -> Iterator[None]:
    """Use one thread: with more, many small steps take 14 s on a busy machine, not 0.3 s."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
