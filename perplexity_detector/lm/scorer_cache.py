"""One language model in memory for all that ask for it with the same settings."""

from __future__ import annotations

from functools import lru_cache

from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.scorer import LanguageModelScorer


@lru_cache(maxsize=2)
def shared_scorer(
    lm: str,
    revision: str | None,
    device: str,
    precision: str,
    batch_tokens: int | None,
    depth: float,
    cache: str | None,
) -> LanguageModelScorer | CachedScorer:
    """A scorer of these settings, cached in a folder if one is given; the last two are kept."""
    scorer = LanguageModelScorer(lm, revision, device, precision, batch_tokens, depth=depth)
    return scorer if cache is None else CachedScorer(scorer, cache)
