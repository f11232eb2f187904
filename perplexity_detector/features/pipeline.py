"""Texts -> documents: what the families need is read, chunk after chunk, or all at once.

Where a GPU reads, `read_overlapped` lets everybody work: one thread makes texts ready, one
keeps the card busy, and processes make features of what has been read.
"""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np

from perplexity_detector.features import representation
from perplexity_detector.features.cross_fitting import feature_matrix
from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.outputs import ModelOutput, TokenIds
from perplexity_detector.lm.read_jobs import ReadJob
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.text import canonicalise, lower

#: Texts made ready together for a GPU: a few batches.
CHUNK_TEXTS = 256
Item = TypeVar("Item")


class Requirements(NamedTuple):
    """What of a text some families read.

    Attributes:
        lowered: tokens of the text in lower case.
        layers: after how many blocks hidden states are taken.
        statistics: of each token.
    """

    lowered: bool
    layers: list[int]
    statistics: bool

    @classmethod
    def of(
        cls,
        families: Sequence[Family | LearnedFamily],
        scorer: LanguageModelScorer | CachedScorer,
        depth: float,
    ) -> Requirements:
        """What families need of a scorer that leaves the model after a share of its blocks."""
        needed = {family.requires for family in families}
        taps = representation.probe_depths(depth) if "states" in needed else ()
        return cls(
            "tokens" in needed, [scorer.layer_at(tap) for tap in taps], "statistics" in needed
        )

    @property
    def needs_forward_pass(self) -> bool:
        """Whether the language model must read the texts."""
        return self.statistics or bool(self.layers)


def read_documents(
    scorer: LanguageModelScorer | CachedScorer, texts: Sequence[str], needs: Requirements
) -> list[Document]:
    """Documents of texts in canonical form."""
    passed = [ModelOutput(None, None)] * len(texts)
    if needs.needs_forward_pass:
        passed = scorer.read(texts, needs.layers, needs.statistics)
    return _documents(texts, passed, _lowered(scorer, texts, needs))


def read_overlapped(
    scorer: LanguageModelScorer,
    texts: Sequence[str],
    families: Sequence[Family],
    needs: Requirements,
    canonical: bool,
    processes: int,
) -> tuple[list[Document], np.ndarray]:
    """Documents and features of texts, made while the language model reads the next ones.

    Args:
        scorer: reads them.
        texts: n of them.
        families: of the table, in order.
        needs: of the families.
        canonical: bring texts to canonical form first.
        processes: that make features; with 0 a thread does.

    Returns:
        n documents without their hidden states, which are large, and float64 of shape
        (n, features).
    """
    pool = process_pool(processes) if processes else None
    chunks = [texts[first : first + CHUNK_TEXTS] for first in range(0, len(texts), CHUNK_TEXTS)]
    here = [family for family in families if family.requires == "states" or pool is None]
    there = [family for family in families if family not in here]
    order = np.argsort([families.index(family) for family in here + there])
    made: deque[tuple[list[np.ndarray], Future[list[np.ndarray]] | None]] = deque()
    kept: list[Document] = []
    tables = [np.zeros((0, sum(len(family.labels) for family in families)))]

    def collect(most: int) -> None:
        while len(made) > most:
            columns, future = made.popleft()
            columns += future.result() if future else []
            tables.append(np.hstack([columns[place] for place in order]))

    for documents in prefetch(_read_chunks(scorer, chunks, needs, canonical, pool)):
        columns = [feature_matrix(family, documents) for family in here]
        light = [Document(one.text, one.statistics, one.tokens) for one in documents]
        kept += light
        made.append((columns, pool.submit(_rows_of_each, there, light) if pool else None))
        collect(most=2 * processes)
    collect(most=0)
    return kept, np.vstack(tables)


def prefetch(items: Iterable[Item], most: int = 2) -> Iterator[Item]:
    """The same items, made in a thread, so many at most before they are asked for."""
    made: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(most)
    left = threading.Event()

    def put(item: Item | None, error: BaseException | None) -> None:
        while not left.is_set():
            try:
                made.put((item, error), timeout=0.1)
            except queue.Full:
                continue
            return

    def make() -> None:
        try:
            for item in items:
                if left.is_set():
                    return
                put(item, None)
            put(None, StopIteration())
        except BaseException as error:
            put(None, error)

    threading.Thread(target=make, daemon=True).start()
    try:
        while True:
            item, error = made.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        left.set()


@lru_cache(maxsize=1)
def process_pool(processes: int) -> ProcessPoolExecutor:
    """So many processes that make features, kept for the next time."""
    # a forked process cannot live with CUDA
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))


def _read_chunks(
    scorer: LanguageModelScorer,
    chunks: Sequence[Sequence[str]],
    needs: Requirements,
    canonical: bool,
    pool: ProcessPoolExecutor | None,
) -> Iterator[list[Document]]:
    """Documents of each chunk, in order; the next chunks are being made ready."""
    ready: deque[tuple[Sequence[str], list[TokenIds]]] = deque()

    def tasks() -> Iterator[ReadJob]:
        for texts in _canonical(chunks, canonical, pool):
            ready.append((texts, _lowered(scorer, texts, needs)))
            yield scorer.read_job(texts, needs.layers, needs.statistics)

    made = prefetch(tasks())
    read = scorer.stream(made) if needs.needs_forward_pass else (task.outputs() for task in made)
    for passed in read:
        texts, lowered = ready.popleft()
        yield _documents(texts, passed, lowered)


def _canonical(
    chunks: Sequence[Sequence[str]], canonical: bool, pool: ProcessPoolExecutor | None
) -> Iterator[Sequence[str]]:
    if not canonical:
        yield from chunks
    elif pool is None:
        yield from map(_canonicalise_each, chunks)
    else:
        yield from pool.map(_canonicalise_each, chunks)


def _canonicalise_each(texts: Sequence[str]) -> list[str]:
    return [canonicalise(text) for text in texts]


def _rows_of_each(families: Sequence[Family], documents: Sequence[Document]) -> list[np.ndarray]:
    return [feature_matrix(family, documents) for family in families]


def _lowered(
    scorer: LanguageModelScorer | CachedScorer, texts: Sequence[str], needs: Requirements
) -> list[TokenIds]:
    if not needs.lowered:
        return [TokenIds.empty()] * len(texts)
    return scorer.tokens([lower(text) for text in texts])


def _documents(
    texts: Sequence[str], passed: Sequence[ModelOutput], lowered: Sequence[TokenIds]
) -> list[Document]:
    return [Document.of(*one) for one in zip(texts, passed, lowered, strict=True)]
