"""The detector as the service uses it: texts -> plain values, ready for JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from perplexity_detector.classifier.assessment import MISS_RATE
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.classifier.model_card import model_card
from perplexity_detector.classifier.persistence import configuration
from perplexity_detector.service.micro_batching import Work

#: Read once before the service is ready.
WARM_UP = "We walked to the lake before it rained, and nobody had thought of bringing a coat."
#: Batches of the language model in one batch of the service: enough to put like lengths together.
BATCHES = 4


class Engine:
    """A detector that is loaded, and all that the routes tell of it.

    Args:
        detector: trained.
        name: what it is called.
    """

    def __init__(self, detector: CalibratedClassifier, name: str) -> None:
        self.detector = detector
        self.name = name
        self.fpr = float(detector.fpr)
        self._lower = detector.calibrator_.threshold_at_miss(MISS_RATE)
        self.warnings: list[str] = []
        if not detector.calibrator_.keeps(self.fpr):
            self.warnings.append(
                f"No threshold keeps a false-positive rate of {self.fpr:g}: "
                "no text is called generated."
            )
        self.feature_names = _feature_names(detector)
        self.card = self._card()
        # so that nobody waits for what is made on first use
        self.assess([WARM_UP])
        self.explanations([WARM_UP])

    def batch_tokens(self, asked: int) -> int:
        """Tokens to read together: what was asked for, or more where the device takes more."""
        extractor = self.detector.extractor_
        if not extractor.reads_tokens():
            return asked
        return max(asked, BATCHES * getattr(extractor.scorer(), "batch_tokens", 0))

    def work(self) -> dict[str, Work]:
        """What can be done with texts, by kind."""
        return {
            "predict": Work(self.predictions),
            "features": Work(self.features),
            "explain": Work(self.explanations, together=False),
            "file": Work(self.rows),
        }

    def assess(self, texts: Sequence[str]) -> pd.DataFrame:
        """As `CalibratedClassifier.assess`, reasons included."""
        return self.detector.assess(texts)

    def rows(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of `assess`, one a text."""
        rows: list[dict[str, Any]] = self.assess(texts).to_dict("records")  # type: ignore[assignment]
        return rows

    def predictions(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """What `/v1/predict` says of each text."""
        said = self.assess(texts)
        tokens = said["tokens"].to_numpy(np.int64)
        upper = self.detector.calibrator_.thresholds(self.fpr, tokens)
        return [
            {
                "probability": round(float(row["probability"]), 6),
                "verdict": row["verdict"],
                "note": row["note"],
                "why": row["why"],
                "thresholds": {"human": _known(min(top, self._lower)), "generated": _known(top)},
                "words": int(row["words"]),
                "tokens": int(row["tokens"]),
                "warnings": self.warnings,
            }
            for row, top in zip(said.to_dict("records"), upper, strict=True)
        ]

    def features(self, texts: Sequence[str]) -> list[list[float]]:
        """Values of the features of each text, in the order of `feature_names`."""
        extractor = self.detector.extractor_
        table: list[list[float]] = extractor.table(self.detector.documents(texts)).tolist()
        return table

    def explanations(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """What `/v1/explain` says of each text."""
        return [self.detector.explain(text, detector=self.name).to_dict() for text in texts]

    def _card(self) -> dict[str, Any]:
        """What the detector is, was trained on and reaches; plain values."""
        detector = self.detector
        config = configuration(detector)
        told = {
            "name": self.name,
            "model": config["model"],
            "version": config["package_version"],
            "fpr": self.fpr,
            "language_model": config["language_model"],
            "families": config["families"],
            "features": len(config["features"]),
            "training": config["training"],
            "metrics": detector.metrics_,
            "card": model_card(config, detector),
        }
        # NumPy's numbers as plain ones, and no NaN, which JSON has not
        plain: dict[str, Any] = _finite(
            json.loads(json.dumps(told, default=lambda one: one.tolist()))
        )
        return plain


def _feature_names(detector: CalibratedClassifier) -> list[str]:
    """Names of the features; none where the detector makes no table."""
    if not detector.extractor_.chosen_families():
        return []
    return [str(name) for name in detector.extractor_.get_feature_names_out()]


def _known(threshold: float) -> float | None:
    return float(threshold) if math.isfinite(threshold) else None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
