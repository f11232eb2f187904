"""Quantised weights on disk -> tensors: the block formats of GGUF, kept as they are in safetensors.

A folder in packed form has the usual `config.json` and `tokenizer.json`, and a `model.safetensors`
with quantised matrices as uint8 rows of blocks and everything else unchanged. Its metadata names
the block format of each matrix.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import safe_open

WEIGHTS_FILE = "model.safetensors"
#: Key of the metadata entry that maps tensor names to block formats, as JSON.
FORMATS_KEY = "block_formats"


def dequantise_q8_0(blocks: torch.Tensor) -> torch.Tensor:
    """Dequantise blocks of w = d q: a half-precision scale, then 32 signed bytes.

    Args:
        blocks: uint8, shape (rows, 34 n).

    Returns:
        float32, shape (rows, 32 n), equal bit for bit to `gguf.dequantize`.
    """
    block = blocks.reshape(-1, 34)
    scale = _half(block[:, :2])
    quants = block[:, 2:].contiguous().view(torch.int8).float()
    return (quants * scale).reshape(len(blocks), -1)


def dequantise_q4_1(blocks: torch.Tensor) -> torch.Tensor:
    """Dequantise blocks of w = d q + m: half-precision d and m, then 16 bytes of two 4-bit q.

    The low halves of the bytes are the first 16 weights, the high halves the last 16.

    Args:
        blocks: uint8, shape (rows, 20 n).

    Returns:
        float32, shape (rows, 32 n), equal bit for bit to `gguf.dequantize`.
    """
    block = blocks.reshape(-1, 20)
    scale, minimum = _half(block[:, :2]), _half(block[:, 2:4])
    packed = block[:, 4:]
    quants = torch.cat([packed & 0x0F, packed >> 4], dim=1).float()
    # d q is exact in float32, so only the sum is rounded, as in the reference
    return quants.mul_(scale).add_(minimum).reshape(len(blocks), -1)


def _half(two_bytes: torch.Tensor) -> torch.Tensor:
    return two_bytes.contiguous().view(torch.float16).float()


DEQUANTISE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "Q4_1": dequantise_q4_1,
    "Q8_0": dequantise_q8_0,
}


def is_packed(folder: Path) -> bool:
    """Whether a folder's weights are in packed form."""
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        return False
    with safe_open(weights, framework="pt") as file:
        return FORMATS_KEY in (file.metadata() or {})


def read_packed(weights: Path) -> dict[str, torch.Tensor]:
    """All tensors of a packed file, in float32, by their names in transformers."""
    with safe_open(weights, framework="pt") as file, _one_thread():
        formats: dict[str, str] = json.loads(file.metadata()[FORMATS_KEY])
        return {
            name: DEQUANTISE[formats[name]](file.get_tensor(name))
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
