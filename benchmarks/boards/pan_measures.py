"""The measures of PAN's evaluator for "Voight-Kampff Generative AI Detection", 2025.

Written from their definitions: Peñas and Rodrigo 2011, "A Simple Measure to Assess Non-response"
(C@1); Bevendorff et al. 2019, "Generalizing Unmasking for Short Texts" (F0.5u). A label of exactly
one half is a text that was left unanswered.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score


class PanMeasures(NamedTuple):
    """Each between 0 and 1, higher is better; NaN where it is not defined.

    Attributes:
        auc: area under the ROC curve; unanswered texts are ties.
        brier: one minus the mean squared error of the labels.
        c_at_1: accuracy, in which an unanswered text counts as much as the answers are right.
        f1: of the generated texts; an unanswered one is not found.
        f05u: precision counts for more than recall, and every unanswered text as a missed one.
        mean: of the five; one that is not defined counts as 0.
    """

    auc: float
    brier: float
    c_at_1: float
    f1: float
    f05u: float
    mean: float


def pan_measures(truth: np.ndarray, labels: np.ndarray) -> PanMeasures:
    """All measures.

    Args:
        truth: 0 for human, 1 for generated, shape (n,), n > 0.
        labels: between 0 and 1, shape (n,).

    Example:
        >>> pan_measures(np.array([0, 1, 1]), np.array([0.1, 0.5, 0.8])).c_at_1.round(3)
        np.float64(0.889)
    """
    truth, labels = np.asarray(truth, bool), np.asarray(labels, float)
    found, unanswered = labels > 0.5, labels == 0.5
    right = np.sum((found == truth) & ~unanswered)
    true_positives = np.sum(found & truth)
    missed = np.sum(truth & (labels < 0.5)) + np.sum(unanswered)
    weighted = 1.25 * true_positives + 0.25 * missed + np.sum(found & ~truth)
    five = (
        roc_auc_score(truth, labels) if len(set(truth)) == 2 else np.nan,
        1 - np.mean((labels - truth) ** 2),
        (right + np.sum(unanswered) * right / len(truth)) / len(truth),
        f1_score(truth, found, zero_division=np.nan),
        1.25 * true_positives / weighted if weighted else np.nan,
    )
    return PanMeasures(*five, mean=float(np.nan_to_num(five).mean()))
