"""Document: one text with everything that feature families compute from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from perplexity_detector.lm.alignment import last_start_before, tokens_by_sentence
from perplexity_detector.lm.outputs import ModelOutput, TokenIds
from perplexity_detector.lm.pooling import PooledStates
from perplexity_detector.lm.token_statistics import TokenStatistics
from perplexity_detector.text import sentence_spans, words

#: The input of a document that a family requires.
Inputs = Literal["text", "statistics", "tokens", "states"]


@dataclass(frozen=True)
class Document:
    """One text with its words and sentences, and what the language model computed of it.

    What no family required is empty.

    Attributes:
        text: the text in canonical form.
        statistics: surprisal, rank, entropy and variance of each token.
        tokens: tokens of the text in lower case.
        states: mean hidden states of each sentence.
    """

    text: str
    statistics: TokenStatistics = field(default_factory=TokenStatistics.empty)
    tokens: TokenIds = field(default_factory=TokenIds.empty)
    states: PooledStates = field(default_factory=PooledStates.empty)

    @classmethod
    def from_output(cls, text: str, output: ModelOutput, tokens: TokenIds) -> Document:
        """A document of a canonical text, the model's output, and its tokens in lower case."""
        return cls(
            text,
            output.statistics or TokenStatistics.empty(),
            tokens,
            output.states or PooledStates.empty(),
        )

    @property
    def token_count(self) -> int:
        """Number of tokens, from whichever input is present; 0 if none is."""
        # the last token predicts nothing and has no hidden state
        states = int(self.states.tokens.sum()) + 1 if self.states.tokens.size else 0
        return max(len(self.statistics), states, len(self.tokens.ids))

    @cached_property
    def words(self) -> list[str]:
        """The words of the text, in order, as written."""
        return words(self.text)

    @cached_property
    def sentence_spans(self) -> list[tuple[int, int]]:
        """Start and end of each sentence, in characters of `text`."""
        return sentence_spans(self.text)

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences of the text, in order."""
        return [self.text[start:end] for start, end in self.sentence_spans]

    @cached_property
    def words_by_sentence(self) -> list[list[str]]:
        """The words of each sentence that has any, in order, as written."""
        found = (words(sentence) for sentence in self.sentences)
        return [sentence for sentence in found if sentence]

    @cached_property
    def tokens_by_sentence(self) -> list[np.ndarray]:
        """For each sentence in which a token ends, the indices of those tokens."""
        return tokens_by_sentence(self.sentence_spans, self.statistics.offsets)


def join_documents(documents: Sequence[Document]) -> Document:
    """A document of others one after the other, without running the language model again.

    Each was read by itself, so no statistic or hidden state depends on the others.

    Args:
        documents: one or more, read by the same extractor.
    """
    text = " ".join(one.text for one in documents)
    lengths = [len(one.text) + 1 for one in documents]
    starts = np.cumsum([0, *lengths[:-1]]).astype(np.int32)
    statistics = [one.statistics for one in documents]
    states = [one.states for one in documents if one.states.tokens.size]

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name) for one in statistics])

    def moved(offsets: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([a + start for a, start in zip(offsets, starts, strict=True)])

    return Document(
        text,
        TokenStatistics(
            joined("surprisal"),
            joined("rank"),
            joined("entropy"),
            joined("variance"),
            moved([one.offsets for one in statistics]),
        ),
        TokenIds(
            np.concatenate([one.tokens.ids for one in documents]),
            moved([one.tokens.offsets for one in documents]),
        ),
        PooledStates(
            states[0].layers,
            np.concatenate([one.means for one in states], axis=1),
            np.concatenate([one.tokens for one in states]),
        )
        if states
        else PooledStates.empty(),
    )


def select_sentences(document: Document, chosen: np.ndarray) -> Document:
    """A document of some sentences of another, without running the language model again.

    Statistics and hidden states are those of the whole text, so they depend on sentences that
    are gone.

    Args:
        document: read by any extractor.
        chosen: whether to keep each sentence of its text, bool of shape (sentences,).
    """
    if not len(chosen):
        return document
    text, statistics = document.text, document.statistics
    starts = [0, *(start for start, _ in document.sentence_spans[1:])]
    lengths = np.diff([*starts, len(text)])
    kept = [
        text[start : start + length]
        for start, length, keep in zip(starts, lengths, chosen, strict=True)
        if keep
    ]
    joined = "".join(kept).rstrip()
    # a sentence moves left by the length of the removed sentences before it
    removed = np.where(chosen, 0, lengths)
    shifts = np.cumsum(removed) - removed

    def moved(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # the space after a sentence belongs to it
        sentence = np.maximum(last_start_before(starts, offsets), 0)
        there = offsets - shifts[sentence, None].astype(offsets.dtype)
        # a token of nothing but the space after the last sentence is gone with it
        keep = chosen[sentence] & (there[:, 0] < len(joined))
        return keep, np.clip(there[keep], 0, len(joined))

    keep, offsets = moved(statistics.offsets)
    keep_lowered, lowered = moved(document.tokens.offsets)
    return Document(
        joined,
        TokenStatistics(
            statistics.surprisal[keep],
            statistics.rank[keep],
            statistics.entropy[keep],
            statistics.variance[keep],
            offsets,
        ),
        TokenIds(document.tokens.ids[keep_lowered], lowered),
        _select_states(document.states, chosen),
    )


def _select_states(states: PooledStates, chosen: np.ndarray) -> PooledStates:
    # a last sentence of a single token has no state
    kept = np.flatnonzero(chosen[: len(states.tokens)])
    return replace(states, means=states.means[:, kept], tokens=states.tokens[kept])
