"""Gradient-boosted trees over a table: training, log-odds, contributions. All that is XGBoost's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xgboost
from tqdm import tqdm

_TASK = {"objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist"}


def train(
    table: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    held_out: np.ndarray,
    names: Sequence[str],
    parameters: dict[str, Any],
    most: int,
    patience: int,
    progress: bool = False,
) -> xgboost.Booster:
    """Boost trees until the loss on held-out rows no longer falls.

    Args:
        table: features, shape (n, features).
        labels: 0 or 1, shape (n,).
        weights: of the rows, shape (n,).
        held_out: True for rows that only stop the training, shape (n,).
        names: of the features.
        parameters: XGBoost's.
        most: trees at most.
        patience: trees without gain after which training stops.
        progress: show a bar on a terminal.

    Returns:
        The trees up to the best.
    """

    def matrix(part: np.ndarray) -> xgboost.DMatrix:
        return xgboost.DMatrix(
            table[part],
            labels[part],
            weight=weights[part],
            feature_names=list(names),
            nthread=parameters["nthread"],
        )

    booster = xgboost.train(
        {**_TASK, **parameters},
        matrix(~held_out),
        num_boost_round=most,
        evals=[(matrix(held_out), "validation")],
        early_stopping_rounds=patience,
        verbose_eval=False,
        callbacks=[TreesBar(most)] if progress else None,
    )
    best: xgboost.Booster = booster[: booster.best_iteration + 1]
    return best


def margins(booster: xgboost.Booster, table: np.ndarray, threads: int) -> np.ndarray:
    """Log-odds of each row, float64 of shape (n,)."""
    if not len(table):
        return np.zeros(0)  # of which XGBoost would warn
    return np.asarray(
        booster.predict(_matrix(booster, table, threads), output_margin=True), np.float64
    )


def contributions(booster: xgboost.Booster, table: np.ndarray, threads: int) -> np.ndarray:
    """SHAP values of each feature, shape (n, features); the bias is left out."""
    if not len(table):
        return np.zeros(table.shape)
    values = booster.predict(_matrix(booster, table, threads), pred_contribs=True)
    return np.asarray(values)[:, :-1]


def _matrix(booster: xgboost.Booster, table: np.ndarray, threads: int) -> xgboost.DMatrix:
    return xgboost.DMatrix(table, feature_names=booster.feature_names, nthread=threads)


class TreesBar(xgboost.callback.TrainingCallback):
    """A bar over the trees of a training, with the validation loss; silent in a pipe."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._bar = tqdm(total=most, unit=" trees", desc="training", disable=None)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Count a tree; training goes on."""
        losses = evals_log["validation"]["logloss"]
        self._bar.set_postfix_str(f"loss {losses[-1]:.4f}", refresh=False)
        self._bar.update()
        return False

    def after_training(self, model: Any) -> Any:
        """Close the bar."""
        self._bar.close()
        return model
