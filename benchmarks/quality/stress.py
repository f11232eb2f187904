"""Stress sets for detectors trained on train and valid splits: other prose, attacks, lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality.fold_data import FittedFold, Texts
from benchmarks.quality.fold_evaluator import RATES, Metrics
from benchmarks.quality.protocol import Fold, generator_family
from benchmarks.quality.scored import flagged, score_rows
from perplexity_detector.features.document import Document

_PROSE_KINDS = np.array(["human prose", "generated prose"])


def measure(
    shipped: dict[str, FittedFold], texts: Texts, fold: Fold, sets: dict[str, Texts]
) -> dict[str, Any]:
    """Results of every stress set, detector by detector.

    Args:
        shipped: detectors trained on the train and valid splits.
        texts: the corpus.
        fold: whose test texts are the test split.
        sets: people, prose, attacks, lengths, learners, other_forms, polished.
    """
    found: dict[str, Any] = {}
    test_rows = texts.rows[fold.test].reset_index(drop=True)
    test_documents = [texts.documents[i] for i in np.flatnonzero(fold.test)]
    for name, fitted in shipped.items():
        transform = fitted.data.transform
        scored = {}
        for kind, one in sets.items():
            features = transform(one, np.ones(len(one.rows), bool))
            scored[kind] = score_rows(fitted, one.rows, features, one.documents)
        features = transform(texts, fold.test)
        test = score_rows(fitted, test_rows, features, test_documents)
        human, generated = test[test["generated"] == 0], test[test["generated"] == 1]
        makers = generated["generator"].map(generator_family).replace("", "not named")
        forms = test.assign(kind=_PROSE_KINDS[test["generated"]])
        found[name] = {
            "people": _by(scored["people"], "source"),
            "prose": _by(scored["prose"], "source"),
            "lengths": _by(scored["lengths"], "words"),
            "attacks": _by(scored["attacks"], "attack", human),
            "corpus_attacks": _by(generated, "attack", human),
            "generators": _by(generated.assign(maker=makers), "maker"),
            "learners": _by_error(scored["learners"]),
            "other_forms": _by_form(pd.concat([forms, scored["other_forms"]])),
            "polished": _by(scored["polished"].assign(generated=1), "attack"),
        }
    return found


def recalibrated(
    fitted: FittedFold,
    features: np.ndarray,
    human: np.ndarray,
    documents: Sequence[Document],
    own: int,
) -> Metrics:
    """False-positive rates on a held-out source's human texts, before and after `recalibrate`.

    Args:
        fitted: trained without the source.
        features: of the fold's test texts, shape (n, features).
        human: which of them are human texts of the source, bool of shape (n,).
        documents: n of them.
        own: number of human texts that set the thresholds; at least the same number must remain.

    Returns:
        `n_human`, the number of texts tested; `before_1`, `after_1`, ...; empty for too few texts.
    """
    index = np.random.default_rng(0).permutation(np.flatnonzero(human))
    if len(index) < 2 * own:
        return {}
    calibrating, tested = index[:own], index[own:]
    probabilities = fitted.probabilities(features)
    tokens = np.array([document.token_count for document in documents], np.int64)
    after = fitted.calibrator.with_human_scores(probabilities[calibrating], tokens[calibrating])
    found = {"n_human": float(len(tested))}
    for rate in RATES:
        thresholds = {
            "before": fitted.thresholds([documents[i] for i in tested], rate),
            "after": after.thresholds(rate, tokens[tested]),
        }
        for when, threshold in thresholds.items():
            share = float(np.mean(probabilities[tested] >= threshold))
            found[f"{when}_{rate * 100:g}"] = share
    return found


def _by(
    scored: pd.DataFrame, column: str, reference: pd.DataFrame | None = None
) -> dict[str, Metrics]:
    """Metrics of each value of a column, together with reference rows if there are some."""
    return {
        str(value): flagged(part if reference is None else pd.concat([reference, part]))
        for value, part in scored.groupby(column)
    }


def _by_form(scored: pd.DataFrame) -> dict[str, Metrics]:
    """By kind: shares without a verdict because of their form, and because they are outliers."""
    return {
        str(kind): {
            "texts": float(len(part)),
            "not_prose": float((~part["prose"].astype(bool)).mean()),
            "outliers": float(part["is_outlier"].mean()),
            "either": float((part["is_outlier"] | ~part["prose"].astype(bool)).mean()),
        }
        for kind, part in scored.groupby("kind")
    }


def _by_error(scored: pd.DataFrame) -> dict[str, Metrics]:
    """By kind of error: the mean rise of the score over the same essays without errors.

    The 95 % interval is that of the mean of paired differences.
    """
    plain = scored[scored["error"] == "none"].set_index("id")["probability"]
    found = {}
    for kind, part in scored.groupby("error"):
        rise = part["probability"].to_numpy() - plain[part["id"]].to_numpy()
        margin = 1.96 * rise.std(ddof=1) / np.sqrt(len(rise))
        found[str(kind)] = {
            "essays": float(len(part)),
            "score": float(part["probability"].mean()),
            "rise": float(rise.mean()),
            "rise_low": float(rise.mean() - margin),
            "rise_high": float(rise.mean() + margin),
            "fpr_1": float(part["at_1"].mean()),
            "fpr_5": float(part["at_5"].mean()),
        }
    return found
