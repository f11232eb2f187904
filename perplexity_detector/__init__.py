"""Tells whether a text was written by a person or by a language model, and shows why."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from perplexity_detector.version import __version__

if TYPE_CHECKING:
    from perplexity_detector.detectors.text_detector import TextDetector
    from perplexity_detector.explanation.explanation import Explanation
    from perplexity_detector.features.extractor import FeatureExtractor
    from perplexity_detector.lm.scorer import LanguageModelScorer
    from perplexity_detector.lm.token_statistics import TokenStatistics
    from perplexity_detector.text import canonicalise

# torch takes a second to import; what needs it is loaded when it is first named
_MODULES = {
    "Explanation": "explanation.explanation",
    "FeatureExtractor": "features.extractor",
    "LanguageModelScorer": "lm.scorer",
    "TextDetector": "detectors.text_detector",
    "TokenStatistics": "lm.token_statistics",
    "canonicalise": "text",
}
__all__ = [
    "Explanation",
    "FeatureExtractor",
    "LanguageModelScorer",
    "TextDetector",
    "TokenStatistics",
    "__version__",
    "canonicalise",
]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
