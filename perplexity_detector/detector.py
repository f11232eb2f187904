"""TextDetector: a scikit-learn classifier over texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError

from perplexity_detector import trees
from perplexity_detector.calibration import Calibrator
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Document
from perplexity_detector.features.registry import families_at
from perplexity_detector.sampling import (
    as_labels,
    held_out_by_group,
    require_length,
    weights_of_parts,
)
from perplexity_detector.training_table import training_summary, training_table
from perplexity_detector.verdicts import reasons_of, verdicts

#: Share of generated validation texts that may lie under the threshold of the verdict `human`.
MISS_RATE = 0.05
_OF_TREES = ("learning_rate", "max_depth", "subsample", "colsample_bytree", "reg_lambda")


class TextDetector(ClassifierMixin, BaseEstimator):
    """Tells texts by people (class 0) from texts by language models (class 1).

    Features, boosted trees over them, a calibrator fitted on validation texts; deterministic.

    Args:
        extractor: makes the features; one with every family, learned ones too, if not given.
        n_estimators: trees at most; validation texts stop earlier.
        learning_rate: of the boosting.
        max_depth: of a tree.
        min_child_weight: least weight of texts in a leaf; at most 1 % of the training texts.
        subsample: share of texts each tree sees.
        colsample_bytree: share of features each tree sees.
        reg_lambda: L2 penalty on leaves.
        early_stopping_rounds: trees without gain after which training stops.
        validation_fraction: share of the groups kept for validation where none is given.
        fpr: false-positive rate of `predict` and of verdicts.
        random_state: seed.
        n_jobs: threads; all cores if not given.

    Attributes:
        classes_: array([0, 1]).
        extractor_: the extractor, its families learned.
        booster_: the trees.
        calibrator_: margins to probabilities and thresholds.
        typical_: median of each feature in people's training texts, shape (features,).
        language_model_: fingerprint of the model that read the training texts.
        training_: a summary of the training, plain values.
        metrics_: what was measured of it, plain values.
    """

    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        n_estimators: int = 1000,
        learning_rate: float = 0.05,
        max_depth: int = 4,
        min_child_weight: float = 5.0,
        subsample: float = 0.8,
        colsample_bytree: float = 0.4,
        reg_lambda: float = 2.0,
        early_stopping_rounds: int = 50,
        validation_fraction: float = 0.15,
        fpr: float = 0.01,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.extractor = extractor
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_child_weight = min_child_weight
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.reg_lambda = reg_lambda
        self.early_stopping_rounds = early_stopping_rounds
        self.validation_fraction = validation_fraction
        self.fpr = fpr
        self.random_state = random_state
        self.n_jobs = n_jobs

    # --- learning ---------------------------------------------------------------------------

    def fit(
        self,
        X: Iterable[str],
        y: Iterable[int],
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
        validation: Sequence[bool] | None = None,
    ) -> TextDetector:
        """Learn from labelled texts.

        Args:
            X: texts, shape (n,).
            y: 0 for a person's, 1 for a model's, shape (n,).
            groups: the prompt of each text; texts of one prompt are not parted.
            sources: where each text comes from; sources and classes weigh alike.
            validation: True for texts that stop the training and fit the calibrator; drawn by
                group if not given.

        Raises:
            InputError: labels that are not 0 and 1, one class only, or lengths that differ.
        """
        documents = self._new_extractor().documents(X)
        return self.fit_documents(documents, y, groups, sources, validation)

    def fit_documents(
        self,
        documents: Sequence[Document],
        y: Iterable[int],
        groups: Sequence[object] | None = None,
        sources: Sequence[object] | None = None,
        validation: Sequence[bool] | None = None,
    ) -> TextDetector:
        """As `fit`, from texts already read by the extractor, n of them."""
        labels = as_labels(y)
        require_length(
            len(labels), texts=documents, groups=groups, sources=sources, validation=validation
        )
        held_out = (
            held_out_by_group(labels, groups, self.validation_fraction, self.random_state)
            if validation is None
            else np.asarray(validation, bool)
        )
        origins = ["" for _ in labels] if sources is None else list(sources)
        self.extractor_ = extractor = self._new_extractor()
        rest = (labels, groups, origins, held_out, self.random_state)
        table = training_table(extractor, documents, *rest)
        reads = extractor.reads_tokens()
        self.language_model_ = extractor.scorer().fingerprint if reads else None
        names = extractor.get_feature_names_out().tolist()
        return self.fit_table(table, labels, origins, held_out, names)

    def fit_table(
        self,
        table: np.ndarray,
        labels: np.ndarray,
        sources: Sequence[object],
        held_out: np.ndarray,
        names: Sequence[str],
    ) -> TextDetector:
        """Trees and calibrator alone, from features already made.

        Args:
            table: of shape (n, features); learned families' columns cross-fitted.
            labels: 0 or 1, shape (n,).
            sources: where each text comes from, shape (n,).
            held_out: True for texts that stop the training and fit the calibrator, shape (n,).
            names: of the features.

        Raises:
            InputError: one class only, in training or in what is held out.
        """
        weights = weights_of_parts(labels, np.asarray(sources, object), held_out)
        self.booster_ = trees.train(
            table,
            labels,
            weights,
            held_out,
            names,
            self._parameters(int((~held_out).sum())),
            self.n_estimators,
            self.early_stopping_rounds,
            self.extractor is not None and self.extractor.progress,
        )
        self.classes_ = np.array([0, 1])
        margins = self._margins(table[held_out])
        self.calibrator_ = Calibrator.fit(margins, labels[held_out], weights[held_out])
        self.typical_ = np.median(table[~held_out & (labels == 0)], axis=0)
        trained = {"trees": self.booster_.num_boosted_rounds()}
        self.training_ = {**training_summary(labels, sources, held_out), **trained}
        self.metrics_: dict[str, Any] = {}
        return self

    def _parameters(self, texts: int) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in _OF_TREES},
            "min_child_weight": min(self.min_child_weight, texts / 100),
            "seed": self.random_state,
            "nthread": self.n_jobs or 0,
        }

    # --- telling ----------------------------------------------------------------------------

    def decision_function(self, X: Iterable[str]) -> np.ndarray:
        """Log-odds by the trees, before calibration, shape (n,)."""
        return self._margins(self._checked_extractor().transform(X))

    def predict_proba(self, X: Iterable[str]) -> np.ndarray:
        """Calibrated probabilities of the two classes, shape (n, 2).

        They are those of a text that was as likely generated as not before it was read.
        """
        return self.predict_proba_table(self._checked_extractor().transform(X))

    def predict_proba_table(self, table: np.ndarray) -> np.ndarray:
        """As `predict_proba`, from features already made, shape (n, features)."""
        generated = self.calibrator_.probabilities(self._margins(table))
        return np.column_stack([1 - generated, generated])

    def predict(self, X: Iterable[str]) -> np.ndarray:
        """1 where the probability reaches the threshold of the false-positive rate, shape (n,)."""
        probabilities = self.predict_proba(X)[:, 1]
        return (probabilities >= self.calibrator_.threshold_at(self.fpr)).astype(int)

    def assess(self, texts: Iterable[str], why: bool = True) -> pd.DataFrame:
        """What there is to say of each text.

        Args:
            texts: shape (n,).
            why: whether to give reasons, which takes a little longer.

        Returns:
            One row a text: `probability` that it is generated, `verdict` (human, generated or
            uncertain), `words`, `tokens`, and `why`, the features that spoke most for it.
        """
        extractor = self._checked_extractor()
        documents = extractor.documents(texts)
        table = extractor.table(documents)
        probabilities = self.predict_proba_table(table)[:, 1]
        words = [len(document.words) for document in documents]
        upper = self.calibrator_.threshold_at(self.fpr)
        lower = self.calibrator_.threshold_at_miss(MISS_RATE)
        frame = pd.DataFrame({"probability": probabilities})
        frame["verdict"] = verdicts(probabilities, words, upper, lower)
        frame["words"] = words
        frame["tokens"] = [document.token_count for document in documents]
        if why:
            spoke = trees.contributions(self.booster_, table, self.n_jobs or 0)
            frame["why"] = reasons_of(spoke, table, self.typical_, *extractor.told(), probabilities)
        return frame

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the artefact folder, whole or not at all; see `persistence.save`."""
        from perplexity_detector import persistence

        self._check_fitted()
        return persistence.save(self, Path(folder))

    @classmethod
    def from_pretrained(cls, folder: str | Path = "standard", **extractor: Any) -> TextDetector:
        """Load an artefact folder, or a detector that is shipped, by name.

        Args:
            folder: a folder that `save_pretrained` wrote, or `standard` or `fast`.
            **extractor: settings of the extractor to change: device, dtype, cache, progress,
                batch_tokens, or lm, where the same model now lies elsewhere.

        Raises:
            ArtefactError: nothing there, or it is damaged or of another version.
        """
        from perplexity_detector import persistence

        loaded: TextDetector = persistence.load(folder, cls, extractor)
        return loaded

    # --- within -----------------------------------------------------------------------------

    def _new_extractor(self) -> FeatureExtractor:
        if self.extractor is None:
            return FeatureExtractor(families=list(families_at()))
        new: FeatureExtractor = clone(self.extractor)
        return new

    def _checked_extractor(self) -> FeatureExtractor:
        """The extractor, if its language model is the one that read the training texts."""
        self._check_fitted()
        if self.language_model_ is not None:
            self.extractor_.require_model(self.language_model_)
        return self.extractor_

    def _check_fitted(self) -> None:
        if not hasattr(self, "booster_"):
            raise NotFittedError("This detector is not trained: call fit, or from_pretrained.")

    def _margins(self, table: np.ndarray) -> np.ndarray:
        self._check_fitted()
        return trees.margins(self.booster_, table, self.n_jobs or 0)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_class = False
        return tags
