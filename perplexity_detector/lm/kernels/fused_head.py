"""Hidden states -> four statistics per token on a GPU, in one kernel: logits stay in registers.

Imported only if Triton is installed, which comes with the CUDA builds of torch.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import torch
import triton
import triton.language as tl

#: Numbers that the kernel keeps per row and part of the vocabulary; see `_merged`.
_KEPT = 6
#: Fewest programs per launch: several for each of the 132 multiprocessors of an H100.
_PROGRAMS = 512


class Tiling(NamedTuple):
    """How the product of states and head is cut into tiles.

    Attributes:
        rows: tokens per tile.
        columns: words of the vocabulary per tile.
        depth: numbers of a state multiplied at once; the greatest common divisor with the width
            is used.
        warps: of 32 threads, that share a tile.
        stages: loads in flight at once.
    """

    rows: int = 128
    columns: int = 256
    depth: int = 64
    warps: int = 8
    stages: int = 3

    def bytes_shared(self, itemsize: int = 2) -> int:
        """Bytes of a multiprocessor's shared memory that the loads take; `itemsize` in bytes."""
        return self.stages * (self.rows + self.columns) * self.depth * itemsize


#: The first that fits a GPU's shared memory is used: on an H100 or A100 the first, on smaller
#: GPUs the second or third.
TILINGS = (Tiling(), Tiling(columns=128), Tiling(columns=128, depth=32))


def tiling_of(device: torch.device) -> Tiling:
    """The tiling for a GPU."""
    index = torch.cuda.current_device() if device.index is None else device.index
    card = triton.runtime.driver.active.utils.get_device_properties(index)
    return fitting(card["max_shared_mem"])


def fitting(memory: int) -> Tiling:
    """The tiling for multiprocessors with `memory` bytes of shared memory."""
    return next((one for one in TILINGS if one.bytes_shared() <= memory), TILINGS[-1])


def fused_statistics(
    hidden: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor, tiling: Tiling = TILINGS[0]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Surprisal, rank, entropy and variance of each target, as `token_statistics` gives them.

    A program multiplies a tile of tokens with one tile of words after another and updates five
    running numbers per token: the largest logit, the sums of e^l, l e^l and l^2 e^l (shifted by
    the largest), and how many logits exceed the target's. The target's logit is computed first,
    by the same instructions, so that equal logits count as equal. Logits are float32 and never
    rounded to the type of the weights, so ranks are closer to those of float32 than to those of
    a head that writes bfloat16.

    Args:
        hidden: last hidden states, shape (n, width).
        targets: the token that follows each state, int64 of shape (n,).
        weight: of the head, without bias, shape (vocabulary, width), of the states' type.
        tiling: of the product.

    Returns:
        Four tensors of shape (n,): float32, int64, float32, float32.
    """
    hidden, weight = hidden.contiguous(), weight.contiguous()
    (rows, width), vocabulary = hidden.shape, len(weight)
    if not rows:
        none = hidden.new_zeros(0, dtype=torch.float32)
        return none, targets, none, none
    tiles = triton.cdiv(rows, tiling.rows)
    words = triton.cdiv(vocabulary, tiling.columns)
    # each part of the vocabulary computes the target's logit again, so parts should be few
    parts = min(words, triton.cdiv(_PROGRAMS, tiles))
    words_each = triton.cdiv(words, parts)
    parts = triton.cdiv(words, words_each)
    kept = hidden.new_empty((_KEPT, parts, rows), dtype=torch.float32)
    # Triton launches on the thread's current GPU, which may not be that of the tensors
    with torch.cuda.device_of(hidden):
        # parts vary fastest, so that programs that run together share the tokens' states
        _kernel[(tiles * parts,)](
            hidden, targets, weight, kept, rows, vocabulary, parts, words_each * tiling.columns,
            width=width, tile_rows=tiling.rows, tile_columns=tiling.columns,
            tile_depth=gcd(width, tiling.depth),
            num_warps=tiling.warps, num_stages=tiling.stages,
        )  # fmt: skip
    return _merged(kept)


def _merged(kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The statistics from the numbers of each part of the vocabulary, shape (6, parts, rows).

    The six are the largest logit m, the sums of e, e s and e s^2 with s = l - m and e = exp(s),
    the number of logits above the target's, and the target's logit.
    """
    tops, totals, firsts, seconds, greater, wanted = kept
    top = tops.amax(dim=0)
    shift = tops - top
    # e^(l - top) = scale e, and l - top = s + shift
    scale = shift.exp()
    totals, firsts, seconds = scale * totals, scale * firsts, scale * seconds
    total = totals.sum(dim=0)
    first = (firsts + shift * totals).sum(dim=0) / total
    second = (seconds + shift * (2 * firsts + shift * totals)).sum(dim=0) / total
    log_total = total.log()
    surprisal = log_total + top - wanted[0]
    rank = 1 + greater.sum(dim=0).long()
    return surprisal, rank, log_total - first, (second - first.square()).clamp_min(0)


@triton.jit
def _logits(
    hidden: tl.tensor, rows: tl.tensor, weight: tl.tensor, words: tl.tensor,
    width: tl.constexpr, tile_rows: tl.constexpr, tile_columns: tl.constexpr,
    tile_depth: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Logits of some words after some rows, float32 (tile_rows, tile_columns)."""
    logits = tl.zeros((tile_rows, tile_columns), tl.float32)
    states = hidden + rows.to(tl.int64)[:, None] * width
    embedded = weight + words.to(tl.int64)[None, :] * width
    for start in range(0, width, tile_depth):
        at = start + tl.arange(0, tile_depth)
        logits = tl.dot(
            tl.load(states + at[None, :]),
            tl.load(embedded + at[:, None]),
            logits,
            input_precision="ieee",
        )
    return logits


# compiled once, whatever the number of tokens
@triton.jit(do_not_specialize=["n", "vocabulary", "parts", "words_each"])
def _kernel(
    hidden: tl.tensor, targets: tl.tensor, weight: tl.tensor, kept: tl.tensor,
    n: tl.tensor, vocabulary: tl.tensor, parts: tl.tensor, words_each: tl.tensor,
    width: tl.constexpr, tile_rows: tl.constexpr, tile_columns: tl.constexpr,
    tile_depth: tl.constexpr,
) -> None:  # fmt: skip
    """One tile of tokens against one part of the vocabulary."""
    program = tl.program_id(0)
    part = program % parts
    place = tl.arange(0, tile_rows)
    column = (program // parts) * tile_rows + place
    # past the end the last row or word is read again, so that no load needs a mask
    rows = tl.minimum(column, n - 1)
    target = tl.load(targets + rows)
    square = _logits(hidden, rows, weight, target, width, tile_rows, tile_rows, tile_depth)
    wanted = tl.sum(tl.where(place[:, None] == place[None, :], square, 0.0), axis=1)

    top = tl.full((tile_rows,), -1e30, tl.float32)
    total = tl.zeros((tile_rows,), tl.float32)
    first = tl.zeros((tile_rows,), tl.float32)
    second = tl.zeros((tile_rows,), tl.float32)
    greater = tl.zeros((tile_rows,), tl.float32)
    end = tl.minimum((part + 1) * words_each, vocabulary)
    for start in range(part * words_each, end, tile_columns):
        words = start + tl.arange(0, tile_columns)
        read = tl.minimum(words, vocabulary - 1)
        logits = _logits(hidden, rows, weight, read, width, tile_rows, tile_columns, tile_depth)
        # finite, so that 0 times it is 0, not NaN
        logits = tl.where((words < vocabulary)[None, :], logits, -1e30)
        others = (words[None, :] != target[:, None]) & (logits > wanted[:, None])
        greater += tl.sum(others.to(tl.float32), axis=1)
        new_top = tl.maximum(top, tl.max(logits, axis=1))
        # shift the sums so far by the new maximum; exp(-1e30) is 0
        shift = top - new_top
        scale = tl.exp(shift)
        total *= scale
        first *= scale
        second = second * scale + shift * (2 * first + shift * total)
        first += shift * total
        shifted = logits - new_top[:, None]
        weights = tl.exp(shifted)
        total += tl.sum(weights, axis=1)
        weights *= shifted
        first += tl.sum(weights, axis=1)
        second += tl.sum(weights * shifted, axis=1)
        top = new_top

    size = parts * n
    kept += part * n + column
    inside = column < n
    tl.store(kept, top, mask=inside)
    tl.store(kept + size, total, mask=inside)
    tl.store(kept + 2 * size, first, mask=inside)
    tl.store(kept + 3 * size, second, mask=inside)
    tl.store(kept + 4 * size, greater, mask=inside)
    tl.store(kept + 5 * size, wanted, mask=inside)
