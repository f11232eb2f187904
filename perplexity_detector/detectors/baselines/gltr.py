"""GLTR's four colours and a logistic regression over them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.detectors.baselines.baseline import LEARNED, ColumnsBaseline
from perplexity_detector.detectors.baselines.linear import fit_logistic, log_odds


class GLTR(ColumnsBaseline):
    """Logistic regression over the shares of tokens of rank up to 10, 100, 1000 and beyond.

    The colours are those of GLTR (Gehrmann et al. 2019); the eighth place of Kaggle's competition
    on generated essays (2024) rested on them. The table is standardised first.
    """

    name: ClassVar[str] = "gltr"
    kept: ClassVar[tuple[str, ...]] = (LEARNED,)
    families = ("rank",)
    columns = ("rank_top_10", "rank_top_100", "rank_top_1000", "rank_beyond")

    def learn(
        self, view: np.ndarray, labels: np.ndarray, sources: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Mean and standard deviation, coefficients, and medians of people's texts."""
        centre, scale = view.mean(axis=0), view.std(axis=0) + 1e-9
        linear = fit_logistic((view - centre) / scale, labels, sources)
        typical = np.median(view[labels == 0], axis=0)
        return {**linear, "centre": centre, "scale": scale, "typical": typical}

    def score(self, view: np.ndarray, learned: dict[str, np.ndarray]) -> np.ndarray:
        """Log-odds, shape (n,)."""
        return log_odds((view - learned["centre"]) / learned["scale"], learned)

    def contributions(self, view: np.ndarray) -> Contributions:
        """What the share of each colour added to the log-odds; each is a family of its own."""
        known = self.learned_
        added = (view - known["centre"]) / known["scale"] * known["coefficients"]
        base = self.margins(view) - added.sum(axis=1)
        told = self.labels()
        return Contributions(added, base, self.columns, self.columns, told, view, known["typical"])
