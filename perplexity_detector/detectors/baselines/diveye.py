"""DivEye: boosted trees over how surprisal moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from perplexity_detector.classifier.contributions import Contributions
from perplexity_detector.detectors import trees
from perplexity_detector.detectors.baselines.baseline import LEARNED, ColumnsBaseline
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.cross_fitting import Part
from perplexity_detector.features.family import Document
from perplexity_detector.io import tensors
from perplexity_detector.sampling.splits import balancing_weights

TREES = "classifier.ubj"


class DivEye(ColumnsBaseline):
    """XGBoost over moments of surprisal and of its differences (Basani and Chen 2025).

    The paper's nine: mean, variance, skewness and kurtosis of s; mean and variance of its first
    differences; variance, entropy and autocorrelation of its second. How many trees is set on
    what is left out, as in the detector.

    Attributes:
        learned_: `booster`, and `typical`, the medians of people's texts.
    """

    name: ClassVar[str] = "diveye"
    kept: ClassVar[tuple[str, ...]] = (TREES, LEARNED)
    families = ("perplexity", "diversity")
    columns = (
        "perplexity_mean",
        "diversity_variance",
        "diversity_skewness",
        "diversity_kurtosis",
        "diversity_difference_mean",
        "diversity_difference_variance",
        "diversity_second_difference_variance",
        "diversity_second_difference_entropy",
        "diversity_second_difference_autocorrelation",
    )

    def _learn(
        self,
        documents: Sequence[Document],
        labels: np.ndarray,
        sources: np.ndarray,
        parts: list[Part],
    ) -> np.ndarray:
        table = self.view(documents)
        lesson = self._lesson(table, labels, sources)
        margins, self.training_["trees"] = trees.left_out_margins(lesson, parts, self._settings())
        self.learned_ = self.learn(table, labels, sources)
        return margins

    def learn(self, view: np.ndarray, labels: np.ndarray, sources: np.ndarray) -> dict[str, Any]:
        """As many trees as were best on what was left out, and the medians."""
        lesson = self._lesson(view, labels, sources)
        booster = trees.train(lesson, self._settings(), self.training_["trees"])
        return {"booster": booster, "typical": np.median(view[labels == 0], axis=0)}

    def _lesson(self, table: np.ndarray, labels: np.ndarray, sources: np.ndarray) -> trees.Lesson:
        return trees.Lesson(table, labels, balancing_weights(labels, sources), list(self.columns))

    def _settings(self) -> trees.Settings:
        # of nine features one thread makes trees as quickly, and a forked process can
        return TextDetector(random_state=self.random_state, n_jobs=1).tree_settings()

    def score(self, view: np.ndarray, learned: dict[str, Any]) -> np.ndarray:
        """Log-odds, shape (n,)."""
        return trees.margins(learned["booster"], view, 0)

    def contributions(self, view: np.ndarray) -> Contributions:
        """What each feature added to the log-odds of each text; each is a family of its own."""
        added = trees.contributions(self.learned_["booster"], view, 0)
        base = self.margins(view) - added.sum(axis=1)
        told, typical = self.labels(), self.learned_["typical"]
        return Contributions(added, base, self.columns, self.columns, told, view, typical)

    def files(self) -> dict[str, bytes]:
        """The trees, and the medians."""
        typical = {"typical": self.learned_["typical"]}
        return {
            TREES: trees.to_bytes(self.learned_["booster"]),
            LEARNED: tensors.to_bytes({self.name: typical}),
        }

    def restore(self, files: Mapping[str, bytes]) -> None:
        """The inverse of `files`."""
        typical = tensors.of_bytes(files[LEARNED])[self.name]["typical"]
        self.learned_ = {"booster": trees.of_bytes(files[TREES], 0), "typical": typical}
