"""The detector as the service uses it: texts -> plain values, ready for JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from perplexity_detector.classifier.model_card import model_card
from perplexity_detector.explanation.explainable import SEPARATOR, ExplainableClassifier
from perplexity_detector.service.micro_batching import Handler

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

    def __init__(self, detector: ExplainableClassifier, name: str) -> None:
        self.detector = detector
        self.name = name
        self.fpr = float(detector.fpr)
        self.warnings: list[str] = []
        if not detector.calibrator_.can_guarantee(self.fpr):
            self.warnings.append(
                f"No threshold keeps a false-positive rate of {self.fpr:g}: "
                "no text is called generated."
            )
        self.feature_names = _feature_names(detector)
        self.card = self._card()
        # so that no request waits for what is made on first use; a detector that leaves the
        # language model early loads the whole of it only when an explanation first needs it
        self.assess([WARM_UP])
        if detector.extractor_.reading_options.depth == 1:
            self.explanations([WARM_UP])

    def batch_tokens(self, asked: int) -> int:
        """Tokens to read together: what was asked for, or more where the device takes more."""
        extractor = self.detector.extractor_
        if not extractor.reads_tokens():
            return asked
        return max(asked, BATCHES * getattr(extractor.scorer(), "batch_tokens", 0))

    def handlers(self) -> dict[str, Handler]:
        """What can be done with texts, by kind."""
        return {
            "predict": Handler(self.predictions),
            "features": Handler(self.features),
            "explain": Handler(self.explanations, batchable=False),
            "file": Handler(self.rows),
        }

    def assess(self, texts: Sequence[str]) -> pd.DataFrame:
        """As `ExplainableClassifier.assess`, reasons included."""
        return self.detector.assess(texts)

    def rows(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of `assess`, one a text."""
        rows: list[dict[str, Any]] = self.assess(texts).to_dict("records")  # type: ignore[assignment]
        return rows

    def predictions(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """What `/v1/predict` answers for each text."""
        assessments = self.detector.assess_texts(texts)
        reasons = self.detector.reasons(assessments)
        return [
            {
                "probability": round(one.probability, 6),
                "verdict": one.verdict,
                "note": one.note,
                "why": SEPARATOR.join(found),
                "thresholds": {
                    "human": _finite_or_none(one.human_threshold),
                    "generated": _finite_or_none(one.generated_threshold),
                },
                "words": one.n_words,
                "tokens": one.n_tokens,
                "warnings": self.warnings,
            }
            for one, found in zip(assessments, reasons, strict=True)
        ]

    def features(self, texts: Sequence[str]) -> list[list[float]]:
        """Values of the features of each text, in the order of `feature_names`."""
        extractor = self.detector.extractor_
        table: list[list[float]] = extractor.transform_documents(
            self.detector.read_documents(texts)
        ).tolist()
        return table

    def explanations(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """What `/v1/explain` says of each text."""
        return [self.detector.explain(text, detector=self.name).to_dict() for text in texts]

    def _card(self) -> dict[str, Any]:
        """What the detector is, was trained on and reaches; plain values."""
        detector = self.detector
        config = detector.configuration()
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
            "card": model_card(config, detector.calibrator_, detector.metrics_),
        }
        # NumPy's numbers as plain ones, and no NaN, which JSON has not
        plain: dict[str, Any] = _finite(
            json.loads(json.dumps(told, default=lambda one: one.tolist()))
        )
        return plain


def _feature_names(detector: ExplainableClassifier) -> list[str]:
    """Names of the features; none where the detector makes no table."""
    if not detector.extractor_.chosen_families():
        return []
    return [str(name) for name in detector.extractor_.get_feature_names_out()]


def _finite_or_none(threshold: float) -> float | None:
    return float(threshold) if math.isfinite(threshold) else None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
