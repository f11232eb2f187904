"""DivEye: boosted trees over moments of surprisal and its differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.classifier.persistence import ARRAYS_FILE
from perplexity_detector.detectors import trees
from perplexity_detector.detectors.baselines.baseline import ColumnsBaseline
from perplexity_detector.features.document import Document
from perplexity_detector.io import tensors
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.sampling.splits import Split

_MEDIANS = "human_medians"


class DivEye(ColumnsBaseline):
    """XGBoost over moments of surprisal and of its differences (Basani and Chen 2025).

    The paper's nine: mean, variance, skewness and kurtosis of s; mean and variance of its first
    differences; variance, entropy and autocorrelation of its second. The number of trees is set
    on held-out folds, as in the detector.

    Attributes:
        fitted_: `booster`, and `human_medians`, the medians of human texts.
    """

    name: ClassVar[str] = "diveye"
    artefact_files: ClassVar[tuple[str, ...]] = (trees.BOOSTER_FILE, ARRAYS_FILE)
    families = ("perplexity", "diversity")
    columns = (
        "perplexity_mean",
        "diversity_variance",
        "diversity_skewness",
        "diversity_kurtosis",
        "diversity_difference_mean",
        "diversity_difference_variance",
        "diversity_second_difference_variance",
        "diversity_second_difference_entropy",
        "diversity_second_difference_autocorrelation",
    )

    def _fit_out_of_fold(
        self,
        documents: Sequence[Document],
        labels: np.ndarray,
        sources: np.ndarray,
        splits: list[Split],
    ) -> np.ndarray:
        features = self.compute_features(documents)
        training = self._training_matrix(features, labels, sources)
        scores, rounds = trees.out_of_fold_margins(training, splits, self._boosting_params())
        self.training_["trees"] = rounds * int(trees.DEFAULT_PARAMETERS["num_parallel_tree"])
        self.fitted_ = self.fit_features(features, labels, sources, rounds)
        return scores

    def fit_features(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        sources: np.ndarray,
        rounds: int = trees.DEFAULT_MAX_ROUNDS,
    ) -> dict[str, Any]:
        """A booster of so many rounds, and the medians of human texts."""
        training = self._training_matrix(features, labels, sources)
        booster = trees.train(training, self._boosting_params(), rounds)
        return {"booster": booster, _MEDIANS: np.median(features[labels == 0], axis=0)}

    def _training_matrix(
        self, features: np.ndarray, labels: np.ndarray, sources: np.ndarray
    ) -> trees.TrainingMatrix:
        weights = balancing_weights(labels, sources)
        return trees.TrainingMatrix(features, labels, weights, list(self.columns))

    def _boosting_params(self) -> trees.BoostingParams:
        # with nine features one thread is as quick, and a forked process can use it
        parameters = {**trees.DEFAULT_PARAMETERS, "seed": self.random_state, "nthread": 1}
        device = trees.device_for("auto" if self.extractor is None else self.extractor.device)
        return trees.BoostingParams(
            {**parameters, "device": device},
            trees.DEFAULT_MIN_CHILD_WEIGHT,
            trees.DEFAULT_MAX_ROUNDS,
            trees.DEFAULT_EARLY_STOPPING_ROUNDS,
        )

    def score_features(self, features: np.ndarray, fitted: dict[str, Any]) -> np.ndarray:
        """Log-odds, shape (n,)."""
        return trees.margins(fitted["booster"], features, 0)

    def contributions(self, features: np.ndarray) -> Contributions:
        """XGBoost's SHAP values; each feature is a family of its own."""
        shap_values = trees.contributions(self.fitted_["booster"], features, 0)
        return Contributions(
            shap_values,
            base_values=self.raw_scores(features) - shap_values.sum(axis=1),
            names=self.columns,
            families=self.columns,
            labels=self.labels(),
            features=features,
            human_medians=self.fitted_[_MEDIANS],
        )

    def to_files(self) -> dict[str, bytes]:
        """The booster, and the medians."""
        medians = {_MEDIANS: self.fitted_[_MEDIANS]}
        return {
            trees.BOOSTER_FILE: trees.to_bytes(self.fitted_["booster"]),
            ARRAYS_FILE: tensors.to_bytes({self.name: medians}),
        }

    def load_files(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `to_files`."""
        medians = tensors.from_bytes(files[ARRAYS_FILE])[self.name][_MEDIANS]
        booster = trees.from_bytes(files[trees.BOOSTER_FILE], 0)
        trees.margins(booster, np.zeros((1, len(self.columns))), 1)  # fails for other features
        self.fitted_ = {"booster": booster, _MEDIANS: medians}
