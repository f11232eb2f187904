"""Logistic regression with classes and sources that weigh alike, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from perplexity_detector.sampling.balance import balancing_weights


def fit_logistic(
    table: Any, labels: np.ndarray, sources: np.ndarray, C: float = 1.0
) -> dict[str, np.ndarray]:
    """Coefficients (columns,) and intercept (1,), float64.

    Args:
        table: dense or sparse, shape (n, columns).
        labels: 0 or 1, shape (n,).
        sources: integers, shape (n,).
        C: inverse of the L2 penalty.
    """
    from sklearn.linear_model import LogisticRegression

    weights = balancing_weights(labels, sources)
    model = LogisticRegression(C=C, max_iter=1000).fit(table, labels, weights)
    return {"coefficients": model.coef_[0].astype(np.float64), "intercept": model.intercept_}


def log_odds(table: Any, learned: Mapping[str, np.ndarray]) -> np.ndarray:
    """Of each row, shape (n,)."""
    return np.asarray(table @ learned["coefficients"] + learned["intercept"][0], np.float64)
