"""Texts about to be read by the language model, and what is under way on its device."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from perplexity_detector.lm.outputs import ModelOutput, TokenIds
from perplexity_detector.lm.pooling import SentencePooler
from perplexity_detector.lm.token_statistics import TokenStatistics
from perplexity_detector.lm.windows import Window, batches_of, windows_of

Item = TypeVar("Item")


@dataclass(frozen=True)
class ReadJob:
    """Texts that are read together, with what is gathered of them.

    Attributes:
        tokens: of each text.
        results: statistics of each, to be filled in; none if they were not asked for.
        pools: of the states of each; none if they were not asked for.
    """

    tokens: list[TokenIds]
    results: list[TokenStatistics]
    pools: list[SentencePooler]

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        tokens: list[TokenIds],
        layers: tuple[int, ...],
        width: int,
        statistics: bool,
    ) -> ReadJob:
        """The task of reading texts for statistics, or for states of some layers and width."""
        pools = [
            SentencePooler(layers, width, text, one.offsets)
            for text, one in zip(texts, tokens, strict=True)
            if layers
        ]
        results = [TokenStatistics.zeros(one.offsets) for one in tokens] if statistics else []
        return cls(tokens, results, pools)

    def batches(self, window: int, batch_tokens: int) -> Iterator[list[Window]]:
        """What is read at once, see `windows`."""
        lengths = enumerate(len(one.ids) for one in self.tokens)
        windows = [one for text, length in lengths for one in windows_of(text, length, window)]
        return batches_of(windows, batch_tokens)

    def readings(self) -> list[ModelOutput]:
        """What was gathered, text by text."""
        return [
            ModelOutput(
                self.results[text] if self.results else None,
                self.pools[text].states() if self.pools else None,
            )
            for text in range(len(self.tokens))
        ]


def delayed(items: Iterable[Item], by: int) -> Iterator[Item]:
    """The same items, each only once so many after it have been made."""
    held: deque[Item] = deque()
    for item in items:
        held.append(item)
        if len(held) > by:
            yield held.popleft()
    yield from held
