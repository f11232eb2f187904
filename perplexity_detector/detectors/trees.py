"""Gradient-boosted trees over a feature table, with XGBoost."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import xgboost
from tqdm import tqdm

from perplexity_detector.detectors.trees_check import check_trees
from perplexity_detector.lm.kernels.device import resolve_device
from perplexity_detector.sampling.splits import Split

#: The file of an artefact that holds the trees.
BOOSTER_FILE = "classifier.ubj"
_TASK = {"objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist"}


class BoostingParams(NamedTuple):
    """Hyper-parameters of the boosting.

    Attributes:
        parameters: XGBoost's own.
        min_child_weight: smallest sum of weights in a leaf; at most 1 % of the rows.
        max_rounds: boosting rounds at most.
        early_stopping_rounds: rounds without gain on the held-out fold after which boosting
            stops.
    """

    parameters: dict[str, Any]
    min_child_weight: float
    max_rounds: int
    early_stopping_rounds: int


#: The detector's own hyper-parameters, also those of the baseline `diveye`.
DEFAULT_PARAMETERS: dict[str, float] = {
    "learning_rate": 0.05,
    "max_depth": 4,
    "subsample": 0.6,
    "colsample_bytree": 0.3,
    "num_parallel_tree": 2,
    "reg_lambda": 2.0,
}
DEFAULT_MIN_CHILD_WEIGHT = 5.0
DEFAULT_MAX_ROUNDS = 1000
DEFAULT_EARLY_STOPPING_ROUNDS = 50


class TrainingMatrix(NamedTuple):
    """Labelled, weighted rows.

    Attributes:
        features: shape (n, features).
        labels: 0 or 1, shape (n,).
        weights: of the rows, shape (n,).
        names: of the features.
    """

    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    names: list[str]

    def matrix(self, rows: np.ndarray, threads: int) -> xgboost.DMatrix:
        """Some of the rows as a DMatrix."""
        return xgboost.DMatrix(
            self.features[rows],
            self.labels[rows],
            weight=self.weights[rows],
            feature_names=self.names,
            nthread=threads,
        )


def out_of_fold_margins(
    training: TrainingMatrix,
    splits: Sequence[Split],
    params: BoostingParams,
    progress: bool = False,
) -> tuple[np.ndarray, int]:
    """Out-of-fold log-odds of each row, and the median best number of rounds.

    Args:
        training: n rows.
        splits: training and test indices of each fold; the test indices cover all rows.
        params: hyper-parameters.
        progress: show a bar on a terminal.

    Returns:
        float64 of shape (n,), where every fold uses the median best iteration, and that number.
    """
    threads = params.parameters["nthread"]
    fitted = []
    for number, (train_idx, test_idx) in enumerate(splits, start=1):
        bar = BoostingProgress(params.max_rounds, number, len(splits)) if progress else None
        booster = _boost(
            _xgb_parameters(params, len(train_idx)),
            training.matrix(train_idx, threads),
            num_boost_round=params.max_rounds,
            evals=[(training.matrix(test_idx, threads), "held_out")],
            early_stopping_rounds=params.early_stopping_rounds,
            verbose_eval=False,
            callbacks=[bar] if bar else None,
        )
        fitted.append((booster, test_idx))
    rounds = round(median(booster.best_iteration + 1 for booster, _ in fitted))
    found = np.empty(len(training.labels))
    for booster, test_idx in fitted:
        cut = booster[: min(rounds, booster.num_boosted_rounds())]
        found[test_idx] = margins(cut, training.features[test_idx], threads)
    return found, rounds


def train(training: TrainingMatrix, params: BoostingParams, rounds: int) -> xgboost.Booster:
    """Boost for a number of rounds on all rows."""
    rows = np.arange(len(training.labels))
    return _boost(
        _xgb_parameters(params, len(rows)),
        training.matrix(rows, params.parameters["nthread"]),
        num_boost_round=rounds,
    )


def device_for(device: str) -> str:
    """The device to train on if the language model runs on `device`: the same one, or `cpu`.

    Raises:
        InputError: this machine has no such device.
    """
    chosen = resolve_device(device)
    able = chosen.type == "cuda" and xgboost.build_info()["USE_CUDA"]
    return str(chosen) if able else "cpu"


def _boost(*arguments: Any, **options: Any) -> xgboost.Booster:
    """Train a booster that predicts on the CPU, where rows come in small chunks."""
    booster = xgboost.train(*arguments, **options)
    booster.set_param({"device": "cpu"})
    return booster


def _xgb_parameters(params: BoostingParams, rows: int) -> dict[str, Any]:
    least = min(params.min_child_weight, rows / 100)
    return {**_TASK, **params.parameters, "min_child_weight": least}


def margins(booster: xgboost.Booster, features: np.ndarray, threads: int) -> np.ndarray:
    """Log-odds of each row, float64 of shape (n,)."""
    if not len(features):
        return np.zeros(0)  # XGBoost warns of an empty matrix
    return np.asarray(
        booster.predict(_matrix(booster, features, threads), output_margin=True), np.float64
    )


def contributions(booster: xgboost.Booster, features: np.ndarray, threads: int) -> np.ndarray:
    """SHAP values of each feature, shape (n, features); without the bias."""
    if not len(features):
        return np.zeros(features.shape)
    values = booster.predict(_matrix(booster, features, threads), pred_contribs=True)
    return np.asarray(values)[:, :-1]


class LoadedBooster(xgboost.Booster):
    """A booster that keeps the bytes it was loaded from.

    Another version of XGBoost would save the same trees in other bytes, and the detector would
    have another hash.

    Args:
        content: what `to_bytes` gave.
        threads: to predict with; 0 for all.
    """

    def __init__(self, content: bytes, threads: int) -> None:
        super().__init__({"nthread": threads}, model_file=bytearray(content))
        self.content = content


def to_bytes(booster: xgboost.Booster) -> bytes:
    """The booster in XGBoost's own format, universal binary JSON."""
    if isinstance(booster, LoadedBooster):
        return booster.content
    return bytes(booster.save_raw("ubj"))


def from_bytes(content: bytes, threads: int) -> xgboost.Booster:
    """The inverse; the number of threads is not in the file.

    Raises:
        ValueError: these are no trees for two classes.
        KeyError, TypeError, AttributeError: nor anything like it.
    """
    check_trees(content)
    return LoadedBooster(content, threads)


def _matrix(booster: xgboost.Booster, features: np.ndarray, threads: int) -> xgboost.DMatrix:
    return xgboost.DMatrix(features, feature_names=booster.feature_names, nthread=threads)


class BoostingProgress(xgboost.callback.TrainingCallback):
    """A progress bar over the rounds of one fold, with the held-out loss; silent in a pipe."""

    def __init__(self, max_rounds: int, fold: int, folds: int) -> None:
        super().__init__()
        name = f"training, fold {fold} of {folds}"
        self._bar = tqdm(total=max_rounds, unit=" rounds", desc=name, disable=None)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Advance the bar; never stop the training."""
        losses = evals_log["held_out"]["logloss"]
        self._bar.set_postfix_str(f"loss {losses[-1]:.4f}", refresh=False)
        self._bar.update()
        return False

    def after_training(self, model: Any) -> Any:
        """Close the bar."""
        self._bar.close()
        return model
