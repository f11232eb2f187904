"""One language model in memory, shared by all extractors with the same reading options."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from weakref import WeakKeyDictionary

import torch

from perplexity_detector.lm.allocator import release_memory
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.reading_options import ReadingOptions
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.shared_weights import share_weights

#: Those in memory, and their options without depth and cache.
_scorers: WeakKeyDictionary[LanguageModelScorer, ReadingOptions] = WeakKeyDictionary()
#: Held while one is loaded.
_loading = threading.Lock()


def shared_scorer(options: ReadingOptions) -> LanguageModelScorer | CachedScorer:
    """A scorer with these options; the three used last stay in memory, with one copy of weights.

    A service may read to as many depths: to the early exit, as `fast` does, and to the end.
    """
    with _loading:  # who asks meanwhile waits instead of loading it again
        return load_scorer(options)


def load_in_background(options: ReadingOptions) -> None:
    """Begin to load what `shared_scorer` will be asked for, in a thread.

    Whatever is wrong comes to light when it is asked for.
    """
    torch.get_num_threads()  # now this thread keeps its cores, though loading takes one alone

    def load() -> None:
        with suppress(Exception):
            shared_scorer(options)

    threading.Thread(target=load, name="loading").start()


@lru_cache(maxsize=3)
def load_scorer(options: ReadingOptions) -> LanguageModelScorer | CachedScorer:
    """As `shared_scorer`, for one thread at a time."""
    alike = replace(options, depth=1.0, cache=None)
    shared = next((other for other, theirs in _scorers.items() if theirs == alike), None)
    scorer = LanguageModelScorer.from_options(options, shared=shared)
    for other in _scorers:
        if (other.identity, other.device) == (scorer.identity, scorer.device):
            share_weights(scorer.model, other.model)
    _scorers[scorer] = alike
    release_memory()
    return scorer if options.cache is None else CachedScorer(scorer, options.cache)
