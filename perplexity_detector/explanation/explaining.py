"""A detector and a text -> Explanation."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perplexity_detector.classifier.assessment import MISS_RATE, assessment
from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.explanation.explanation import (
    Explanation,
    Family,
    Feature,
    PeopleRange,
    Sentence,
    SentenceScore,
)
from perplexity_detector.explanation.human_surprisal import WINDOW, shipped_range
from perplexity_detector.explanation.sentences import AUROC, WORDING, sentence_scores
from perplexity_detector.explanation.tokens import token_evidence, with_statistics
from perplexity_detector.explanation.wording.phrases import FAMILIES
from perplexity_detector.explanation.wording.reasons import plain_reasons
from perplexity_detector.features.family import Document
from perplexity_detector.features.perplexity import perplexities
from perplexity_detector.lm.pooling import sentence_of_token
from perplexity_detector.text import words

if TYPE_CHECKING:
    from perplexity_detector.classifier.base import CalibratedClassifier

#: Where the tokens' numbers were read for the explanation alone.
READ_APART = (
    "Surprisal, rank and entropy of the words are shown for the reader; this detector does not "
    "judge by them."
)


def explain(
    classifier: CalibratedClassifier, text: str, id: str | None, detector: str | None
) -> Explanation:
    """See `CalibratedClassifier.explain`."""
    documents = classifier.documents([text])
    view = classifier.view(documents)
    told = assessment(classifier, [text], documents, view, why=False).iloc[0]
    document = with_statistics(classifier, documents[0])
    probability = float(told["probability"])
    above = float(classifier.thresholds(documents)[0])
    below = min(above, classifier.calibrator_.threshold_at_miss(MISS_RATE))
    spoke = classifier.contributions(view)
    families, features, base = _contributions(classifier, spoke)
    tokens = token_evidence(classifier, document)
    scored = sentence_scores(classifier, documents[0])
    found = classifier.metrics_.get(AUROC) if scored.name == WORDING else None
    return Explanation(
        id=id,
        detector=detector,
        probability=probability,
        verdict=told["verdict"],
        note=told["note"],
        fpr=classifier.fpr,
        below=below if math.isfinite(below) else None,
        above=above if math.isfinite(above) else None,
        words=int(told["words"]),
        token_count=len(tokens.start) or int(told["tokens"]),
        text=document.text,
        tokens=tokens,
        sentences=_sentences(document, scored.values),
        sentence_score=SentenceScore(scored.name, scored.unit, 0.0, found),
        families=families,
        features=features,
        base=base,
        reasons=tuple(_reasons(classifier, view, spoke, probability)),
        people=_people(classifier),
        warnings=() if document is documents[0] else (READ_APART,),
    )


def _sentences(document: Document, scores: np.ndarray) -> tuple[Sentence, ...]:
    surprisal = document.statistics.surprisal.astype(np.float64)
    of = sentence_of_token(document.text, document.statistics.offsets)
    spans = document.sentence_spans
    counts = np.bincount(of, minlength=len(spans))
    sums = np.bincount(of, surprisal, minlength=len(spans))
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
    classifier: CalibratedClassifier, spoke: Contributions | None
) -> tuple[tuple[Family, ...], tuple[Feature, ...], float | None]:
    """Of the one text, in log-odds after calibration."""
    if spoke is None:
        return (), (), None
    calibrator = classifier.calibrator_
    added = calibrator.slope * spoke.values[0].astype(np.float64)
    base = calibrator.slope * float(spoke.base[0]) + calibrator.intercept
    columns = (spoke.names, spoke.families, spoke.labels, spoke.table[0], spoke.typical, added)
    features = [
        Feature(name, family, label, float(value), float(typical), float(contribution))
        for name, family, label, value, typical, contribution in zip(*columns, strict=True)
    ]
    together: dict[str, float] = {}
    for feature in features:
        together[feature.family] = together.get(feature.family, 0.0) + feature.contribution
    labels = {**dict(zip(spoke.families, spoke.labels, strict=True)), **FAMILIES}
    families = [Family(name, labels[name], total) for name, total in together.items()]
    return (
        tuple(sorted(families, key=lambda family: -abs(family.contribution))),
        tuple(sorted(features, key=lambda feature: -abs(feature.contribution))),
        base,
    )


def _reasons(
    classifier: CalibratedClassifier, view: Any, spoke: Contributions | None, probability: float
) -> list[str]:
    """In plain words, or in the classifier's own where it cannot tell contributions."""
    if spoke is not None:
        scaled = replace(spoke, values=classifier.calibrator_.slope * spoke.values)
        return plain_reasons(scaled, probability >= 0.5)
    (told,) = classifier.reasons(view, np.array([probability]))
    return [part for part in told.split("; ") if part]


def _people(classifier: CalibratedClassifier) -> PeopleRange | None:
    """By the detector itself, or by the shipped one where that asks the same language model."""
    known = getattr(classifier, "surprisal_range_", None)
    if known is None and classifier.language_model_ is not None:
        language_model, known = shipped_range()
        if language_model != classifier.language_model_:
            return None
    if known is None:
        return None
    low, median, high = map(float, known)
    return PeopleRange(low, median, high, WINDOW)
