"""What detector and baselines share: texts -> calibrated probabilities and verdicts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError

from perplexity_detector.classifier.assessment import assessment
from perplexity_detector.classifier.calibration import Calibrator
from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.classifier.verdicts import reasons_of
from perplexity_detector.errors import InputError
from perplexity_detector.features.cross_fitting import folds
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Document
from perplexity_detector.sampling.splits import (
    as_texts,
    balancing_weights,
    kin_of,
    lesson,
    require_length,
)

if TYPE_CHECKING:
    from typing import Self

    from perplexity_detector.explanation.explanation import Explanation

#: Texts by people that can set thresholds anew.
MIN_PEOPLE = 100


class CalibratedClassifier(ClassifierMixin, BaseEstimator):
    """Tells texts by people (class 0) from texts by language models (class 1).

    Fitting takes turns: sources, with all that share their prompts, are left out fold by fold (if
    there are too few, prompts), and probabilities and thresholds are set on what was said of them.

    A subclass says what it reads (its extractor), how it learns (`_learn`), what its margin is
    (`margins`), and what it keeps (`files`, `restore`).

    Attributes:
        classes_: array([0, 1]).
        extractor_: reads texts.
        calibrator_: margins to probabilities and thresholds.
        language_model_: fingerprint of the model that read the training texts.
        training_: a summary of the training, plain values.
        metrics_: what was measured of it, plain values.
        left_out_: of each training text, by classifiers without its fold, shape (n,); not saved.
    """

    #: Its name in commands and artefacts, the files with what it learned, and what reads for it.
    name: ClassVar[str]
    kept: ClassVar[tuple[str, ...]] = ()
    extractor_class: ClassVar[type[FeatureExtractor]] = FeatureExtractor

    extractor: FeatureExtractor | None
    extractor_: FeatureExtractor
    calibrator_: Calibrator
    language_model_: str | None
    training_: dict[str, Any]
    metrics_: dict[str, Any]
    fpr: float
    random_state: int

    # --- what a subclass says ---------------------------------------------------------------

    @abstractmethod
    def _learn(
        self,
        documents: Sequence[Document],
        labels: np.ndarray,
        sources: np.ndarray,
        parts: list[tuple[np.ndarray, np.ndarray]],
    ) -> np.ndarray:
        """Learn from all documents; tell what ones that saw only other folds say of each.

        Args:
            documents: n of them.
            labels: 0 or 1, shape (n,).
            sources: where each comes from, integers of shape (n,).
            parts: indices to learn from and to tell, fold by fold.

        Returns:
            Margins, shape (n,); NaN for a text that only a classifier could tell which saw it.
        """

    @abstractmethod
    def margins(self, view: Any) -> np.ndarray:
        """Margins of what `view` gives, shape (n,); higher for generated."""

    def view(self, documents: Sequence[Document]) -> Any:
        """What all else is computed from: the documents themselves."""
        return documents

    def unlike(self, view: Any) -> np.ndarray:
        """Whether each text is far from everything trained on, bool of shape (n,)."""
        return np.zeros(len(view), bool)

    def contributions(self, view: Any) -> Contributions | None:
        """What each feature added to the margin of each text; None where that cannot be told."""
        return None

    def reasons(self, view: Any, probabilities: np.ndarray) -> list[str]:
        """What spoke most for the side each text came out on."""
        spoke = self.contributions(view)
        return [""] * len(view) if spoke is None else reasons_of(spoke, probabilities)

    def files(self) -> dict[str, bytes]:
        """What it learned, as the files that `kept` names."""
        return {}

    def restore(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `files`; its extractor and settings are there already."""

    def _default_extractor(self) -> FeatureExtractor:
        return self.extractor_class()

    # --- learning ---------------------------------------------------------------------------

    def fit(
        self,
        X: Iterable[str],
        y: Iterable[int],
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
    ) -> Self:
        """Learn from labelled texts.

        Args:
            X: texts, shape (n,).
            y: 0 for a person's, 1 for a model's, shape (n,).
            groups: the prompt of each text; texts of one prompt are not parted.
            sources: where each text comes from; sources and classes weigh alike.

        Raises:
            InputError: labels that are not 0 and 1, one class only, or lengths that differ.
        """
        return self.fit_documents(self.new_extractor().documents(X), y, groups, sources)

    def fit_documents(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
        genuine: Sequence[bool] | np.ndarray | None = None,
    ) -> Self:
        """As `fit`, from texts already read by the extractor, n of them.

        Only `genuine` ones, shape (n,), set probabilities and thresholds: all if not given. From
        the others, such as disguised copies and auxiliary texts, it learns.
        """
        labels, codes = lesson(documents, y, sources)
        require_length(len(labels), groups=groups, genuine=genuine)
        parts = folds(labels, kin_of(codes, groups), groups, self.random_state)
        self.classes_ = np.array([0, 1])
        self.extractor_ = extractor = self.new_extractor()
        self.language_model_ = extractor.scorer().fingerprint if extractor.reads_tokens() else None
        kept = np.full(len(labels), True) if genuine is None else np.asarray(genuine, bool)
        self.training_ = {
            "texts": int(kept.sum()),
            "learned_only": int((~kept).sum()),
            "people": int((labels[kept] == 0).sum()),
            "sources": sorted(
                {str(one) for one in compress([] if sources is None else sources, kept) if one}
            ),
        }
        self.metrics_: dict[str, Any] = {}
        margins = self._learn(documents, labels, codes, parts)
        tokens = np.array([document.token_count for document in documents])
        weights = balancing_weights(labels, codes)
        told = np.isfinite(margins) & kept
        self.calibrator_ = Calibrator.fit(margins[told], labels[told], weights[told], tokens[told])
        self.left_out_ = self.calibrator_.probabilities(margins)
        return self

    # --- telling ----------------------------------------------------------------------------

    def decision_function(self, X: Iterable[str]) -> np.ndarray:
        """Margins before calibration, shape (n,)."""
        return self.margins(self.read(as_texts(X))[1])

    def predict_proba(self, X: Iterable[str]) -> np.ndarray:
        """Probabilities of both classes, shape (n, 2), had they been as likely before reading."""
        margins = self.decision_function(X)
        generated = self.calibrator_.probabilities(margins)
        return np.column_stack([1 - generated, generated])

    def probabilities(self, documents: Sequence[Document]) -> np.ndarray:
        """Probability that each is generated, shape (n,), of documents already read."""
        return self.calibrator_.probabilities(self.margins(self.view(documents)))

    def predict(self, X: Iterable[str]) -> np.ndarray:
        """1 where the probability reaches the threshold of the text's length, shape (n,)."""
        documents = self.documents(X)
        return (self.probabilities(documents) >= self.thresholds(documents)).astype(int)

    def thresholds(self, documents: Sequence[Document], fpr: float | None = None) -> np.ndarray:
        """From which probability on each counts as generated, shape (n,); by its length."""
        tokens = np.array([document.token_count for document in documents], np.int64)
        return self.calibrator_.thresholds(self.fpr if fpr is None else fpr, tokens)

    def assess(self, texts: Iterable[str], why: bool = True) -> pd.DataFrame:
        """What there is to say of each text.

        Args:
            texts: shape (n,).
            why: whether to give reasons, which takes a little longer.

        Returns:
            One row a text: `probability` that it is generated, `verdict` (human, generated or
            uncertain), `note` (why it is uncertain), `words`, `tokens`, and `why`, the features
            that spoke most for it.
        """
        documents, view = self.read(given := as_texts(texts))
        return assessment(self, given, documents, view, why)

    def explain(self, text: str, id: str | None = None, detector: str | None = None) -> Explanation:
        """The evidence behind what it says of one text, with the text's id and the detector's name.

        Raises:
            InputError: it is no string.
        """
        from perplexity_detector.explanation.explaining import explain

        return explain(self, text, id, detector)

    def recalibrate(self, texts_by_people: Iterable[str]) -> Self:
        """Set the thresholds anew, on texts by people like those who will be judged.

        The probabilities stay as they are. The rates then hold for texts drawn like these, and
        not for others; none of them may have been trained on.

        Args:
            texts_by_people: 100 or more, all by people.

        Raises:
            InputError: there are fewer.
        """
        documents = self.documents(texts_by_people)
        if (few := len(documents)) < MIN_PEOPLE:
            raise InputError(f"{few} texts set no thresholds: give {MIN_PEOPLE} or more by people.")
        tokens = np.array([document.token_count for document in documents])
        self.calibrator_ = self.calibrator_.for_people(self.probabilities(documents), tokens)
        self.training_ = {**self.training_, "recalibrated_on": len(documents)}
        self.metrics_ = {}  # which were measured at other thresholds
        return self

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the artefact folder, whole or not at all; see `persistence.save`."""
        from perplexity_detector.classifier import persistence

        self._check_fitted()
        return persistence.save(self, Path(folder))

    @classmethod
    def from_pretrained(cls, folder: str | Path = "standard", **extractor: Any) -> Self:
        """Load an artefact folder, or a detector that is shipped, by name.

        Args:
            folder: a folder that `save_pretrained` wrote, or `standard` or `fast`.
            **extractor: settings of the extractor to change: device, cache, progress, ..., or lm,
                where the same model now lies elsewhere.

        Raises:
            ArtefactError: nothing there, or it is damaged, of another version or another class.
        """
        from perplexity_detector.classifier import persistence

        return persistence.load(folder, cls, extractor)

    def new_extractor(self) -> FeatureExtractor:
        """An extractor with the settings of this one's, that has learned nothing."""
        return self._default_extractor() if self.extractor is None else clone(self.extractor)

    def documents(self, texts: Iterable[str]) -> list[Document]:
        """Texts as read by the language model that read the training texts."""
        self._check_fitted()
        self.extractor_.require_model(self.language_model_)
        return self.extractor_.documents(texts)

    def read(self, texts: Sequence[str]) -> tuple[list[Document], Any]:
        """The texts, read, and the view of them."""
        documents = self.documents(texts)
        return documents, self.view(documents)

    def _check_fitted(self) -> None:
        if not hasattr(self, "calibrator_"):
            raise NotFittedError("This detector is not trained: call fit, or from_pretrained.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_class = False
        return tags
