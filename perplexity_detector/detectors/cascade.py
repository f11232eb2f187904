"""CascadeDetector: reads a text to the end only where a detector of its first blocks is unsure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from perplexity_detector.classifier import persistence
from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.classifier.fastest_precision import fastest_precision
from perplexity_detector.classifier.provenance import Provenance
from perplexity_detector.classifier.verdicts import MAX_FNR, MIXED, UNCERTAIN
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.explanation.explanation import Explanation
from perplexity_detector.features import pipeline
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import CHUNK_TEXTS
from perplexity_detector.io import artefact_folder
from perplexity_detector.lm.kernels.precision import AUTO
from perplexity_detector.lm.paused_reading import can_pause
from perplexity_detector.lm.weights.fingerprint import is_same_model
from perplexity_detector.sampling.checks import check_texts
from perplexity_detector.text import canonicalise

if TYPE_CHECKING:
    from typing import Self

#: Share of the false-positive rate that the first detector may spend.
FIRST_FPR_SHARE = 0.1
#: Share of generated texts that the first detector may call human, of `MAX_FNR`.
FIRST_FNR = 0.01
#: Characters of the texts that are paused together, whose states then take some 150 MB with
#: smollm2; a longer text is read to the end at once.
PAUSED_CHARACTERS = 2**18
#: Folder of the first detector's files among those of a cascade.
FIRST = "first"


class CascadeDetector(TextDetector):
    """A detector with an early exit (Viola and Jones 2001; BranchyNet, Teerapittayanon 2016).

    A first detector, which reads the first blocks of the same language model, gives the verdict
    where it is `human` or `generated` by strict thresholds. The other texts are read on from
    where it stopped, and this detector decides. The other blocks are loaded when they are needed.

    The false-positive rate is divided: the first detector flags at `FIRST_FPR_SHARE` of it and
    this one at the rest, so that together they keep the rate which each keeps (union bound). In
    the same way they share `MAX_FNR`. Raw scores are calibrated log-odds, whichever detector gave
    them. Which other texts leave early changes the numbers of a text by no more than rounding.

    Attributes:
        first_: the first detector.
    """

    #: What a sample of a document's windows would cost was not measured.
    can_sample = False
    first_: TextDetector

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path = "standard",
        revision: str | None = None,
        first: str | Path | None = None,
        **extractor: Any,
    ) -> Self:
        """Load two detectors as a cascade.

        Args:
            folder: the last detector's, or its name; see `CalibratedClassifier.from_pretrained`.
            revision: of the last detector, on the hub.
            first: the first detector's folder or name; the shipped one's if not given.
            **extractor: settings of both extractors to change.

        Raises:
            ArtefactError: either cannot be loaded.
            InputError: they read with different models, or an extractor has no such setting.
        """
        measured = extractor.get("precision") == AUTO
        if measured:  # of both together, below
            extractor = {**extractor, "precision": None}
        loaded = super().from_pretrained(folder, revision, **extractor)
        shipped = artefact_folder.PRETRAINED / artefact_folder.CASCADE_FIRST
        loaded.first_ = TextDetector.from_pretrained(first or shipped, **extractor)
        if not is_same_model(loaded.first_.language_model_, loaded.language_model_):
            raise InputError("The detectors of a cascade must read with the same language model.")
        if measured:
            precision = fastest_precision(loaded)
            for one in (loaded, loaded.first_):
                one.extractor_.set_params(precision=precision)
        return loaded

    def with_reading(self, **settings: Any) -> Self:
        """As `CalibratedClassifier.with_reading`, of both detectors."""
        other = super().with_reading(**settings)
        other.first_ = self.first_.with_reading(**settings)
        return other

    @property
    def last(self) -> TextDetector:
        """The last detector by itself."""
        alone = TextDetector(**self.get_params(deep=False))
        alone.__dict__.update(
            {name: value for name, value in vars(self).items() if name != "first_"}
        )
        return alone

    # --- prediction -------------------------------------------------------------------------

    def assess_whole(self, texts: Sequence[str]) -> list[Assessment]:
        """As `CalibratedClassifier.assess_whole`, by the first detector or by this one."""
        self._check_fitted()
        self.first_.extractor_.require_model(self.language_model_)
        if not can_pause(self.first_.extractor_.scorer()):
            return self._assess_at_the_end(texts)
        found: list[Assessment] = []
        for chunk in _chunks(texts):
            paused = len(chunk[0]) <= PAUSED_CHARACTERS
            found += self._assess_in_turn(chunk) if paused else self._assess_at_the_end(chunk)
        return found

    def _assess_in_turn(self, texts: Sequence[str]) -> list[Assessment]:
        """Read texts up to the early exit, and those that do not leave there to the end."""
        first_scorer: Any = self.first_.extractor_.scorer()
        canonical = [canonicalise(text) for text in texts]
        begun = pipeline.PausedDocuments(first_scorer, canonical, self._first_requirements())
        found = self._assess_first(texts, begun.documents)
        rest = [index for index, one in enumerate(found) if not one.settled_early]
        if not rest:
            return found
        self.extractor_.require_model(self.language_model_)
        scorer: Any = self.extractor_.scorer()
        documents = begun.go_on(scorer, rest, self.extractor_.requirements())
        features = self.compute_features(documents)
        late = self._assess_last([texts[index] for index in rest], documents, features)
        for index, assessment in zip(rest, late, strict=True):
            found[index] = assessment
        return found

    def _assess_at_the_end(self, texts: Sequence[str]) -> list[Assessment]:
        """The same where a pass cannot pause: all texts are read to the end."""
        documents, features = self.extract(texts)
        layer = self._first_requirements().layers[-1]
        shallow = [replace(one, states=one.states.to_layer(layer)) for one in documents]
        early = self._assess_first(texts, shallow)
        late = self._assess_last(texts, documents, features)
        return [a if a.settled_early else b for a, b in zip(early, late, strict=True)]

    def _assess_first(
        self, texts: Sequence[str], documents: Sequence[Document]
    ) -> list[Assessment]:
        features = self.first_.compute_features(documents)
        fpr = self.fpr * FIRST_FPR_SHARE
        found = self.first_.assess_documents(texts, documents, features, fpr, FIRST_FNR)
        found = _with_log_odds(self.first_, found)
        return [replace(one, settled_early=one.verdict not in (UNCERTAIN, MIXED)) for one in found]

    def _assess_last(
        self, texts: Sequence[str], documents: Sequence[Document], features: np.ndarray
    ) -> list[Assessment]:
        fpr, fnr = self.fpr * (1 - FIRST_FPR_SHARE), MAX_FNR - FIRST_FNR
        return _with_log_odds(self, self.assess_documents(texts, documents, features, fpr, fnr))

    def _first_requirements(self) -> pipeline.Requirements:
        extractor = self.first_.extractor_
        return pipeline.Requirements.from_families(
            extractor.chosen_families(), extractor.scorer(), extractor.depth
        )

    # --- reasons ----------------------------------------------------------------------------

    def reasons(self, assessments: Sequence[Assessment]) -> list[list[str]]:
        """As `ExplainableClassifier.reasons`, of whichever detector gave each verdict."""
        early = iter(self.first_.reasons([one for one in assessments if one.settled_early]))
        late = iter(super().reasons([one for one in assessments if not one.settled_early]))
        return [next(early if one.settled_early else late) for one in assessments]

    def explain(self, text: str, id: str | None = None, detector: str | None = None) -> Explanation:
        """As `ExplainableClassifier.explain`, by whichever detector gave the verdict."""
        (assessment,) = self.assess_whole(check_texts([text]))
        if not assessment.settled_early:
            return self.explain_assessment(text, assessment, id, detector)
        explanation = self.first_.explain_assessment(text, assessment, id, detector)
        return replace(explanation, fpr=self.fpr, provenance=Provenance.of(self, detector))

    # --- what belongs to one detector alone -------------------------------------------------

    def to_files(self) -> dict[str, bytes]:
        """The files of both detectors, those of the first in a folder of their own."""
        first = {
            **self.first_.to_files(),
            persistence.CALIBRATOR: artefact_folder.to_json(self.first_.calibrator_.to_json()),
        }
        in_folder = {f"{FIRST}/{name}": content for name, content in first.items()}
        return {**super().to_files(), **in_folder}

    def save_pretrained(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: a cascade has no folder of its own.

        Raises:
            ArtefactError: always.
        """
        raise ArtefactError("A cascade is not saved as one: save its detectors, first_ and last.")

    def fit_documents(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: a cascade is loaded, not trained.

        Raises:
            InputError: always.
        """
        raise InputError("A cascade is not trained as one: train its two detectors.")

    def recalibrate_scores(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: the thresholds of a cascade are those of its detectors.

        Raises:
            InputError: always.
        """
        raise InputError("A cascade is not recalibrated as one: recalibrate its two detectors.")


def _with_log_odds(detector: TextDetector, assessments: Sequence[Assessment]) -> list[Assessment]:
    """Assessments with calibrated log-odds as raw scores, a scale that two detectors share."""
    log_odds = detector.calibrator_.log_odds(np.array([one.raw_score for one in assessments]))
    return [
        replace(one, raw_score=value)
        for one, value in zip(assessments, log_odds.tolist(), strict=True)
    ]


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts that are paused together; one that is too long for that comes alone."""
    chunk: list[str] = []
    characters = 0
    for text in texts:
        if chunk and (len(chunk) == CHUNK_TEXTS or characters + len(text) > PAUSED_CHARACTERS):
            yield chunk
            chunk, characters = [], 0
        chunk.append(text)
        characters += len(text)
    if chunk:
        yield chunk
