"""Engine: a loaded detector whose answers are plain values, ready for JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.classifier.model_card import model_card
from perplexity_detector.classifier.provenance import Provenance, text_sha256
from perplexity_detector.explanation.explainable import SEPARATOR, ExplainableClassifier
from perplexity_detector.explanation.explanation import Explanation
from perplexity_detector.service.micro_batching import Handler

#: A text that is processed once before the service is ready.
WARM_UP = "We walked to the lake before it rained, and nobody had thought of bringing a coat."
#: Batches of the language model in one batch of the service, so that texts can be sorted by length.
LM_BATCHES = 4


class Engine:
    """A loaded detector, and what the routes answer from it.

    Args:
        detector: trained.
        name: the detector's name in answers.

    Attributes:
        fpr: false-positive rate of the verdicts.
        warnings: sentences that apply to every prediction.
        feature_names: columns of the features; empty if the detector makes no table.
        card: what `/v1/model` answers.
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
        self._provenance = Provenance.of(detector, name)
        self.feature_names = _feature_names(detector)
        self.card = self._card()
        # so that no request waits for what is loaded on first use; a detector that runs only the
        # first blocks of its language model loads all of it when an explanation first needs it
        detector.assess([WARM_UP])
        if detector.extractor_.reading_options.depth == 1:
            self.explanations([WARM_UP])

    def provenance(self, exhaustive: bool | None = None) -> dict[str, Any]:
        """Return the provenance of an answer that is given now.

        Args:
            exhaustive: whether it is of all the text; as the detector reads if not given.
        """
        values = self._provenance.now().to_dict()
        if exhaustive is not None:
            values["settings"] = {**values["settings"], "exhaustive": exhaustive}
        return values

    def batch_tokens(self, minimum: int) -> int:
        """Return the tokens of a batch: `minimum`, or more if the device reads more at once."""
        extractor = self.detector.extractor_
        if not extractor.reads_tokens():
            return minimum
        return max(minimum, LM_BATCHES * getattr(extractor.scorer(), "batch_tokens", 0))

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each kind of request."""
        return {
            "predict": Handler(self.predictions),
            "features": Handler(self.features),
            "explain": Handler(self.explanations, batchable=False),
            "file": Handler(self.rows),
            "people": Handler(self.rows_by_last),
        }

    def rows(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Return the rows of `assess`, one for each text."""
        return cast("list[dict[str, Any]]", self.detector.assess(texts).to_dict("records"))

    def rows_by_last(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Return the rows of `assess` by the detector whose thresholds the texts are to set."""
        rows = self.detector.last.assess(texts, whole=True)
        return cast("list[dict[str, Any]]", rows.to_dict("records"))

    def predictions(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Return what `/v1/predict` answers for each text."""
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
                "words_read": one.n_words_read,
                "tokens": one.n_tokens,
                "passages": _marked_passages(one),
                "share_generated": None if one.passages is None else asdict(one.passages.share),
                "flags": [flag.to_dict() for flag in one.flags],
                "warnings": self.warnings,
                "text_sha256": text_sha256(text),
            }
            for text, one, found in zip(texts, assessments, reasons, strict=True)
        ]

    def features(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the features of each text, in the order of `feature_names`."""
        extractor = self.detector.extractor_
        table: list[list[float]] = extractor.transform_documents(
            self.detector.read_documents(texts)
        ).tolist()
        return table

    def explanations(self, texts: Sequence[str]) -> list[Explanation]:
        """Return the explanation of each text."""
        return [self.detector.explain(text, detector=self.name) for text in texts]

    def _card(self) -> dict[str, Any]:
        """Return what the detector is, its training data and its metrics, as plain values."""
        detector = self.detector
        config = detector.configuration()
        values = {
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
        # NumPy's numbers become plain ones, and NaN, which JSON lacks, becomes null
        plain: dict[str, Any] = _finite(
            json.loads(json.dumps(values, default=lambda one: one.tolist()))
        )
        return plain


def _feature_names(detector: ExplainableClassifier) -> list[str]:
    """Return the names of the features; empty if the detector makes no table."""
    if not detector.extractor_.chosen_families():
        return []
    return [str(name) for name in detector.extractor_.get_feature_names_out()]


def _marked_passages(assessment: Assessment) -> list[str]:
    spans = () if assessment.passages is None else assessment.passages.spans
    return [assessment.document.text[start:end] for start, end in spans]


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
