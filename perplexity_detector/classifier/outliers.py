"""Outliers: texts whose features lie far from those of all training texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perplexity_detector.sampling.splits import Split

#: Share of texts from held-out sources that may be called outliers.
OUTLIER_RATE = 0.005
#: A single feature counts at most this many standard deviations.
CLIP = 10.0


@dataclass(frozen=True)
class OutlierDetector:
    """Mahalanobis distance to the training texts, human and generated, and its threshold.

    d(x) = sqrt(z' P z / features), where z are the standardised, clipped features and P is the
    inverse of their shrunk covariance (Ledoit and Wolf 2004). It is about 1 for a text like those
    of the training set.

    Attributes:
        centre: medians of the features, shape (features,).
        scale: their standard deviations, shape (features,).
        precision: P, shape (features, features).
        threshold: the distance that all but `OUTLIER_RATE` of the training texts stay within,
            each measured from the texts of the other folds.
    """

    centre: np.ndarray
    scale: np.ndarray
    precision: np.ndarray
    threshold: float

    @classmethod
    def fit(cls, table: np.ndarray, splits: Sequence[Split]) -> OutlierDetector:
        """Fit on features, shape (n, features); splits as `sampling.splits.group_folds` gives."""
        distances = np.empty(len(table))
        for train_idx, test_idx in splits:
            distances[test_idx] = _fit_gaussian(table[train_idx]).distances(table[test_idx])
        whole = _fit_gaussian(table)
        threshold = float(np.quantile(distances, 1 - OUTLIER_RATE))
        return cls(whole.centre, whole.scale, whole.precision, threshold)

    def distances(self, table: np.ndarray) -> np.ndarray:
        """Distance of each row, shape (n,), from features, shape (n, features)."""
        z = np.clip((table - self.centre) / self.scale, -CLIP, CLIP)
        squared = np.einsum("nf,fg,ng->n", z, self.precision, z, optimize=True)
        return np.asarray(np.sqrt(np.maximum(squared, 0) / len(self.centre)))

    def is_outlier(self, table: np.ndarray) -> np.ndarray:
        """Whether each row lies beyond the threshold, bool of shape (n,)."""
        return np.asarray(self.distances(table) > self.threshold)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What was fitted, for a file."""
        return {
            "centre": self.centre,
            "scale": self.scale,
            "precision": self.precision.astype(np.float32),
            "threshold": np.array([self.threshold]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> OutlierDetector:
        """The inverse of `to_arrays`."""
        known = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
        threshold = float(known["threshold"][0])
        width = len(known["centre"])
        shapes = [known[name].shape for name in ("centre", "scale", "precision")]
        if shapes != [(width,), (width,), (width, width)]:
            raise ValueError("the arrays of outliers are of other features")
        return cls(known["centre"], known["scale"], known["precision"], threshold)


def _fit_gaussian(table: np.ndarray) -> OutlierDetector:
    from sklearn.covariance import ledoit_wolf  # takes a second to import, for training alone

    centre = np.median(table, axis=0)
    spread = table.std(axis=0)
    # a constant feature says nothing about texts in which it differs
    scale = np.where(spread > 1e-9, spread, np.inf)
    z = np.clip((table - centre) / scale, -CLIP, CLIP)
    covariance, _ = ledoit_wolf(z, assume_centered=True)
    # a constant feature has no variance to invert
    precision = np.linalg.inv(covariance + 1e-3 * np.eye(len(covariance)))
    return OutlierDetector(centre, scale, precision, np.inf)
