"""Detectors trained on the train split, on texts that are hard: other prose, disguises, lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality.fold_data import RATES, Texts, Trained
from benchmarks.quality.fold_evaluator import Figures
from benchmarks.quality.protocol import Fold, generator_family
from perplexity_detector.evaluation import metrics

_KINDS = np.array(["prose by people", "prose by models"])


def all_of(
    shipped: dict[str, Trained], texts: Texts, fold: Fold, sets: dict[str, Texts]
) -> dict[str, Any]:
    """Every table of this file, detector by detector.

    Args:
        shipped: trained on the train and valid splits.
        texts: the corpus.
        fold: that keeps the test split.
        sets: prose, attacks, lengths, learners, polished.
    """
    found: dict[str, Any] = {}
    tested = texts.rows[fold.tested].reset_index(drop=True)
    for name, trained in shipped.items():
        told = trained.lesson.told
        scored = {
            kind: scores(trained, part.rows, told(part, np.ones(len(part.rows), bool)), part.tokens)
            for kind, part in sets.items()
        }
        test = scores(trained, tested, told(texts, fold.tested), texts.tokens[fold.tested])
        people, models = test[test["generated"] == 0], test[test["generated"] == 1]
        attacked = {
            kind: pd.concat([people, part]) for kind, part in scored["attacks"].groupby("attack")
        }
        own = {kind: pd.concat([people, part]) for kind, part in models.groupby("attack")}
        makers = models["generator"].map(generator_family)
        found[name] = {
            "prose": _by(scored["prose"], "source"),
            "lengths": _by(scored["lengths"], "words"),
            "attacks": {kind: _figures(part) for kind, part in attacked.items()},
            "attacks of the corpus": {str(kind): _figures(part) for kind, part in own.items()},
            "generators": _by(models.assign(maker=makers.replace("", "not named")), "maker"),
            "learners": _learners(scored["learners"]),
            "odd": _by_form(
                pd.concat([test.assign(kind=_KINDS[test["generated"]]), scored["odd"]])
            ),
            "polished": _by(scored["polished"].assign(generated=1), "attack"),
        }
    return found


def scores(
    trained: Trained, rows: pd.DataFrame, table: np.ndarray, tokens: np.ndarray
) -> pd.DataFrame:
    """Rows with `probability`, `is_outlier`, and for each rate whether it flags them (`at_1`, ...)."""
    probabilities = trained.probabilities(table)
    flags = {
        f"at_{rate * 100:g}": probabilities >= trained.calibrator.thresholds(rate, tokens)
        for rate in RATES
    }
    unlike = trained.detector.is_outlier(table[:, trained.columns])
    return rows.assign(probability=probabilities, unlike=unlike, **flags)


def recalibrated(
    trained: Trained,
    table: np.ndarray,
    new_people: np.ndarray,
    tokens: np.ndarray,
    own: int,
) -> Figures:
    """Real rates among a left-out source's people, before and after `recalibrate` on some.

    Args:
        trained: without the source.
        table: features of the fold's tested texts, shape (n, features).
        new_people: which of them are people's of the source, bool of shape (n,).
        tokens: their lengths, shape (n,).
        own: how many of the people set the thresholds; as many at least must be left.

    Returns:
        `people` that were judged; `before_1`, `after_1`, ...; empty if there are too few.
    """
    place = np.random.default_rng(0).permutation(np.flatnonzero(new_people))
    if len(place) < 2 * own:
        return {}
    mine, judged = place[:own], place[own:]
    probabilities = trained.probabilities(table)
    anew = trained.calibrator.with_human_scores(probabilities[mine], tokens[mine])
    found = {"people": float(len(judged))}
    for rate in RATES:
        for when, calibrator in (("before", trained.calibrator), ("after", anew)):
            threshold = calibrator.thresholds(rate, tokens[judged])
            flagged = float(np.mean(probabilities[judged] >= threshold))
            found[f"{when}_{rate * 100:g}"] = flagged
    return found


def _by(scored: pd.DataFrame, column: str) -> dict[str, Figures]:
    return {str(value): _figures(part) for value, part in scored.groupby(column)}


def _figures(scored: pd.DataFrame) -> Figures:
    """Shares flagged of people and of models, with intervals, and AUROC where there are both."""
    labels = scored["generated"].to_numpy()
    found: Figures = {"unlike": float(scored["unlike"].mean())}
    if len(set(labels)) == 2:
        found["auroc"] = metrics.auroc(labels, scored["probability"])
    for name, label in (("fpr", 0), ("tpr", 1)):
        part = scored[labels == label]
        if not len(part):
            continue
        found["people" if label == 0 else "models"] = float(len(part))
        for rate in RATES:
            estimate = metrics.proportion(part[f"at_{rate * 100:g}"])
            for end, value in zip(("", "_low", "_high"), estimate, strict=True):
                found[f"{name}_{rate * 100:g}{end}"] = value
    return found


def _by_form(scored: pd.DataFrame) -> dict[str, Figures]:
    """By kind: the shares that get no verdict for their form, and for their distance."""
    return {
        str(kind): {
            "texts": float(len(part)),
            "no_prose": float((~part["prose"].astype(bool)).mean()),
            "unlike": float(part["unlike"].mean()),
            "either": float((part["unlike"] | ~part["prose"].astype(bool)).mean()),
        }
        for kind, part in scored.groupby("kind")
    }


def _learners(scored: pd.DataFrame) -> dict[str, Figures]:
    """By kind of error: the mean rise of the score against the same essays without, its interval.

    The interval is of the mean of paired differences, at 95 %.
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
