"""Hidden states -> four statistics per token, without holding all logits in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

#: Rows of logits in memory at once: 64 rows of 49,152 fit the processor's cache, 256 do not.
CHUNK_ROWS = 64
#: Rows whose statistics a CPU computes at once: each step finds in the cache what the one before it
#: has left there. With 64, head and statistics in int8 take a sixth longer.
STATISTICS_ROWS = 8


@dataclass(frozen=True)
class TokenStatistics:
    """Four statistics of each of the n tokens of a text.

    Attributes:
        surprisal: s_t = -ln p(x_t | x_<t), in nats, float32 of shape (n,).
        rank: 1 for the likeliest token, int32 of shape (n,).
        entropy: H_t = -sum p ln p of the prediction, in nats, float32 of shape (n,).
        variance: V_t = sum p (ln p)^2 - H_t^2, in nats squared, float32 of shape (n,).
        offsets: first and past-the-last character of each token, int32 of shape (n, 2).
    """

    surprisal: np.ndarray
    rank: np.ndarray
    entropy: np.ndarray
    variance: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.surprisal)

    @classmethod
    def empty(cls) -> TokenStatistics:
        """The statistics of a text without tokens."""
        return cls.zeros(np.zeros((0, 2), np.int32))

    @classmethod
    def zeros(cls, offsets: np.ndarray) -> TokenStatistics:
        """Zeros, to be filled in, for tokens with these offsets, int32 of shape (n, 2)."""
        n = len(offsets)
        surprisal, entropy, variance = (np.zeros(n, np.float32) for _ in range(3))
        return cls(surprisal, np.zeros(n, np.int32), entropy, variance, offsets)

    def fill(self, start: int, columns: Sequence[torch.Tensor]) -> None:
        """Set surprisal, rank, entropy and variance of the tokens from `start` on."""
        arrays = (self.surprisal, self.rank, self.entropy, self.variance)
        for array, column in zip(arrays, columns, strict=True):
            array[start : start + len(column)] = column.numpy()


def token_statistics(
    hidden: torch.Tensor,
    targets: torch.Tensor,
    head: Callable[[torch.Tensor], torch.Tensor],
    chunk_rows: int = CHUNK_ROWS,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Surprisal, rank, entropy and variance of each target token.

    The head runs over `chunk_rows` rows at a time, so memory does not grow with the length of
    the text. Logits of fewer than 32 bits are converted to float32 first.

    Args:
        hidden: last hidden states, shape (n, width).
        targets: the token that follows each state, int64 of shape (n,).
        head: maps (rows, width) to logits (rows, vocabulary).
        chunk_rows: rows of logits in memory at once.

    Returns:
        Four tensors of shape (n,) on the device of `hidden`: surprisal (nats), rank (1 is the
        likeliest; ties count as equally likely), entropy (nats), variance (nats squared).
    """
    at_once = STATISTICS_ROWS if hidden.device.type == "cpu" else chunk_rows
    chunks = [
        _chunk_statistics(logits, some)
        for rows, wanted in zip(hidden.split(chunk_rows), targets.split(chunk_rows), strict=True)
        for logits, some in zip(head(rows).split(at_once), wanted.split(at_once), strict=True)
    ]
    if not chunks:
        empty = hidden.new_zeros(0, dtype=torch.float32)
        return empty, empty.long(), empty, empty
    surprisal, rank, entropy, variance = (torch.cat(column) for column in zip(*chunks, strict=True))
    return surprisal, rank, entropy, variance


def _chunk_statistics(
    logits: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Statistics of one chunk of logits (rows, vocabulary), which are overwritten."""
    if logits.dtype not in (torch.float32, torch.float64):
        logits = logits.float()
    wanted = logits.gather(1, targets[:, None])
    weight = torch.empty_like(logits)
    # counting in the logits' own type is six times faster than in integers, and exact up to 2^24
    rank = 1 + torch.gt(logits, wanted, out=weight).sum(dim=1).long()
    top = logits.amax(dim=1, keepdim=True)
    shifted = logits.sub_(top)  # l - max l, so that no exponential overflows
    torch.exp(shifted, out=weight)
    total = weight.sum(dim=1)
    # moments of the shifted logits under p; ln p = shifted - ln(total)
    weight.mul_(shifted)
    first = weight.sum(dim=1) / total
    second = weight.mul_(shifted).sum(dim=1) / total
    log_total = total.log()
    surprisal = log_total - (wanted - top).squeeze(1)
    entropy = log_total - first
    variance = (second - first.square()).clamp_min(0)
    return surprisal, rank, entropy, variance
