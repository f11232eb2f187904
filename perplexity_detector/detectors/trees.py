"""Gradient-boosted trees over a table: training, log-odds, contributions. All that is XGBoost's."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import xgboost
from tqdm import tqdm

from perplexity_detector.lm.kernels.device import device_of

_TASK = {"objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist"}


class Settings(NamedTuple):
    """How trees are grown.

    Attributes:
        parameters: XGBoost's own.
        min_child_weight: least weight of rows in a leaf; at most 1 % of the rows.
        most: trees at most.
        patience: trees without gain on rows left out after which growing stops.
    """

    parameters: dict[str, Any]
    min_child_weight: float
    most: int
    patience: int


class Lesson(NamedTuple):
    """What trees are grown from.

    Attributes:
        table: features, shape (n, features).
        labels: 0 or 1, shape (n,).
        weights: of the rows, shape (n,).
        names: of the features.
    """

    table: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    names: list[str]

    def matrix(self, rows: np.ndarray, threads: int) -> xgboost.DMatrix:
        """Some of the rows, as XGBoost takes them."""
        return xgboost.DMatrix(
            self.table[rows],
            self.labels[rows],
            weight=self.weights[rows],
            feature_names=self.names,
            nthread=threads,
        )


def left_out_margins(
    lesson: Lesson,
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    settings: Settings,
    progress: bool = False,
) -> tuple[np.ndarray, int]:
    """Log-odds of each row by trees grown from the other parts, and how many trees were best.

    Args:
        lesson: n rows.
        parts: rows to grow from and to tell, part by part; together they tell all.
        settings: of the growing.
        progress: show a bar on a terminal.

    Returns:
        float64 of shape (n,), by as many trees in each turn: the median of what was best.
    """
    threads = settings.parameters["nthread"]
    turns = []
    for number, (rest, fold) in enumerate(parts, start=1):
        told = lesson.matrix(fold, threads)
        booster = _grow(
            _parameters(settings, len(rest)),
            lesson.matrix(rest, threads),
            num_boost_round=settings.most,
            evals=[(told, "left_out")],
            early_stopping_rounds=settings.patience,
            verbose_eval=False,
            callbacks=[TreesBar(settings.most, number, len(parts))] if progress else None,
        )
        turns.append((booster, fold))
    count = round(median(booster.best_iteration + 1 for booster, _ in turns))
    found = np.empty(len(lesson.labels))
    for booster, fold in turns:
        found[fold] = margins(
            booster[: min(count, booster.num_boosted_rounds())], lesson.table[fold], threads
        )
    return found, count


def train(lesson: Lesson, settings: Settings, count: int) -> xgboost.Booster:
    """So many trees, grown from all rows."""
    rows = np.arange(len(lesson.labels))
    return _grow(
        _parameters(settings, len(rows)),
        lesson.matrix(rows, settings.parameters["nthread"]),
        num_boost_round=count,
    )


def device_for(device: str) -> str:
    """Where trees are grown for a detector whose language model runs on `device`: there, or `cpu`.

    Raises:
        InputError: this machine has no such device.
    """
    chosen = device_of(device)
    able = chosen.type == "cuda" and xgboost.build_info()["USE_CUDA"]
    return str(chosen) if able else "cpu"


def _grow(*arguments: Any, **options: Any) -> xgboost.Booster:
    """Trees, which from then on tell on the processor: rows come one chunk at a time."""
    booster = xgboost.train(*arguments, **options)
    booster.set_param({"device": "cpu"})
    return booster


def _parameters(settings: Settings, rows: int) -> dict[str, Any]:
    least = min(settings.min_child_weight, rows / 100)
    return {**_TASK, **settings.parameters, "min_child_weight": least}


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


def to_bytes(booster: xgboost.Booster) -> bytes:
    """Trees for a file, in XGBoost's own format: universal binary JSON."""
    return bytes(booster.save_raw("ubj"))


def of_bytes(content: bytes, threads: int) -> xgboost.Booster:
    """The inverse; the number of threads is not in the file."""
    return xgboost.Booster({"nthread": threads}, model_file=bytearray(content))


def _matrix(booster: xgboost.Booster, table: np.ndarray, threads: int) -> xgboost.DMatrix:
    return xgboost.DMatrix(table, feature_names=booster.feature_names, nthread=threads)


class TreesBar(xgboost.callback.TrainingCallback):
    """A bar over the trees of one turn, with the loss on what is left out; silent in a pipe."""

    def __init__(self, most: int, turn: int, turns: int) -> None:
        super().__init__()
        name = f"training, turn {turn} of {turns}"
        self._bar = tqdm(total=most, unit=" trees", desc=name, disable=None)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Count a tree; training goes on."""
        losses = evals_log["left_out"]["logloss"]
        self._bar.set_postfix_str(f"loss {losses[-1]:.4f}", refresh=False)
        self._bar.update()
        return False

    def after_training(self, model: Any) -> Any:
        """Close the bar."""
        self._bar.close()
        return model
