"""Hidden states of a pass -> their averages over each sentence, layer by layer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from perplexity_detector.lm.alignment import sentence_of_token
from perplexity_detector.lm.kernels.blocks import blocks_of
from perplexity_detector.lm.kernels.device import to_device_async
from perplexity_detector.text import sentence_spans

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Averages of a text at most: 10 kB each, of which a long one would have hundreds of thousands.
MAX_SENTENCES = 4096
_REGISTERING = threading.Lock()


@dataclass(frozen=True)
class PooledStates:
    """Hidden states of one text, averaged over the tokens of each of its sentences.

    The state of a token is that of the position that has read it; the last token of a text is
    predicted but not read, and has none. Sentences without such tokens are left out; of more
    than `MAX_SENTENCES`, neighbours are averaged together.

    Attributes:
        layers: after how many blocks of the model each state was taken, shape (layers,).
        means: average state by layer and sentence, shape (layers, sentences, width).
        tokens: how many tokens each sentence averages, int32 of shape (sentences,).
    """

    layers: tuple[int, ...]
    means: np.ndarray
    tokens: np.ndarray

    @classmethod
    def empty(cls) -> PooledStates:
        """The states of a text of which none were taken."""
        return cls((), np.zeros((1, 0, 0), np.float32), np.zeros(0, np.int32))

    def mean(self) -> np.ndarray:
        """Average state of the text's tokens, float32 of shape (layers, width); 0 without any."""
        weights = self.tokens / max(1, self.tokens.sum())
        return np.asarray(np.einsum("lsw,s->lw", self.means, weights), np.float32)


class SentencePooler:
    """Adds up the states of one text, window by window.

    Args:
        layers: of which states are kept.
        width: of a state.
        text: as it was tokenised.
        offsets: first and past-the-last character of each token, shape (n, 2).
    """

    def __init__(self, layers: tuple[int, ...], width: int, text: str, offsets: np.ndarray) -> None:
        self.layers = layers
        sentence = sentence_of_token(sentence_spans(text), offsets[:-1])
        together = -(-(int(sentence[-1]) + 1) // MAX_SENTENCES) if len(sentence) else 1
        self.sentence = sentence // together
        sentences = int(self.sentence[-1]) + 1 if len(sentence) else 0
        self.sums = np.zeros((len(layers), sentences, width), np.float32)

    def states(self) -> PooledStates:
        """What was added up, averaged."""
        tokens = np.bincount(self.sentence, minlength=self.sums.shape[1]).astype(np.int32)
        found = tokens > 0
        means = self.sums[:, found] / tokens[found, None].astype(np.float32)
        return PooledStates(self.layers, means, tokens[found])


@torch.inference_mode()
def accumulate_states(
    pools: Sequence[SentencePooler],
    read: Sequence[np.ndarray],
    rows: np.ndarray,
    columns: np.ndarray,
    taken: Sequence[torch.Tensor],
) -> Callable[[], None]:
    """Have the states of one batch added up; what it gives adds them to the pools of its texts.

    A GPU is still at work then: it must have finished before what is given is called.

    Args:
        pools: of the text of each window, in the order of the batch's rows.
        read: for each window, the indices of the tokens whose states are added.
        rows: row in the batch of each such token, windows one after another, shape (states,).
        columns: position in its row, shape (states,).
        taken: hidden states of each layer, (batch, length, width).
    """
    sentences = [pool.sentence[tokens] for pool, tokens in zip(pools, read, strict=True)]
    firsts = [int(found[0]) if len(found) else 0 for found in sentences]
    counts = [int(found[-1]) - first + 1 if len(found) else 0
              for found, first in zip(sentences, firsts, strict=True)]  # fmt: skip
    ends = np.cumsum(counts)
    segments = np.concatenate([
        found - first + end - count
        for found, first, end, count in zip(sentences, firsts, ends, counts, strict=True)
    ])  # fmt: skip
    if not len(segments):
        return lambda: None
    device = taken[0].device
    segment, row, column = (
        to_device_async(np.ascontiguousarray(index), device) for index in (segments, rows, columns)
    )
    told = []
    for hidden in taken:
        states = hidden[row, column].float()
        width = states.shape[1]
        sums = states.new_zeros((int(ends[-1]), width)).index_add_(0, segment, states)
        told.append(sums.to("cpu", non_blocking=True))

    def add() -> None:
        for layer, sums in enumerate(told):
            sums_there = sums.numpy()
            for place, pool in enumerate(pools):
                first, count, end = firsts[place], counts[place], ends[place]
                pool.sums[layer, first : first + count] += sums_there[end - count : end]

    return add


@contextmanager
def capture_hidden_states(
    model: PreTrainedModel, layers: Sequence[int]
) -> Iterator[list[torch.Tensor]]:
    """Within it, a pass of the model leaves the outputs of the chosen blocks in the list it gives.

    Passes of other threads leave nothing there.

    Args:
        model: a causal language model of transformers.
        layers: 1 for the output of the first block, rising.
    """
    taken: list[torch.Tensor] = []
    thread = threading.get_ident()

    def take(_: nn.Module, __: Any, output: Any) -> None:
        if threading.get_ident() == thread:
            taken.append(output[0] if isinstance(output, tuple) else output)

    blocks = blocks_of(model) if layers else nn.ModuleList()
    with _REGISTERING:  # torch numbers hooks without a lock
        handles = [blocks[layer - 1].register_forward_hook(take) for layer in layers]
    try:
        yield taken
    finally:
        for handle in handles:
            handle.remove()
