"""Progress of training on a terminal."""

from __future__ import annotations

from typing import Any

import xgboost
from tqdm import tqdm


class TreesBar(xgboost.callback.TrainingCallback):
    """A bar over the trees of a training, with the validation loss; silent in a pipe."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._bar = tqdm(total=most, unit=" trees", desc="training", disable=None)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ANN401
        """Count a tree; training goes on."""
        losses = evals_log["validation"]["logloss"]
        self._bar.set_postfix_str(f"loss {losses[-1]:.4f}", refresh=False)
        self._bar.update()
        return False

    def after_training(self, model: Any) -> Any:  # noqa: ANN401
        """Close the bar."""
        self._bar.close()
        return model
