"""One language model in memory, shared by all extractors with the same reading options."""

from __future__ import annotations

from functools import lru_cache
from weakref import WeakSet

from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.reading_options import ReadingOptions
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.shared_weights import release_memory, share_weights

#: Those in memory.
_scorers: WeakSet[LanguageModelScorer] = WeakSet()


@lru_cache(maxsize=2)
def shared_scorer(options: ReadingOptions) -> LanguageModelScorer | CachedScorer:
    """A scorer with these options; the two used last stay in memory, with one copy of weights."""
    scorer = LanguageModelScorer.from_options(options)
    for other in _scorers:
        if (other.identity, other.device) == (scorer.identity, scorer.device):
            share_weights(scorer.model, other.model)
    _scorers.add(scorer)
    release_memory()
    return scorer if options.cache is None else CachedScorer(scorer, options.cache)
