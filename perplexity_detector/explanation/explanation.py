"""Explanation: the evidence behind the verdict on one text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.classifier.passages import Share
from perplexity_detector.classifier.provenance import Provenance, text_sha256
from perplexity_detector.explanation.human_surprisal import WINDOW, reference_range
from perplexity_detector.explanation.sentences import (
    AUROC,
    EVIDENCE,
    score_hidden_states,
    score_sentences,
)
from perplexity_detector.explanation.tokens import TokenEvidence, ensure_statistics, token_evidence
from perplexity_detector.explanation.wording.phrases import FAMILY_LABELS
from perplexity_detector.features.document import Document
from perplexity_detector.features.perplexity import perplexities
from perplexity_detector.flags import Flag
from perplexity_detector.io.documents.extracted import describe, flags_of
from perplexity_detector.lm.alignment import sentence_of_token
from perplexity_detector.lm.weights.fingerprint import is_same_model
from perplexity_detector.text import words

#: Version of the JSON of `Explanation.to_dict`; raised by a change that breaks its readers, as
#: one does that removes or redefines a key. A new key breaks none.
FORMAT = 1
#: The most features in `Explanation.to_dict`, the largest contributions first.
MAX_FEATURES = 20
#: The warning where token statistics were read for the explanation alone.
STATISTICS_NOT_USED = (
    "Surprisal, rank and entropy were read by the full language model, for display only. This "
    "detector does not use them: they played no part in the verdict."
)
#: What every reader of an explanation must know.
LIMITS = (
    "A probability is not proof. Never accuse anyone on this number alone, and hear the writer's "
    "side.",
    "The false-positive rate holds for writers like those in the calibration texts; for others it "
    "can be several times higher. Verdicts on short texts, and on texts polished by a model, are "
    "less reliable.",
)


@dataclass(frozen=True)
class Sentence:
    """One sentence of a text.

    Attributes:
        start: offset of the first character.
        end: offset after the last character.
        score: higher = more likely generated; see `SentenceScore`.
        perplexity: exp of the mean surprisal, from 1; None without token statistics.
        words: number of words.
        hidden_states: log-odds that the sentence is generated, by its hidden states alone,
            before calibration; above 0 they resemble model-written text. None if the detector
            does not read hidden states or has none of this sentence; see `score_hidden_states`.
    """

    start: int
    end: int
    score: float
    perplexity: float | None
    words: int
    hidden_states: float | None


@dataclass(frozen=True)
class SentenceScore:
    """How sentences are scored.

    Attributes:
        name: what the score measures, in a few words.
        unit: of the scores.
        neutral: the score that favours neither class.
        auroc: of this detector's scores, measured on human essays with inserted sentences by a
            model; None where it was not measured.
    """

    name: str
    unit: str
    neutral: float
    auroc: float | None


@dataclass(frozen=True)
class Family:
    """The contribution of a family of features to the log-odds of `generated`."""

    name: str
    label: str
    contribution: float


@dataclass(frozen=True)
class Feature:
    """A feature: its value, the human median (`typical`) and its contribution in log-odds."""

    name: str
    family: str
    label: str
    value: float
    typical: float
    contribution: float


@dataclass(frozen=True)
class HumanRange:
    """Surprisal averaged over `window` tokens of human texts: 10th, 50th, 90th percentile."""

    low: float
    median: float
    high: float
    window: int


@dataclass(frozen=True)
class Explanation:
    """A detector's verdict on one text, and the evidence behind it.

    Contributions are SHAP values, in log-odds after calibration: `base` and the contributions of
    all features, or of all families, add up to ln(p / (1 - p)) of the probability. Positive
    contributions favour `generated`. Offsets are characters (Unicode code points) of `text`.

    Attributes:
        id: of the text, as given by the caller.
        detector: name of the detector, as given by the caller.
        probability: that the text is generated.
        verdict: `human`, `generated`, `uncertain` or `mixed`.
        note: why it is uncertain; otherwise empty.
        fpr: false-positive rate of the verdict.
        human_threshold: the verdict is `human` below this probability; None if there is none.
        generated_threshold: the verdict is `generated` from this probability on; None if no
            threshold keeps the rate for such a text.
        words: number of words.
        token_count: number of tokens.
        text: in canonical form.
        tokens: offsets and statistics of the tokens.
        passages: start and end of the passages that are marked as generated, in order.
        share_generated: of the text's sentences, with its 90 % interval; None where the text says
            too little, or if the detector marks no passages.
        sentences: in the order of the text.
        sentence_score: how the sentences are scored.
        families: the largest contribution first; empty if the detector has no contributions.
        features: all of them, the largest contribution first.
        base: log-odds when nothing is known of the text; None without contributions.
        reasons: the largest contributions in words, the strongest first.
        people: the range of surprisal in human texts; None if it is not known.
        warnings: what a reader should know about this explanation.
        flags: what is odd in the text as it was given, of which their positions are offsets;
            they do not change the probability.
        text_as_given: before it was brought to canonical form.
        text_sha256: of `text_as_given`, in UTF-8.
        provenance: which detector gave this explanation, when, and with which settings.
        left_out: of the document that the text was read from; see `ExtractedText`.
    """

    id: str | None
    detector: str | None
    probability: float
    verdict: str
    note: str
    fpr: float
    human_threshold: float | None
    generated_threshold: float | None
    words: int
    token_count: int
    text: str
    tokens: TokenEvidence
    passages: tuple[tuple[int, int], ...]
    share_generated: Share | None
    sentences: tuple[Sentence, ...]
    sentence_score: SentenceScore
    families: tuple[Family, ...]
    features: tuple[Feature, ...]
    base: float | None
    reasons: tuple[str, ...]
    people: HumanRange | None
    warnings: tuple[str, ...]
    flags: tuple[Flag, ...]
    text_as_given: str
    text_sha256: str
    provenance: Provenance
    left_out: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with at most `MAX_FEATURES` features.

        Example:
            >>> from perplexity_detector import TextDetector
            >>> explanation = TextDetector.from_pretrained("fast").explain("We ran. It was cold!")
            >>> values = explanation.to_dict()
            >>> values["verdict"], values["note"]
            ('uncertain', 'fewer than 50 words')
            >>> [values["text"][one["start"] : one["end"]] for one in values["sentences"]]
            ['We ran.', 'It was cold!']
        """
        tokens = {
            name: None if column is None else [round(value, 4) for value in column.tolist()]
            for name, column in vars(self.tokens).items()
        }
        share = self.share_generated
        return {
            "format": FORMAT,
            "id": self.id,
            "detector": self.detector,
            "probability": self.probability,
            "verdict": self.verdict,
            "note": self.note,
            "fpr": self.fpr,
            "thresholds": {"human": self.human_threshold, "generated": self.generated_threshold},
            "words": self.words,
            "token_count": self.token_count,
            "text": self.text,
            "tokens": tokens,
            "passages": [list(span) for span in self.passages],
            "share_generated": None if share is None else asdict(share),
            "sentences": [asdict(sentence) for sentence in self.sentences],
            "sentence_score": asdict(self.sentence_score),
            "families": [asdict(family) for family in self.families],
            "features": [asdict(feature) for feature in self.features[:MAX_FEATURES]],
            "base": self.base,
            "reasons": list(self.reasons),
            "people": None if self.people is None else {"surprisal": asdict(self.people)},
            "limits": list(LIMITS),
            "warnings": list(self.warnings),
            "flags": [flag.to_dict() for flag in self.flags],
            "text_as_given": self.text_as_given,
            "text_sha256": self.text_sha256,
            "provenance": self.provenance.to_dict(),
            "left_out": dict(self.left_out),
        }


def build_explanation(
    classifier: CalibratedClassifier,
    text: str,
    assessment: Assessment,
    contributions: Contributions | None,
    reasons: Sequence[str],
    id: str | None = None,
    detector: str | None = None,
) -> Explanation:
    """The explanation of one assessed text.

    Args:
        classifier: the detector that assessed it.
        text: as given.
        assessment: of the text.
        contributions: to its calibrated log-odds; None if they are not known.
        reasons: in words; see `ExplainableClassifier.reasons`.
        id: of the text, repeated in the explanation.
        detector: name of the detector, repeated in the explanation.
    """
    document = ensure_statistics(classifier, assessment.document)
    tokens = token_evidence(classifier, document)
    scores = score_sentences(classifier, assessment.document)
    hidden_states = score_hidden_states(classifier, document)
    auroc = classifier.metrics_.get(AUROC) if scores.name == EVIDENCE else None
    families, features, base = _ranked(contributions)
    passages = assessment.passages
    return Explanation(
        id=id,
        detector=detector,
        probability=assessment.probability,
        verdict=assessment.verdict,
        note=assessment.note,
        fpr=classifier.fpr,
        human_threshold=_finite(assessment.human_threshold),
        generated_threshold=_finite(assessment.generated_threshold),
        words=assessment.n_words,
        token_count=len(tokens.start) or assessment.n_tokens,
        text=document.text,
        tokens=tokens,
        passages=() if passages is None else passages.spans,
        share_generated=None if passages is None else passages.share,
        sentences=_sentences(document, scores.values, hidden_states),
        sentence_score=SentenceScore(scores.name, scores.unit, 0.0, auroc),
        families=families,
        features=features,
        base=base,
        reasons=tuple(reasons),
        people=_human_range(classifier),
        warnings=() if document is assessment.document else (STATISTICS_NOT_USED,),
        flags=assessment.flags,
        text_as_given=text,
        text_sha256=text_sha256(text),
        provenance=Provenance.of(classifier, detector, exhaustive=True),
    )


def with_left_out(explanation: Explanation, left_out: Mapping[str, int]) -> Explanation:
    """The explanation of a document's text, with what was left out of the document.

    A warning says what it was, and hidden passages have their flags.

    Args:
        explanation: of the text.
        left_out: see `ExtractedText`; empty if nothing was.
    """
    if not left_out:
        return explanation
    warning = f"Left out of the document: {describe(left_out)}."
    return replace(
        explanation,
        warnings=(*explanation.warnings, warning),
        flags=(*explanation.flags, *flags_of(left_out)),
        left_out=left_out,
    )


def _finite(threshold: float) -> float | None:
    return threshold if math.isfinite(threshold) else None


def _sentences(
    document: Document, scores: np.ndarray, hidden_states: Sequence[float | None]
) -> tuple[Sentence, ...]:
    surprisal = document.statistics.surprisal.astype(np.float64)
    sentence = sentence_of_token(document.sentence_spans, document.statistics.offsets)
    spans = document.sentence_spans
    counts = np.bincount(sentence, minlength=len(spans))
    sums = np.bincount(sentence, surprisal, minlength=len(spans))
    perplexity = perplexities(sums / np.maximum(counts, 1))
    return tuple(
        Sentence(
            start,
            end,
            float(scores[index]),
            float(perplexity[index]) if counts[index] else None,
            len(words(document.text[start:end])),
            hidden_states[index],
        )
        for index, (start, end) in enumerate(spans)
    )


def _ranked(
    found: Contributions | None,
) -> tuple[tuple[Family, ...], tuple[Feature, ...], float | None]:
    """Families and features by their contribution to one text, the largest first."""
    if found is None:
        return (), (), None
    columns = (
        found.names, found.families, found.labels, found.features[0], found.human_medians,
        found.shap_values[0],
    )  # fmt: skip
    features = [
        Feature(name, family, label, float(value), float(median), float(contribution))
        for name, family, label, value, median, contribution in zip(*columns, strict=True)
    ]
    totals: dict[str, float] = {}
    for feature in features:
        totals[feature.family] = totals.get(feature.family, 0.0) + feature.contribution
    labels = {**dict(zip(found.families, found.labels, strict=True)), **FAMILY_LABELS}
    families = [Family(name, labels[name], total) for name, total in totals.items()]
    return (
        tuple(sorted(families, key=lambda family: -abs(family.contribution))),
        tuple(sorted(features, key=lambda feature: -abs(feature.contribution))),
        float(found.base_values[0]),
    )


def _human_range(classifier: CalibratedClassifier) -> HumanRange | None:
    """The detector's own range, or the shipped one if both use the same language model."""
    quantiles = getattr(classifier, "surprisal_range_", None)
    if quantiles is None and classifier.language_model_ is not None:
        language_model, quantiles = reference_range()
        if not is_same_model(language_model, classifier.language_model_):
            return None
    if quantiles is None:
        return None
    low, median, high = map(float, quantiles)
    return HumanRange(low, median, high, WINDOW)
