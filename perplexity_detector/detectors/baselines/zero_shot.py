"""Published zero-shot scores: one feature each, with the sign from its paper.

Only the calibrator is fitted. All scores cover every token of the text, the first one predicted
from BOS, where the papers begin with the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.detectors.baselines.baseline import ColumnsBaseline


class ZeroShot(ColumnsBaseline):
    """One feature, with the sign that makes it higher for generated texts."""

    #: 1 where the feature is higher for generated texts, -1 where it is lower.
    sign: ClassVar[int]

    def fit_features(
        self, features: np.ndarray, labels: np.ndarray, sources: np.ndarray
    ) -> dict[str, np.ndarray]:
        """No arrays: only the calibrator is fitted."""
        return {}

    def score_features(self, features: np.ndarray, fitted: dict[str, np.ndarray]) -> np.ndarray:
        """The signed feature, shape (n,)."""
        return self.sign * features[:, 0]

    def reasons(self, assessments: Sequence[Assessment]) -> list[list[str]]:
        """The score itself, in the unit of its paper."""
        (label,) = self.labels()
        return [[f"{label} {one.features[0]:.3g}"] for one in assessments]


class LogLikelihood(ZeroShot):
    """Mean ln p(x_t | x_<t), in nats: generated is likelier (Solaiman et al. 2019)."""

    name = "log_likelihood"
    families = ("perplexity",)
    columns = ("perplexity_mean",)  # of s = -ln p
    sign = -1


class LogRank(ZeroShot):
    """Mean ln r_t: generated has lower ranks (Gehrmann et al. 2019; Mitchell et al. 2023)."""

    name = "log_rank"
    families = ("rank",)
    columns = ("rank_mean_log",)
    sign = -1


class Entropy(ZeroShot):
    """Mean H_t = -sum p ln p, in nats: generated has lower (Gehrmann et al. 2019).

    Decoding that prefers likely words leads into contexts of which the model is sure. Mitchell
    et al. (2023) use the opposite sign, for text sampled from base models.
    """

    name = "entropy"
    families = ("entropy",)
    columns = ("entropy_mean",)
    sign = -1


class LRR(ZeroShot):
    """Log-likelihood log-rank ratio, sum s_t / sum ln r_t: generated has higher (Su et al. 2023).

    0 where every token has rank 1.
    """

    name = "lrr"
    families = ("rank",)
    columns = ("rank_likelihood_ratio",)
    sign = 1


class FastDetectGPT(ZeroShot):
    """Analytic curvature, sum (H_t - s_t) / sqrt(sum V_t): generated has higher (Bao et al. 2024).

    Sampling and scoring model are one.
    """

    name = "fast_detect_gpt"
    families = ("curvature",)
    columns = ("curvature_text",)
    sign = 1


class Lastde(ZeroShot):
    """Mean s_t / spread of the multiscale diversity entropy: generated has lower (Xu et al. 2025).

    The paper's score, mean ln p / std of the entropies over scales, with the sign turned; the
    entropies of family `diversity` are normalised so that they do not grow with length.
    """

    name = "lastde"
    families = ("diversity",)
    columns = ("diversity_lastde",)
    sign = -1
