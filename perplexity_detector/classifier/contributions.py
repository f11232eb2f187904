"""What the features of a table added to the margins of its texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Contributions:
    """Shapley values of n texts: how far each feature moved the margin from where it starts.

    Attributes:
        values: shape (n, features); a row and its base add up to the margin.
        base: the margin where nothing is known, shape (n,).
        names: of the features, `family_feature`.
        families: of each feature.
        labels: what each measures, in words that follow "high" or "low".
        table: the features, shape (n, features).
        typical: their medians in people's training texts, shape (features,).
        middle: their medians in all training texts, whoever wrote them; None where not known.
    """

    values: np.ndarray
    base: np.ndarray
    names: Sequence[str]
    families: Sequence[str]
    labels: Sequence[str]
    table: np.ndarray
    typical: np.ndarray
    middle: np.ndarray | None = None
