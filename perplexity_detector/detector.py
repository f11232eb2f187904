"""Deprecated import path of `TextDetector`, kept for MLflow models logged before 0.2.0."""

import warnings

from perplexity_detector.detectors.text_detector import TextDetector

__all__ = ["TextDetector"]

warnings.warn(
    "perplexity_detector.detector will go in 0.4.0: import TextDetector from perplexity_detector.",
    DeprecationWarning,
    stacklevel=2,
)
