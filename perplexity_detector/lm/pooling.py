"""Hidden states -> their means over each sentence, layer by layer."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
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

#: A mean takes 10 kB; a long text would have hundreds of thousands.
MAX_SENTENCES = 4096
_REGISTERING = threading.Lock()


@dataclass(frozen=True)
class PooledStates:
    """Hidden states of one text, averaged over the tokens of each sentence.

    The state of a token is that of the position that has read it. The last token of a text is
    predicted but not read, so it has none. Sentences without states are omitted. If there are
    more than `MAX_SENTENCES` sentences, neighbours are averaged together.

    Attributes:
        layers: number of blocks after which each state was taken, shape (layers,).
        means: mean state by layer and sentence, shape (layers, sentences, width).
        tokens: number of tokens averaged for each sentence, int32 of shape (sentences,).
    """

    layers: tuple[int, ...]
    means: np.ndarray
    tokens: np.ndarray

    @classmethod
    def empty(cls) -> PooledStates:
        """No layers and no sentences."""
        return cls((), np.zeros((1, 0, 0), np.float32), np.zeros(0, np.int32))

    def to_layer(self, last: int) -> PooledStates:
        """The states of the layers up to `last` alone."""
        kept = [index for index, layer in enumerate(self.layers) if layer <= last]
        return PooledStates(tuple(self.layers[i] for i in kept), self.means[kept], self.tokens)

    def and_deeper(self, deeper: PooledStates) -> PooledStates:
        """These states and those that a later part of the same pass took, of the same sentences."""
        means = np.concatenate([self.means, deeper.means])
        return PooledStates(self.layers + deeper.layers, means, self.tokens)

    def over_text(self) -> PooledStates:
        """The mean over the whole text in place of its sentences' means, to save memory."""
        if not self.tokens.size:
            return self
        total = self.tokens.sum(keepdims=True, dtype=np.int32)
        return PooledStates(self.layers, self.mean()[:, None], total)

    def mean(self) -> np.ndarray:
        """Mean state over all tokens, float32 of shape (layers, width); 0 without any."""
        weights = self.tokens / max(1, self.tokens.sum())
        return np.asarray(np.einsum("lsw,s->lw", self.means, weights), np.float32)


class SentencePooler:
    """Sums the states of one text by sentence, window by window.

    Args:
        layers: layers whose states are summed.
        width: of a state.
        text: as it was tokenised.
        offsets: first and past-the-last character of each token, shape (n, 2).
    """

    def __init__(self, layers: tuple[int, ...], width: int, text: str, offsets: np.ndarray) -> None:
        self.layers = layers
        sentence = sentence_of_token(sentence_spans(text), offsets[:-1])
        n_sentences = int(sentence[-1]) + 1 if len(sentence) else 0
        group_size = max(1, math.ceil(n_sentences / MAX_SENTENCES))
        self.sentence = sentence // group_size
        self.sums = np.zeros((len(layers), math.ceil(n_sentences / group_size), width), np.float32)

    def states(self) -> PooledStates:
        """The sums divided by the number of tokens."""
        tokens = np.bincount(self.sentence, minlength=self.sums.shape[1]).astype(np.int32)
        has_tokens = tokens > 0
        means = self.sums[:, has_tokens] / tokens[has_tokens, None].astype(np.float32)
        return PooledStates(self.layers, means, tokens[has_tokens])


@dataclass(frozen=True)
class SentenceSums:
    """Sums of the hidden states of one batch, by sentence, on their way from the device.

    Attributes:
        poolers: the pooler of each window's text.
        first_sentences: index of the first sentence of each window in its text.
        sentence_counts: number of sentences of each window.
        sums: of each layer, on the CPU once the device has finished, shape (sentences of all
            windows, width).
    """

    poolers: Sequence[SentencePooler]
    first_sentences: list[int]
    sentence_counts: list[int]
    sums: list[torch.Tensor]

    def add_to_poolers(self) -> None:
        """Add the sums to the poolers; a GPU must have finished."""
        for layer, sums in enumerate(self.sums):
            by_window = np.split(sums.numpy(), np.cumsum(self.sentence_counts)[:-1])
            for pooler, first, of_window in zip(
                self.poolers, self.first_sentences, by_window, strict=True
            ):
                pooler.sums[layer, first : first + len(of_window)] += of_window


@torch.inference_mode()
def accumulate_states(
    poolers: Sequence[SentencePooler],
    tokens: Sequence[np.ndarray],
    rows: np.ndarray,
    columns: np.ndarray,
    hidden_states: Sequence[torch.Tensor],
) -> SentenceSums:
    """Sum the states of one batch by sentence, without waiting for a GPU.

    Args:
        poolers: of the text of each window, in the order of the batch's rows.
        tokens: for each window, the indices in its text of the tokens whose states are summed.
        rows: row in the batch of each such token, one window after another, shape (states,).
        columns: position of each in its row, shape (states,).
        hidden_states: of each layer, (batch, length, width).
    """
    sentences = [pooler.sentence[indices] for pooler, indices in zip(poolers, tokens, strict=True)]
    firsts = [int(found[0]) if len(found) else 0 for found in sentences]
    counts = [
        int(found[-1]) - first + 1 if len(found) else 0
        for found, first in zip(sentences, firsts, strict=True)
    ]
    ends = np.cumsum(counts)
    segments = np.concatenate([
        found - first + end - count
        for found, first, end, count in zip(sentences, firsts, ends, counts, strict=True)
    ])  # fmt: skip
    if not len(segments):
        return SentenceSums(poolers, firsts, counts, [])
    device = hidden_states[0].device
    segment, row, column = (
        to_device_async(np.ascontiguousarray(index), device) for index in (segments, rows, columns)
    )
    layer_sums = []
    for hidden in hidden_states:
        states = hidden[row, column].float()
        sums = states.new_zeros((int(ends[-1]), states.shape[1])).index_add_(0, segment, states)
        layer_sums.append(sums.to("cpu", non_blocking=True))
    return SentenceSums(poolers, firsts, counts, layer_sums)


@contextmanager
def capture_hidden_states(
    model: PreTrainedModel, layers: Sequence[int]
) -> Iterator[list[torch.Tensor]]:
    """Collect the outputs of the chosen blocks of this thread's forward pass.

    Passes of other threads are not captured.

    Args:
        model: a causal language model of transformers.
        layers: block numbers, increasing; 1 is the first block.

    Yields:
        A list to which the pass appends the output of each chosen block.
    """
    captured: list[torch.Tensor] = []
    thread = threading.get_ident()

    def capture(_: nn.Module, __: Any, output: Any) -> None:
        if threading.get_ident() == thread:
            captured.append(output[0] if isinstance(output, tuple) else output)

    blocks = blocks_of(model) if layers else nn.ModuleList()
    with _REGISTERING:  # torch numbers hooks without a lock
        handles = [blocks[layer - 1].register_forward_hook(capture) for layer in layers]
    try:
        yield captured
    finally:
        for handle in handles:
            handle.remove()
