"""What the features of a table added to the raw scores of its texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Contributions:
    """SHAP values of n texts: how far each feature moved the raw score from its base value.

    Attributes:
        shap_values: shape (n, features); a row and its base value add up to the raw score.
        base_values: the raw score when nothing is known, shape (n,).
        names: of the features, `family_feature`.
        families: the family of each feature.
        labels: what each feature measures, a noun phrase.
        features: their values, shape (n, features).
        human_medians: medians over human training texts, shape (features,).
        overall_medians: medians over all training texts; None where not known.
    """

    shap_values: np.ndarray
    base_values: np.ndarray
    names: Sequence[str]
    families: Sequence[str]
    labels: Sequence[str]
    features: np.ndarray
    human_medians: np.ndarray
    overall_medians: np.ndarray | None = None

    def calibrated(self, slope: float, intercept: float) -> Contributions:
        """The same in calibrated log-odds, which a row and its base value then add up to."""
        values = slope * self.shap_values.astype(np.float64)
        return replace(self, shap_values=values, base_values=slope * self.base_values + intercept)
