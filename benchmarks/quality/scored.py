"""What a detector makes of texts, row by row, and the shares that follow from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.quality.fold_data import FittedFold
from benchmarks.quality.fold_evaluator import RATES, Metrics
from perplexity_detector.classifier.verdicts import MAX_FNR, MIN_WORDS, UNCERTAIN, decide
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.document import Document

#: False-positive rate of the verdicts.
FPR = 0.01
#: Fewest human texts of a source for its own rates.
MIN_PEOPLE = 100
#: First number of words of each length bin; the last one holds all longer texts.
LENGTH_BINS = {"50-99": 50, "100-149": 100, "150-200": 150}


def score_rows(
    fitted: FittedFold, rows: pd.DataFrame, features: np.ndarray, documents: Sequence[Document]
) -> pd.DataFrame:
    """Rows with what a detector makes of them.

    Args:
        fitted: a detector.
        rows: n texts.
        features: of all families, shape (n, features).
        documents: n of them.

    Returns:
        The rows with `probability`, `is_outlier`, `threshold` (that of the verdicts) and, for each
        rate, whether it flags them (`at_1`).
    """
    probabilities = fitted.probabilities(features)
    flags = {
        f"at_{rate * 100:g}": probabilities >= fitted.thresholds(documents, rate) for rate in RATES
    }
    return rows.assign(
        probability=probabilities,
        is_outlier=fitted.is_outlier(features),
        threshold=fitted.thresholds(documents, FPR),
        **flags,
    )


def flagged(scored: pd.DataFrame) -> Metrics:
    """Shares flagged, with intervals, of human and generated texts; AUROC where there are both."""
    labels = scored["generated"].to_numpy()
    found: Metrics = {"outliers": float(scored["is_outlier"].mean())}
    if len(set(labels)) == 2:
        found["auroc"] = metrics.auroc(labels, scored["probability"])
    for name, label in (("fpr", 0), ("tpr", 1)):
        part = scored[labels == label]
        if not len(part):
            continue
        found["n_human" if label == 0 else "n_generated"] = float(len(part))
        for rate in RATES:
            estimate = metrics.proportion(part[f"at_{rate * 100:g}"])
            for end, value in zip(("", "_low", "_high"), estimate, strict=True):
                found[f"{name}_{rate * 100:g}{end}"] = value
    return found


def people(scored: pd.DataFrame) -> dict[str, Metrics]:
    """Shares flagged of the human texts of each source that has `MIN_PEOPLE` or more."""
    human = scored[scored["generated"] == 0]
    return {
        str(source): flagged(part)
        for source, part in human.groupby("source")
        if len(part) >= MIN_PEOPLE
    }


def without_verdict(fitted: FittedFold, scored: pd.DataFrame) -> dict[str, Metrics]:
    """Shares of the texts of `MIN_WORDS` words or more that get no verdict.

    Args:
        fitted: the detector that scored them.
        scored: as `score_rows` returns them, with the columns `words` (their number) and `prose`.

    Returns:
        For `people`, `models`, `all`, and all by `LENGTH_BINS`, where there are any: `texts`, their
        number, and `share`.
    """
    scored = scored[scored["words"] >= MIN_WORDS]
    withheld = scored.assign(uncertain=is_uncertain(fitted, scored))
    bins = np.searchsorted(list(LENGTH_BINS.values()), scored["words"], side="right") - 1
    parts = {
        "people": withheld[scored["generated"] == 0],
        "models": withheld[scored["generated"] == 1],
        "all": withheld,
        **{name: withheld[bins == number] for number, name in enumerate(LENGTH_BINS)},
    }
    return {
        name: {"texts": float(len(part)), "share": float(part["uncertain"].mean())}
        for name, part in parts.items()
        if len(part)
    }


def is_uncertain(fitted: FittedFold, scored: pd.DataFrame) -> np.ndarray:
    """Whether each text gets the verdict `uncertain`, as the product decides, shape (n,)."""
    calibrator = fitted.calibrator
    generated = scored["threshold"].to_numpy()
    verdicts = decide(
        scored["probability"].to_numpy(),
        scored["words"].tolist(),
        np.minimum(generated, calibrator.threshold_at_fnr(MAX_FNR)),
        generated,
        scored["is_outlier"].to_numpy(),
        scored["prose"].tolist(),
        calibrator.can_guarantee(FPR),
    )
    return np.array([one.verdict == UNCERTAIN for one in verdicts], bool)
