"""What every detector shares: calibration, verdicts, checks, persistence and the model card."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    # MLflow models logged before 0.2.0 import CalibratedClassifier from here
    if name == "CalibratedClassifier":
        from perplexity_detector.classifier.base import CalibratedClassifier

        return CalibratedClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
