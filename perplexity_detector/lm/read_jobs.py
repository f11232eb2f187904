"""Texts to be read together, and their batches under way on a device."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import nn

from perplexity_detector.lm.outputs import ModelOutput, TokenIds
from perplexity_detector.lm.pooling import SentencePooler, SentenceSums
from perplexity_detector.lm.token_statistics import TokenStatistics
from perplexity_detector.lm.windows import Window, batches_of, windows_of

Item = TypeVar("Item")


@dataclass(frozen=True)
class ResidualStream:
    """What the first blocks have made of some texts: a later pass goes on from here.

    Attributes:
        blocks: how many blocks have run.
        states: of each window, shape (length of its batch, width).
    """

    blocks: int
    states: dict[Window, torch.Tensor] = field(default_factory=dict)

    def of_texts(self, chosen: Sequence[int]) -> ResidualStream:
        """That of the chosen texts, which are numbered anew in this order."""
        number = {text: new for new, text in enumerate(chosen)}
        kept = {
            window._replace(text=number[window.text]): states
            for window, states in self.states.items()
            if window.text in number
        }
        return ResidualStream(self.blocks, kept)

    def batch(self, windows: Sequence[Window]) -> torch.Tensor:
        """The states of some windows, padded with zeros, (windows, length, width)."""
        rows = [self.states[window][: window.end - window.start] for window in windows]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True)


@dataclass(frozen=True)
class ReadJob:
    """Texts that are read together, and their results so far.

    Attributes:
        tokens: of each text.
        statistics: of each text, filled in batch by batch; empty if they were not requested.
        poolers: of the hidden states of each text; empty if they were not requested.
        start: where the pass begins; at the first block if None.
        stop: where it ends, filled in batch by batch; after all blocks if None.
    """

    tokens: list[TokenIds]
    statistics: list[TokenStatistics]
    poolers: list[SentencePooler]
    start: ResidualStream | None = None
    stop: ResidualStream | None = None

    @classmethod
    def from_texts(
        cls,
        texts: Sequence[str],
        tokens: list[TokenIds],
        layers: tuple[int, ...],
        width: int,
        statistics: bool,
    ) -> ReadJob:
        """Prepare texts to be read for statistics, hidden states or both.

        Args:
            texts: any strings.
            tokens: of each text.
            layers: layers whose hidden states are pooled, if any.
            width: of a hidden state.
            statistics: whether token statistics are computed.
        """
        poolers = [
            SentencePooler(layers, width, text, one.offsets)
            for text, one in zip(texts, tokens, strict=True)
            if layers
        ]
        zeros = [TokenStatistics.zeros(one.offsets) for one in tokens] if statistics else []
        return cls(tokens, zeros, poolers)

    def batches(self, window: int, batch_tokens: int) -> Iterator[list[Window]]:
        """Windows of at most `window` tokens, in batches; see `windows`."""
        lengths = enumerate(len(one.ids) for one in self.tokens)
        windows = [one for text, length in lengths for one in windows_of(text, length, window)]
        return batches_of(windows, batch_tokens)

    def outputs(self) -> list[ModelOutput]:
        """The result of each text, once all batches have been collected."""
        return [
            ModelOutput(
                self.statistics[text] if self.statistics else None,
                self.poolers[text].states() if self.poolers else None,
            )
            for text in range(len(self.tokens))
        ]


@dataclass(frozen=True)
class BatchInFlight:
    """A batch whose results a GPU may still be computing.

    Attributes:
        job: the job to which the batch belongs.
        windows: the rows of the batch.
        statistics: surprisal, rank, entropy and variance of the scored tokens of all windows, one
            after another; empty if they were not requested.
        sums: of the hidden states; None if they were not requested.
        done: marks the end of the GPU's work on this batch; None on a CPU.
    """

    job: ReadJob
    windows: list[Window]
    statistics: list[torch.Tensor]
    sums: SentenceSums | None
    done: torch.cuda.Event | None

    def collect(self) -> int:
        """Wait for the results, add them to the job, and return the number of tokens scored."""
        if self.done is not None:
            self.done.synchronize()
        if self.sums is not None:
            self.sums.add_to_poolers()
        sizes = [window.end - window.first_scored for window in self.windows]
        if self.statistics:
            by_window = zip(*(one.split(sizes) for one in self.statistics), strict=True)
            for window, columns in zip(self.windows, by_window, strict=True):
                self.job.statistics[window.text].fill(window.first_scored, columns)
        return sum(sizes)


def delayed(items: Iterable[Item], by: int) -> Iterator[Item]:
    """Yield each item once `by` later ones have been made, or all have."""
    held: deque[Item] = deque()
    for item in items:
        held.append(item)
        if len(held) > by:
            yield held.popleft()
    yield from held
