"""Quantised weights on disk -> tensors: the blocks of GGUF, their bytes sorted by place.

A folder in packed form has the usual `config.json` and `tokenizer.json`, and a `model.safetensors`
with quantised matrices as uint8 and everything else unchanged. Its metadata names the block format
of each matrix. The scales of a matrix lie together, byte by byte, before its quantised weights:
zipped so, smollm2 is 5 MB smaller than with block after block.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
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


#: Weights dequantised at a time: what is computed on the way fits the processor's cache, and is too
#: small for memory to be mapped for it.
_WEIGHTS_AT_ONCE = 1 << 16


def dequantise_q8_0(scales: torch.Tensor, quants: torch.Tensor, weights: torch.Tensor) -> None:
    """Dequantise blocks of w = d q: a half-precision scale, and 32 signed bytes.

    Args:
        scales: bytes of d, uint8 of shape (blocks, 2).
        quants: uint8, shape (blocks, 32).
        weights: the result, float32 of shape (blocks, 32), equal bit for bit to
            `gguf.dequantize`.
    """
    torch.mul(quants.view(torch.int8), _half(scales), out=weights)


def dequantise_q4_1(scales: torch.Tensor, quants: torch.Tensor, weights: torch.Tensor) -> None:
    """Dequantise blocks of w = d q + m: half-precision d and m, and 16 bytes of two 4-bit q.

    The low halves of the bytes are the first 16 weights, the high halves the last 16.

    Args:
        scales: bytes of d and m, uint8 of shape (blocks, 4).
        quants: uint8, shape (blocks, 16).
        weights: the result, float32 of shape (blocks, 32), equal bit for bit to
            `gguf.dequantize`.
    """
    weights[:, :16] = quants & 0x0F
    weights[:, 16:] = quants >> 4
    # d q is exact in float32, so only the sum is rounded, as in the reference
    weights.mul_(_half(scales[:, :2])).add_(_half(scales[:, 2:]))


def _half(two_bytes: torch.Tensor) -> torch.Tensor:
    return two_bytes.contiguous().view(torch.float16).float()


class BlockFormat(NamedTuple):
    """How 32 weights of a row are stored.

    Attributes:
        scale_bytes: of a block, before its quantised weights.
        quant_bytes: of its quantised weights.
        dequantise: from bytes of the scales and quantised weights of blocks, fills in weights.
    """

    scale_bytes: int
    quant_bytes: int
    dequantise: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None]


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


class PackedMatrix(NamedTuple):
    """A quantised matrix.

    Attributes:
        scales: bytes of the scales, uint8 of shape (rows, blocks of a row, bytes for a block).
        quants: of the quantised weights, in the same shape but for the last axis.
        block_format: of `FORMATS`.
    """

    scales: torch.Tensor
    quants: torch.Tensor
    block_format: str

    @classmethod
    def from_stored(
        cls, stored: torch.Tensor, block_format: str, in_planes: bool = True
    ) -> PackedMatrix:
        """A matrix as a file has it, without a copy.

        Args:
            stored: uint8, shape (rows, bytes of n blocks).
            block_format: of `FORMATS`.
            in_planes: whether `to_planes` has sorted its bytes.
        """
        scale_bytes, quant_bytes, _ = FORMATS[block_format]
        blocks = (len(stored), -1)
        if in_planes:
            ordered = stored.flatten()
            size = scale_bytes * (len(ordered) // (scale_bytes + quant_bytes))
            scales = ordered[:size].view(scale_bytes, *blocks).permute(1, 2, 0)
            return cls(scales, ordered[size:].view(*blocks, quant_bytes), block_format)
        together = stored.reshape(*blocks, scale_bytes + quant_bytes)
        return cls(together[..., :scale_bytes], together[..., scale_bytes:], block_format)

    def dequantised(self) -> torch.Tensor:
        """The weights, float32 of shape (rows, 32 n)."""
        dequantise = FORMATS[self.block_format].dequantise
        rows, blocks = self.quants.shape[:2]
        weights = torch.empty(rows, 32 * blocks)
        parts = (self.scales, self.quants, weights.view(rows, blocks, 32))
        at_once = max(1, _WEIGHTS_AT_ONCE // (32 * blocks))
        for chunk in zip(*(part.split(at_once) for part in parts), strict=True):
            dequantise(*(part.flatten(0, 1) for part in chunk))
        return weights

    def rows(self, index: torch.Tensor) -> PackedMatrix:
        """Some of the rows, in the order of an index."""
        return self._replace(scales=self.scales[index], quants=self.quants[index])


def dequantise(stored: torch.Tensor, block_format: str, in_planes: bool = True) -> torch.Tensor:
    """Dequantise a matrix; arguments as for `PackedMatrix.from_stored`.

    Returns:
        float32, shape (rows, 32 n).
    """
    return PackedMatrix.from_stored(stored, block_format, in_planes).dequantised()


class PackedWeights(Mapping[str, torch.Tensor]):
    """The tensors of a packed file by their names in transformers, read when they are asked for.

    Each is made anew, in float32 and in memory of its own; the file is mapped only meanwhile.

    Args:
        file: in packed form.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        with safe_open(file, framework="pt") as opened:
            metadata = opened.metadata()
            self._names = frozenset(opened.keys())
        self._in_planes = FORMATS_KEY in metadata
        self._formats: dict[str, str] = json.loads(
            metadata[FORMATS_KEY if self._in_planes else _FORMER_KEY]
        )

    def __getitem__(self, name: str) -> torch.Tensor:
        if name not in self._names:
            raise KeyError(name)
        with safe_open(self._file, framework="pt") as opened:
            stored: torch.Tensor = opened.get_tensor(name)
            if name in self._formats:
                return dequantise(stored, self._formats[name], self._in_planes)
            return stored.to(torch.float32, copy=True)

    def __contains__(self, name: object) -> bool:
        return name in self._names  # without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def matrix(self, name: str) -> PackedMatrix | None:
        """A matrix as it is stored, in memory of its own; None if it is not quantised."""
        if name not in self._formats:
            return None
        with safe_open(self._file, framework="pt") as opened:
            stored = opened.get_tensor(name).clone()
        return PackedMatrix.from_stored(stored, self._formats[name], self._in_planes)


def is_packed(folder: Path) -> bool:
    """Whether a folder's weights are in packed form."""
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        return False
    with safe_open(weights, framework="pt") as file:
        return not {FORMATS_KEY, _FORMER_KEY}.isdisjoint(file.metadata() or {})
