"""How far a text is from everything a detector was trained on: distance in the features' space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from perplexity_detector.features.cross_fitting import Part

#: Share of texts of sources never seen that may be called unlike.
UNLIKE_SHARE = 0.005
#: A single feature counts no more than so many standard deviations.
CLIP = 10.0


@dataclass(frozen=True)
class Novelty:
    """Mahalanobis distance to the training texts, whoever wrote them, and its limit.

    d(x) = sqrt(z' P z / features), z the standardised features, clipped, and P the inverse of
    their covariance, shrunk (Ledoit and Wolf 2004); about 1 for a text like the training's.

    Attributes:
        centre: medians of the features, shape (features,).
        scale: their standard deviations, shape (features,).
        precision: P, shape (features, features).
        limit: the distance that all but `UNLIKE_SHARE` of the training texts keep to when
            measured from those of other sources.
    """

    centre: np.ndarray
    scale: np.ndarray
    precision: np.ndarray
    limit: float

    @classmethod
    def fit(cls, table: np.ndarray, parts: Sequence[Part]) -> Novelty:
        """Learn from features, shape (n, features); parts as `cross_fitting.folds` gives them."""
        distances = np.empty(len(table))
        for rest, fold in parts:
            distances[fold] = _around(table[rest]).distances(table[fold])
        whole = _around(table)
        limit = float(np.quantile(distances, 1 - UNLIKE_SHARE))
        return cls(whole.centre, whole.scale, whole.precision, limit)

    def distances(self, table: np.ndarray) -> np.ndarray:
        """Distance of each row, shape (n,), from features, shape (n, features)."""
        z = np.clip((table - self.centre) / self.scale, -CLIP, CLIP)
        squared = np.einsum("nf,fg,ng->n", z, self.precision, z, optimize=True)
        return np.asarray(np.sqrt(np.maximum(squared, 0) / len(self.centre)))

    def unlike(self, table: np.ndarray) -> np.ndarray:
        """Whether each row is beyond the limit, bool of shape (n,)."""
        return np.asarray(self.distances(table) > self.limit)

    def arrays(self) -> dict[str, np.ndarray]:
        """What it learned, for a file."""
        return {
            "centre": self.centre,
            "scale": self.scale,
            "precision": self.precision.astype(np.float32),
            "limit": np.array([self.limit]),
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Novelty:
        """The inverse of `arrays`."""
        known = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
        return cls(known["centre"], known["scale"], known["precision"], float(known["limit"][0]))


def _around(table: np.ndarray) -> Novelty:
    from sklearn.covariance import ledoit_wolf  # a second to import, for training alone

    centre = np.median(table, axis=0)
    spread = table.std(axis=0)
    # a feature that never moved tells nothing of what moves it
    scale = np.where(spread > 1e-9, spread, np.inf)
    z = np.clip((table - centre) / scale, -CLIP, CLIP)
    covariance, _ = ledoit_wolf(z, assume_centered=True)
    # a feature that never moves has no variance to invert
    precision = np.linalg.inv(covariance + 1e-3 * np.eye(len(covariance)))
    return Novelty(centre, scale, precision, np.inf)
