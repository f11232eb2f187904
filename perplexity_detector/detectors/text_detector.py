"""TextDetector: the detector itself, boosted trees over features; a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.classifier.outliers import Novelty
from perplexity_detector.detectors import trees
from perplexity_detector.explanation.human_surprisal import surprisal_range
from perplexity_detector.features.cross_fitting import Part
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Document
from perplexity_detector.features.registry import default_at
from perplexity_detector.io.tensors import of_bytes, to_bytes
from perplexity_detector.sampling.splits import balancing_weights

if TYPE_CHECKING:
    import xgboost

TREES, LEARNED = "classifier.ubj", "learned.safetensors"
#: Beside the families, in the file of what was learned.
_NOVELTY, _PEOPLE = "novelty", "people"
_OF_TREES = (
    "learning_rate", "max_depth", "subsample", "colsample_bytree", "num_parallel_tree",
    "reg_lambda",
)  # fmt: skip


class TextDetector(CalibratedClassifier):
    """Tells texts by people (class 0) from texts by language models (class 1).

    Features and boosted trees over them. Trees take turns over features that took turns, once
    and not nested: a turn's trees have not seen the left-out texts, but learned families told
    some of its training texts after learning from them. On sources that are wholly new the
    thresholds hold all the same (README). What learns (families, trees, their number, the
    calibrator, thresholds) is set on sources left out in turn, see `CalibratedClassifier`;
    deterministic.

    Args:
        extractor: makes the features; one with the default families if not given.
        n_estimators: rounds of boosting at most; texts left out stop earlier.
        learning_rate: of the boosting.
        max_depth: of a tree.
        min_child_weight: least weight of texts in a leaf; at most 1 % of the training texts.
        subsample: share of texts each tree sees.
        colsample_bytree: share of features each tree sees.
        num_parallel_tree: trees of a round, whose mean counts; with few texts and features for
            each, two do a little better on sources left out than one with more (.002).
        reg_lambda: L2 penalty on leaves.
        early_stopping_rounds: rounds without gain after which training stops.
        fpr: false-positive rate of `predict` and of verdicts.
        random_state: seed.
        n_jobs: threads; all cores if not given.

    Attributes:
        classes_: array([0, 1]).
        extractor_: the extractor, its families learned.
        booster_: the trees.
        calibrator_: margins to probabilities and thresholds.
        novelty_: tells texts that are unlike all it was trained on.
        typical_: median of each feature in people's training texts, shape (features,).
        surprisal_range_: of the same texts, see `people.surprisal_range`; None where no
            statistics were read.
        language_model_: fingerprint of the model that read the training texts.
        training_: a summary of the training, plain values.
        metrics_: what was measured of it, plain values.
    """

    name: ClassVar[str] = "detector"
    kept: ClassVar[tuple[str, ...]] = (TREES, LEARNED)

    booster_: xgboost.Booster
    novelty_: Novelty
    typical_: np.ndarray
    surprisal_range_: np.ndarray | None = None

    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        n_estimators: int = 1000,
        learning_rate: float = 0.05,
        max_depth: int = 4,
        min_child_weight: float = 5.0,
        subsample: float = 0.6,
        colsample_bytree: float = 0.3,
        num_parallel_tree: int = 2,
        reg_lambda: float = 2.0,
        early_stopping_rounds: int = 50,
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
        self.num_parallel_tree = num_parallel_tree
        self.reg_lambda = reg_lambda
        self.early_stopping_rounds = early_stopping_rounds
        self.fpr = fpr
        self.random_state = random_state
        self.n_jobs = n_jobs

    # --- learning ---------------------------------------------------------------------------

    def _learn(
        self,
        documents: Sequence[Document],
        labels: np.ndarray,
        sources: np.ndarray,
        parts: list[Part],
    ) -> np.ndarray:
        extractor = self.extractor_
        table = extractor.cross_fitted_table(documents, labels, sources, parts)
        extractor.learn(documents, labels, sources)
        self.surprisal_range_ = surprisal_range(
            document.statistics
            for document, label in zip(documents, labels, strict=True)
            if label == 0
        )
        names = extractor.get_feature_names_out().tolist()
        margins = self.fit_table(table, labels, sources, parts, names)
        self.training_["trees"] = self.booster_.num_boosted_rounds() * self.num_parallel_tree
        return margins

    def fit_table(
        self,
        table: np.ndarray,
        labels: np.ndarray,
        sources: np.ndarray,
        parts: list[Part],
        names: list[str],
    ) -> np.ndarray:
        """Trees alone, from features already made; arguments and margins as in `_learn`.

        Args:
            table: of shape (n, features); learned families' columns cross-fitted by the parts.
            labels: 0 or 1, shape (n,).
            sources: integers, shape (n,).
            parts: as `cross_fitting.folds` gives them.
            names: of the features.

        Returns:
            Margins of each text by trees that saw only the other parts, shape (n,).
        """
        weights = balancing_weights(labels, sources)
        settings = self.tree_settings()
        progress = self.extractor is not None and self.extractor.progress
        lesson = trees.Lesson(table, labels, weights, names)
        margins, count = trees.left_out_margins(lesson, parts, settings, progress)
        self.booster_ = trees.train(lesson, settings, count)
        self.typical_ = np.median(table[labels == 0], axis=0)
        self.novelty_ = Novelty.fit(table, parts)
        return margins

    def tree_settings(self) -> trees.Settings:
        """How its trees are grown: on the device that the language model has."""
        device = trees.device_for("auto" if self.extractor is None else self.extractor.device)
        return trees.Settings(
            {name: getattr(self, name) for name in _OF_TREES}
            | {"seed": self.random_state, "nthread": self.n_jobs or 0, "device": device},
            self.min_child_weight,
            self.n_estimators,
            self.early_stopping_rounds,
        )

    # --- telling ----------------------------------------------------------------------------

    def view(self, documents: Sequence[Document]) -> np.ndarray:
        """The table of features, shape (n, features)."""
        return self.extractor_.table(documents)

    def read(self, texts: Sequence[str]) -> tuple[list[Document], np.ndarray]:
        """The texts, read, and their features, made meanwhile where a GPU reads."""
        self._check_fitted()
        self.extractor_.require_model(self.language_model_)
        return self.extractor_.read(texts)

    def margins(self, view: np.ndarray) -> np.ndarray:
        """Log-odds by the trees, before calibration, shape (n,)."""
        return trees.margins(self.booster_, view, self.n_jobs or 0)

    def unlike(self, view: np.ndarray) -> np.ndarray:
        """Whether each text is far from everything trained on, shape (n,); see `Novelty`."""
        return self.novelty_.unlike(view)

    def contributions(self, view: np.ndarray) -> Contributions:
        """What each feature added to the log-odds of each text, by XGBoost's own account."""
        added = trees.contributions(self.booster_, view, self.n_jobs or 0)
        labels, families = self.extractor_.told()
        names = self.extractor_.get_feature_names_out().tolist()
        base = self.margins(view) - added.sum(axis=1)
        medians = self.typical_, self.novelty_.centre
        return Contributions(added, base, names, families, labels, view, *medians)

    def files(self) -> dict[str, bytes]:
        """Trees as XGBoost writes them; all else that was learned as arrays."""
        people = {"typical": self.typical_}
        if self.surprisal_range_ is not None:
            people["surprisal"] = self.surprisal_range_
        learned = {
            **self.extractor_.learned_,
            _NOVELTY: self.novelty_.arrays(),
            _PEOPLE: people,
        }
        return {TREES: trees.to_bytes(self.booster_), LEARNED: to_bytes(learned)}

    def restore(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `files`."""
        learned = of_bytes(files[LEARNED])
        self.novelty_ = Novelty.of_arrays(learned.pop(_NOVELTY))
        people = learned.pop(_PEOPLE)
        self.typical_, self.surprisal_range_ = people["typical"], people.get("surprisal")
        self.extractor_.learned_ = learned
        self.booster_ = trees.of_bytes(files[TREES], self.n_jobs or 0)

    def _default_extractor(self) -> FeatureExtractor:
        return FeatureExtractor(families=default_at())
