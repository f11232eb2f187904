"""BoostedTrees: the detector's trees alone, a scikit-learn classifier of feature tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from perplexity_detector.detectors import trees
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.sampling.checks import check_consistent_length

if TYPE_CHECKING:
    from typing import Self

    import xgboost


class BoostedTrees(ClassifierMixin, BaseEstimator):
    """Gradient-boosted trees over a feature table, with `TextDetector`'s parameters.

    For searches over them without reading any text again: make the table once with
    `FeatureExtractor.fit_transform`. Of two classes; deterministic. Unlike `TextDetector` it has
    neither calibration nor thresholds, and boosts for all its rounds.

    Args:
        n_estimators: boosting rounds.
        learning_rate: of the boosting.
        max_depth: of a tree.
        min_child_weight: smallest sum of weights in a leaf; at most 1 % of the rows.
        subsample: share of rows that each tree sees.
        colsample_bytree: share of features that each tree sees.
        num_parallel_tree: trees of a round, averaged.
        reg_lambda: L2 penalty on leaves.
        random_state: seed.
        n_jobs: threads; all cores if not given.

    Attributes:
        classes_: the two labels, sorted.
        n_features_in_: number of columns.
        feature_names_in_: their names, if the table had any.
        booster_: the trees.

    Example:
        >>> table, labels = [[0.0], [0.1], [0.9], [1.0]] * 30, [0, 0, 1, 1] * 30
        >>> BoostedTrees(n_estimators=9, n_jobs=1).fit(table, labels).predict([[0.0], [1.0]])
        array([0, 1])
    """

    classes_: np.ndarray
    n_features_in_: int
    booster_: xgboost.Booster

    def __init__(
        self,
        n_estimators: int = 300,
        learning_rate: float = 0.05,
        max_depth: int = 4,
        min_child_weight: float = trees.DEFAULT_MIN_CHILD_WEIGHT,
        subsample: float = 0.6,
        colsample_bytree: float = 0.3,
        num_parallel_tree: int = 2,
        reg_lambda: float = 2.0,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_child_weight = min_child_weight
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.num_parallel_tree = num_parallel_tree
        self.reg_lambda = reg_lambda
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sources: Sequence[object] | np.ndarray | None = None) -> Self:
        """Grow the trees.

        Args:
            X: finite numbers, shape (n, features).
            y: labels of two kinds, shape (n,).
            sources: where each row comes from, shape (n,); sources and classes weigh alike.

        Raises:
            ValueError: the table or the labels cannot be used.
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        if (kind := type_of_target(y, input_name="y")) != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}."
            )
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("There is one class in y, and a classifier needs two.")
        check_consistent_length(len(labels), sources=sources)
        codes = np.zeros(len(labels)) if sources is None else pd.factorize(np.asarray(sources))[0]
        # numbered: XGBoost refuses some names that a data frame may have
        names = [f"feature_{number}" for number in range(X.shape[1])]
        weights = balancing_weights(labels, codes)
        matrix = trees.TrainingMatrix(X, labels, weights, names)
        self.booster_ = trees.train(matrix, self._boosting_params(), self.n_estimators)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Log-odds of the second class, shape (n,)."""
        check_is_fitted(self)
        table = validate_data(self, X, reset=False)
        return trees.margins(self.booster_, table, self.n_jobs or 0)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of both classes, shape (n, 2)."""
        second = 1 / (1 + np.exp(-self.decision_function(X)))
        return np.column_stack([1 - second, second])

    def predict(self, X: Any) -> np.ndarray:
        """The likelier class of each row, shape (n,)."""
        second = self.decision_function(X) > 0
        return np.asarray(self.classes_[second.astype(int)])

    def _boosting_params(self) -> trees.BoostingParams:
        parameters: dict[str, Any] = {
            name: getattr(self, name) for name in trees.DEFAULT_PARAMETERS
        }
        parameters |= {"seed": self.random_state, "nthread": self.n_jobs or 0, "device": "cpu"}
        return trees.BoostingParams(parameters, self.min_child_weight, self.n_estimators, 0)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
