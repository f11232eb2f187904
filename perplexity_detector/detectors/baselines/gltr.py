"""GLTR's four rank colours, and a logistic regression over them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.classifier.persistence import ARRAYS_FILE
from perplexity_detector.detectors.baselines.baseline import ColumnsBaseline
from perplexity_detector.detectors.baselines.linear import fit_logistic, log_odds


class GLTR(ColumnsBaseline):
    """Logistic regression over the shares of tokens of rank up to 10, 100, 1000 and beyond.

    The colours are those of GLTR (Gehrmann et al. 2019); the eighth place of Kaggle's competition
    on generated essays (2024) rested on them. The table is standardised first.
    """

    name: ClassVar[str] = "gltr"
    artefact_files: ClassVar[tuple[str, ...]] = (ARRAYS_FILE,)
    families = ("rank",)
    columns = ("rank_top_10", "rank_top_100", "rank_top_1000", "rank_beyond")

    def fit_features(
        self, features: np.ndarray, labels: np.ndarray, sources: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Mean and standard deviation, coefficients, and medians of human texts."""
        centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
        linear = fit_logistic((features - centre) / scale, labels, sources)
        medians = np.median(features[labels == 0], axis=0)
        return {**linear, "centre": centre, "scale": scale, "human_medians": medians}

    def score_features(self, features: np.ndarray, fitted: dict[str, np.ndarray]) -> np.ndarray:
        """Log-odds, shape (n,)."""
        return log_odds((features - fitted["centre"]) / fitted["scale"], fitted)

    def contributions(self, features: np.ndarray) -> Contributions:
        """Coefficient times standardised value; each feature is a family of its own."""
        fitted = self.fitted_
        added = (features - fitted["centre"]) / fitted["scale"] * fitted["coefficients"]
        return Contributions(
            added,
            base_values=self.raw_scores(features) - added.sum(axis=1),
            names=self.columns,
            families=self.columns,
            labels=self.labels(),
            features=features,
            human_medians=fitted["human_medians"],
        )
