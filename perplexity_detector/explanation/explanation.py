"""Explanation: the evidence behind the verdict on one text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from perplexity_detector.classifier.assessment import Assessment, stack_features
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.explanation.human_surprisal import WINDOW, reference_range
from perplexity_detector.explanation.sentences import AUROC, NGRAM_RATIO, score_sentences
from perplexity_detector.explanation.tokens import TokenEvidence, ensure_statistics, token_evidence
from perplexity_detector.explanation.wording.phrases import FAMILIES
from perplexity_detector.features.document import Document
from perplexity_detector.features.perplexity import perplexities
from perplexity_detector.lm.alignment import sentence_of_token
from perplexity_detector.text import words

#: Version of what `Explanation.to_dict` gives; raised when a reader of it would break.
FORMAT = 1
#: Features in `Explanation.to_dict` at most, the largest contributions first.
MAX_FEATURES = 20
#: The warning where token statistics were read for the explanation alone.
STATISTICS_NOT_USED = (
    "Surprisal, rank and entropy were read by the full language model, for display; this detector "
    "does not use them."
)
#: What every reader of an explanation must know.
LIMITS = (
    "A probability is not a proof: never accuse anyone on this number alone, and let the person "
    "speak.",
    "The false-positive rate holds for people who write like those that set the thresholds; for "
    "others it can be several times as high, and short texts or texts that a model polished are "
    "read less well.",
)


@dataclass(frozen=True)
class Sentence:
    """One sentence of a text.

    Attributes:
        start: its first character.
        end: the character after its last.
        score: how far it speaks for `generated`; see `SentenceScore`.
        perplexity: exp of its mean surprisal, from 1; None where no language model was asked.
        words: how many it has.
    """

    start: int
    end: int
    score: float
    perplexity: float | None
    words: int


@dataclass(frozen=True)
class SentenceScore:
    """How sentences are scored.

    Attributes:
        name: in a few words.
        unit: of the scores.
        neutral: the score that speaks for neither side.
        auroc: with which this detector's scores told a model's sentences, inserted into essays by
            people, from the others; None where that was not measured.
    """

    name: str
    unit: str
    neutral: float
    auroc: float | None


@dataclass(frozen=True)
class Family:
    """What a family of features added to the log-odds that a text is generated."""

    name: str
    label: str
    contribution: float


@dataclass(frozen=True)
class Feature:
    """A feature, what is typical of people's texts, and what it added to the log-odds."""

    name: str
    family: str
    label: str
    value: float
    typical: float
    contribution: float


@dataclass(frozen=True)
class HumanRange:
    """Surprisal averaged over `window` tokens in texts by people: 10th, 50th, 90th percentile."""

    low: float
    median: float
    high: float
    window: int


@dataclass(frozen=True)
class Explanation:
    """What a detector says of one text, and why.

    Contributions are Shapley values, in log-odds after calibration: `base` and the contributions
    of all features, or of all families, add up to ln(p / (1 - p)) of the probability. Positive
    ones speak for `generated`. Offsets are characters (Unicode code points) of `text`.

    Attributes:
        id: of the text, as the caller told it.
        detector: name of the detector, as the caller told it.
        probability: that the text is generated.
        verdict: `human`, `generated` or `uncertain`.
        note: why it is uncertain; else empty.
        fpr: false-positive rate of the verdict.
        human_threshold: probability below which the verdict is `human`; None where there is none.
        generated_threshold: probability from which on it is `generated`; None where no threshold keeps the
            rate for texts of this length.
        words: how many the text has.
        token_count: the same of tokens.
        text: in canonical form.
        tokens: what was read of each.
        sentences: in order.
        sentence_score: how they are scored.
        families: the largest contribution first; none where the detector cannot tell them.
        features: all of them, the largest contribution first.
        base: log-odds where nothing is known of the text; None where the detector cannot tell.
        reasons: from the largest contributions, in words.
        people: the range of people's surprisal; None where it is not known.
        warnings: what a reader should know of this text.
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
    sentences: tuple[Sentence, ...]
    sentence_score: SentenceScore
    families: tuple[Family, ...]
    features: tuple[Feature, ...]
    base: float | None
    reasons: tuple[str, ...]
    people: HumanRange | None
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; of the features the `MAX_FEATURES` largest contributions.

        Example:
            >>> from perplexity_detector import TextDetector
            >>> explained = TextDetector.from_pretrained("fast").explain("We ran. It was cold!")
            >>> told = explained.to_dict()
            >>> told["verdict"], told["note"]
            ('uncertain', 'fewer than 50 words')
            >>> [told["text"][one["start"] : one["end"]] for one in told["sentences"]]
            ['We ran.', 'It was cold!']
        """
        tokens = {
            name: None if column is None else [round(value, 4) for value in column.tolist()]
            for name, column in vars(self.tokens).items()
        }
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
            "sentences": [asdict(sentence) for sentence in self.sentences],
            "sentence_score": asdict(self.sentence_score),
            "families": [asdict(family) for family in self.families],
            "features": [asdict(feature) for feature in self.features[:MAX_FEATURES]],
            "base": self.base,
            "reasons": list(self.reasons),
            "people": None if self.people is None else {"surprisal": asdict(self.people)},
            "limits": list(LIMITS),
            "warnings": list(self.warnings),
        }


def build_explanation(
    classifier: CalibratedClassifier,
    assessment: Assessment,
    reasons: Sequence[str],
    id: str | None = None,
    detector: str | None = None,
) -> Explanation:
    """The explanation of one assessed text.

    Args:
        classifier: the detector that assessed it.
        assessment: of the text.
        reasons: in words; see `ExplainableClassifier.reasons`.
        id: of the text, as the caller names it.
        detector: its name, as the caller names it.
    """
    document = ensure_statistics(classifier, assessment.document)
    tokens = token_evidence(classifier, document)
    scored = score_sentences(classifier, assessment.document)
    auroc = classifier.metrics_.get(AUROC) if scored.name == NGRAM_RATIO else None
    families, features, base = _contributions(classifier, assessment)
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
        sentences=_sentences(document, scored.values),
        sentence_score=SentenceScore(scored.name, scored.unit, 0.0, auroc),
        families=families,
        features=features,
        base=base,
        reasons=tuple(reasons),
        people=_human_range(classifier),
        warnings=() if document is assessment.document else (STATISTICS_NOT_USED,),
    )


def _finite(threshold: float) -> float | None:
    return threshold if math.isfinite(threshold) else None


def _sentences(document: Document, scores: np.ndarray) -> tuple[Sentence, ...]:
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
            float(scores[place]),
            float(perplexity[place]) if counts[place] else None,
            len(words(document.text[start:end])),
        )
        for place, (start, end) in enumerate(spans)
    )


def _contributions(
    classifier: CalibratedClassifier, assessment: Assessment
) -> tuple[tuple[Family, ...], tuple[Feature, ...], float | None]:
    """Contributions to one text's calibrated log-odds, the largest first."""
    known = classifier.contributions(stack_features([assessment]))
    if known is None:
        return (), (), None
    known = known.calibrated(classifier.calibrator_.slope, classifier.calibrator_.intercept)
    columns = (
        known.names, known.families, known.labels, known.features[0], known.human_medians,
        known.shap_values[0],
    )  # fmt: skip
    features = [
        Feature(name, family, label, float(value), float(median), float(contribution))
        for name, family, label, value, median, contribution in zip(*columns, strict=True)
    ]
    totals: dict[str, float] = {}
    for feature in features:
        totals[feature.family] = totals.get(feature.family, 0.0) + feature.contribution
    labels = {**dict(zip(known.families, known.labels, strict=True)), **FAMILIES}
    families = [Family(name, labels[name], total) for name, total in totals.items()]
    return (
        tuple(sorted(families, key=lambda family: -abs(family.contribution))),
        tuple(sorted(features, key=lambda feature: -abs(feature.contribution))),
        float(known.base_values[0]),
    )


def _human_range(classifier: CalibratedClassifier) -> HumanRange | None:
    """The detector's own range, or the shipped one's if both use the same language model."""
    known = getattr(classifier, "surprisal_range_", None)
    if known is None and classifier.language_model_ is not None:
        language_model, known = reference_range()
        if language_model != classifier.language_model_:
            return None
    if known is None:
        return None
    low, median, high = map(float, known)
    return HumanRange(low, median, high, WINDOW)
