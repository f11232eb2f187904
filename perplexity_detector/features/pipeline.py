"""From texts to documents and features, one chunk after another or with all steps overlapping.

`read_documents` reads texts one step after the other. `read_overlapped` keeps a GPU busy: one
thread prepares texts, a second runs the language model, and the calling thread and worker
processes compute features, all at the same time.
"""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import threadpoolctl

from perplexity_detector.features import representation
from perplexity_detector.features.cross_fitting import feature_table
from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family, LearnedFamily
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.outputs import ModelOutput, TokenIds
from perplexity_detector.lm.paused_reading import PausedReading
from perplexity_detector.lm.read_jobs import ReadJob
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.text import canonicalise, lower

#: Texts per chunk of `read_overlapped`: a few batches of a GPU.
CHUNK_TEXTS = 256
Item = TypeVar("Item")


class Requirements(NamedTuple):
    """Inputs that some families require of each text.

    Attributes:
        lowercase_tokens: whether they need the tokens of the text in lower case.
        layers: numbers of blocks after which they need hidden states; empty if they need none.
        statistics: whether they need statistics of each token.
    """

    lowercase_tokens: bool
    layers: list[int]
    statistics: bool

    @classmethod
    def from_families(
        cls,
        families: Sequence[Family | LearnedFamily],
        scorer: LanguageModelScorer | CachedScorer,
        depth: float,
    ) -> Requirements:
        """Requirements of families whose scorer runs this share of the model's blocks."""
        required = {family.requires for family in families}
        depths = representation.state_depths(depth) if "states" in required else ()
        return cls(
            lowercase_tokens="tokens" in required,
            layers=[scorer.layer_at(depth) for depth in depths],
            statistics="statistics" in required,
        )

    @property
    def needs_forward_pass(self) -> bool:
        """Whether the language model must read the texts."""
        return self.statistics or bool(self.layers)


def read_documents(
    scorer: LanguageModelScorer | CachedScorer, texts: Sequence[str], requirements: Requirements
) -> list[Document]:
    """Documents of texts that are in canonical form."""
    outputs = [ModelOutput(None, None)] * len(texts)
    if requirements.needs_forward_pass:
        outputs = scorer.read(texts, requirements.layers, requirements.statistics)
    return _make_documents(texts, outputs, _lowercase_tokens(scorer, texts, requirements))


class PausedDocuments:
    """Documents of texts of which the language model has run some blocks, and may run the rest.

    Args:
        scorer: one that `can_pause`, of the layers that are required for now at least.
        texts: in canonical form.
        requirements: for now: hidden states, and no statistics.

    Attributes:
        documents: one a text, with what is required for now.
    """

    def __init__(
        self, scorer: LanguageModelScorer, texts: Sequence[str], requirements: Requirements
    ) -> None:
        self._last_layer = requirements.layers[-1]
        self._reading = PausedReading(scorer, texts, requirements.layers)
        tokens = _lowercase_tokens(scorer, texts, requirements)
        self.documents = _make_documents(texts, self._reading.outputs, tokens)

    def go_on(
        self, scorer: LanguageModelScorer, chosen: Sequence[int], requirements: Requirements
    ) -> list[Document]:
        """Documents of the chosen texts, read to the end.

        Args:
            scorer: of the whole model.
            chosen: indices of the texts.
            requirements: in all, of the same layers and deeper ones.
        """
        deeper = [layer for layer in requirements.layers if layer > self._last_layer]
        outputs = self._reading.go_on(scorer, chosen, deeper, requirements.statistics)
        return [
            Document.from_output(self.documents[i].text, output, self.documents[i].tokens)
            for i, output in zip(chosen, outputs, strict=True)
        ]


def read_overlapped(
    scorer: LanguageModelScorer,
    texts: Sequence[str],
    families: Sequence[Family],
    requirements: Requirements,
    canonical: bool,
    processes: int,
    by_sentence: bool = False,
) -> tuple[list[Document], np.ndarray]:
    """Documents and features of texts, computed while the language model reads the next texts.

    Args:
        scorer: runs the language model.
        texts: n texts.
        families: families of the table, in order.
        requirements: what these families require.
        canonical: whether to bring texts to canonical form first.
        processes: worker processes that compute features; 0 computes them in this thread.
        by_sentence: whether the documents keep the hidden states of their sentences, which take
            much memory.

    Returns:
        n documents, and features as float64 of shape (n, features).
    """
    pool = process_pool(processes) if processes else None
    chunks = [texts[start : start + CHUNK_TEXTS] for start in range(0, len(texts), CHUNK_TEXTS)]
    pending: deque[Future[np.ndarray]] = deque()
    documents: list[Document] = []
    tables = [np.zeros((0, sum(len(family.labels) for family in families)))]
    for chunk in prefetch(_read_chunks(scorer, chunks, requirements, canonical, pool)):
        # features need the states of the whole text alone, small enough for another process
        compact = [replace(one, states=one.states.over_text()) for one in chunk]
        documents += chunk if by_sentence else compact
        if pool is None:
            tables.append(feature_table(families, compact))
            continue
        pending.append(pool.submit(feature_table, families, compact))
        while len(pending) > 2 * processes:
            tables.append(pending.popleft().result())
    tables += [future.result() for future in pending]
    return documents, np.vstack(tables)


def prefetch(items: Iterable[Item], max_items: int = 2) -> Generator[Item, None, None]:
    """Yield items that a thread takes from an iterable ahead of time.

    The thread stops when the iterator is closed. An error in the iterable is raised here, after
    the items before it.

    Args:
        items: iterated over in the thread.
        max_items: how many items may wait.
    """
    waiting: queue.Queue[Any] = queue.Queue(max_items)
    end = object()
    errors: list[BaseException] = []
    closed = threading.Event()

    def put(item: object) -> None:
        while not closed.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def produce() -> None:
        try:
            for item in items:
                put(item)
                if closed.is_set():
                    return
        except BaseException as error:  # raised again in the consumer's thread
            errors.append(error)
        put(end)

    threading.Thread(target=produce, daemon=True).start()
    try:
        while (item := waiting.get()) is not end:
            yield item
        if errors:
            raise errors[0]
    finally:
        closed.set()


@lru_cache(maxsize=1)
def process_pool(processes: int) -> ProcessPoolExecutor:
    """A pool of worker processes, kept for the next call with the same number."""
    # CUDA does not survive a fork
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, spawn, initializer=_use_one_thread)


def _use_one_thread() -> None:
    """Keep the processes from sharing every core among the threads of each."""
    threadpoolctl.threadpool_limits(1)


def _read_chunks(
    scorer: LanguageModelScorer,
    chunks: Sequence[Sequence[str]],
    requirements: Requirements,
    canonical: bool,
    pool: ProcessPoolExecutor | None,
) -> Iterator[list[Document]]:
    """Documents of each chunk, in order, while a thread prepares the next chunks."""
    prepared: deque[tuple[Sequence[str], list[TokenIds]]] = deque()

    def prepare_jobs() -> Iterator[ReadJob]:
        for texts in _canonical_chunks(chunks, canonical, pool):
            prepared.append((texts, _lowercase_tokens(scorer, texts, requirements)))
            yield scorer.read_job(texts, requirements.layers, requirements.statistics)

    jobs = prefetch(prepare_jobs())
    outputs_by_chunk = (
        scorer.stream(jobs) if requirements.needs_forward_pass else (job.outputs() for job in jobs)
    )
    for outputs in outputs_by_chunk:
        texts, lowercase_tokens = prepared.popleft()
        yield _make_documents(texts, outputs, lowercase_tokens)


def _canonical_chunks(
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


def _lowercase_tokens(
    scorer: LanguageModelScorer | CachedScorer, texts: Sequence[str], requirements: Requirements
) -> list[TokenIds]:
    """Tokens of each text in lower case; empty ones if no family requires them."""
    if not requirements.lowercase_tokens:
        return [TokenIds.empty()] * len(texts)
    return scorer.tokens([lower(text) for text in texts])


def _make_documents(
    texts: Sequence[str], outputs: Sequence[ModelOutput], lowercase_tokens: Sequence[TokenIds]
) -> list[Document]:
    return [
        Document.from_output(text, output, tokens)
        for text, output, tokens in zip(texts, outputs, lowercase_tokens, strict=True)
    ]
