"""One language model in memory, shared by all extractors with the same reading options."""

from __future__ import annotations

from functools import lru_cache

from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.reading_options import ReadingOptions
from perplexity_detector.lm.scorer import LanguageModelScorer


@lru_cache(maxsize=2)
def shared_scorer(options: ReadingOptions) -> LanguageModelScorer | CachedScorer:
    """A scorer with these options; the two used last stay in memory."""
    scorer = LanguageModelScorer.from_options(options)
    return scorer if options.cache is None else CachedScorer(scorer, options.cache)
