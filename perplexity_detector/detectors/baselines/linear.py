"""Logistic regression in which classes and sources weigh alike, kept as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from perplexity_detector.sampling.balance import balancing_weights


def fit_logistic(
    features: Any,
    labels: np.ndarray,
    sources: np.ndarray,
    C: float = 1.0,
) -> dict[str, np.ndarray]:
    """Coefficients (columns,) and intercept (1,), float64.

    Args:
        features: dense or sparse, shape (n, columns).
        labels: 0 or 1, shape (n,).
        sources: integers, shape (n,).
        C: inverse of the L2 penalty.
    """
    from sklearn.linear_model import LogisticRegression

    weights = balancing_weights(labels, sources)
    model = LogisticRegression(C=C, max_iter=1000).fit(features, labels, weights)
    return {"coefficients": model.coef_[0].astype(np.float64), "intercept": model.intercept_}


def log_odds(features: Any, fitted: Mapping[str, np.ndarray]) -> np.ndarray:
    """Log-odds of each row, shape (n,)."""
    return np.asarray(features @ fitted["coefficients"] + fitted["intercept"][0], np.float64)
