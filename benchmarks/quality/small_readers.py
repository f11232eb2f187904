"""Small readers that take the place of `fast`'s: its model's first blocks, and students of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.quality.fold_data import Texts
from perplexity_detector.features.document import Document
from perplexity_detector.features.pipeline import Requirements, read_documents
from perplexity_detector.features.representation import STATE_DEPTHS
from perplexity_detector.lm.pooling import PooledStates
from perplexity_detector.lm.scorer import LanguageModelScorer

#: Share of the teacher's blocks that `fast` reads, and the number of all.
DEPTH, TEACHER_BLOCKS = 0.5, 30


class Reader(NamedTuple):
    """What reads texts in place of `fast`'s 15 blocks.

    Attributes:
        scorer: the teacher, read to some depth, or a student.
        layers: numbers of the blocks whose states are pooled; none to pool the embedding.
    """

    scorer: LanguageModelScorer
    layers: list[int]

    @property
    def depth(self) -> float:
        """The depth at which a detector reads as many layers."""
        return STATE_DEPTHS[max(0, len(self.layers) - 1)]

    def documents(self, texts: Sequence[str]) -> list[Document]:
        """Texts in canonical form as a detector of `depth` wants them."""
        required = Requirements(lowercase_tokens=True, layers=self.layers, statistics=False)
        documents = read_documents(self.scorer, texts, required)
        if not self.layers:
            pooled = [self._embedding(one.ids) for one in self.scorer.tokens(texts)]
            return [replace(one, states=it) for one, it in zip(documents, pooled, strict=True)]
        return [replace(one, states=one.states.over_text()) for one in documents]

    def _embedding(self, ids: np.ndarray) -> PooledStates:
        read = ids[:-1]
        if not len(read):
            return PooledStates.empty()
        rows: torch.Tensor = self.scorer.model.get_input_embeddings()(torch.from_numpy(read))
        tokens = np.array([len(read)], np.int32)
        return PooledStates((0,), rows.detach().float().mean(0).numpy()[None, None], tokens)


def first_reader(blocks: int, precision: str) -> Reader:
    """The teacher's first blocks; its embedding if none."""
    scorer = LanguageModelScorer(precision=precision, depth=max(1, blocks) / TEACHER_BLOCKS)
    return Reader(scorer, list(range(1, blocks + 1)))


def student_reader(folder: Path, precision: str) -> Reader:
    """A student that was written to a folder, with the states of all its blocks."""
    scorer = LanguageModelScorer(str(folder), precision=precision)
    return Reader(scorer, list(range(1, scorer.blocks + 1)))


def read_by(reader: Reader, texts: Texts) -> Texts:
    """Texts with the states of a reader."""
    documents = [
        replace(one, states=read.states)
        for one, read in zip(
            texts.documents, reader.documents([one.text for one in texts.documents]), strict=True
        )
    ]
    return replace(texts, documents=documents)


def to_layer(texts: Texts, last: int) -> Texts:
    """Texts with the states of the layers up to `last` alone."""
    documents = [replace(one, states=one.states.to_layer(last)) for one in texts.documents]
    return replace(texts, documents=documents)
