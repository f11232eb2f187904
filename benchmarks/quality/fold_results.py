"""Everything that is measured on one fold."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.quality import scored, stress
from benchmarks.quality.fold_data import FittedFold, FoldData, Texts
from benchmarks.quality.fold_evaluator import FoldEvaluator, Metrics, baseline_metrics
from benchmarks.quality.protocol import Fold
from benchmarks.quality.recipes import fit_detectors
from perplexity_detector.detectors import registry, trees
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families, default_families
from perplexity_detector.sampling.balance import balancing_weights

#: Kinds of folds on which families and baselines are measured.
MAIN_KINDS = ("none", "source")
BASELINES = (
    "rules", "tfidf", "gltr", "diveye", "log_likelihood", "log_rank", "entropy", "lrr",
    "fast_detect_gpt", "lastde",
)  # fmt: skip
#: Baselines whose metrics have intervals.
WITH_INTERVALS = ("tfidf",)
#: Human texts of a held-out source that recalibrate the thresholds; the others are tested.
RECALIBRATION_TEXTS = 100


class Experiment(NamedTuple):
    """What is measured.

    Attributes:
        texts: the corpus and auxiliary texts.
        folds: of the texts.
        extractor: read them.
        sets: stress sets by name, tested with the detectors of the test split's fold. Without
            them the shipped detectors alone are measured.
        names: of the shipped detectors that are measured. Families and baselines are measured
            with `standard`.
    """

    texts: Texts
    folds: list[Fold]
    extractor: FeatureExtractor
    sets: dict[str, Texts]
    names: list[str]


def measure_fold(experiment: Experiment, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Results of a fold, and those of the stress sets if it is the test split's."""
    texts, folds, extractor, sets, names = experiment
    fold = folds[number]
    evaluator = FoldEvaluator(texts, fold)
    fitted = fit_detectors(names, texts, fold, earlier=bool(sets))
    tables = {id(one.data): one.data.transform(texts, fold.test) for one in fitted.values()}
    features = {name: tables[id(one.data)] for name, one in fitted.items()}
    detectors = {
        name: evaluator.metrics(
            one.probabilities(features[name]), one.calibrator.thresholds, intervals=True
        )
        for name, one in fitted.items()
    }
    data = fitted[names[0]].data
    result: dict[str, Any] = {
        "kind": fold.kind,
        "name": fold.name,
        "half": fold.half,
        "n_calibrating": int(data.calibration_mask.sum()),
        "n_not_calibrating": int((~data.calibration_mask).sum()),
        "detectors": detectors,
    }
    if not sets:
        return result, {}
    result |= _held_out(fitted, features, texts, evaluator)
    shipped = {name: fitted[name] for name in names}
    result["recalibrated"] = {
        name: stress.recalibrated(
            one, features[name], evaluator.held_out_human, evaluator.tokens, RECALIBRATION_TEXTS
        )
        for name, one in shipped.items()
    }
    extra = stress.measure(shipped, texts, fold, sets) if fold.kind == "none" else {}
    if "standard" in shipped and fold.kind in MAIN_KINDS:
        data = shipped["standard"].data
        detectors |= _family_metrics(shipped["standard"], features["standard"], evaluator)
        detectors |= {
            name: _baseline_metrics(name, data, texts, evaluator, extractor) for name in BASELINES
        }
    return result, extra


def _held_out(
    fitted: dict[str, FittedFold],
    features: dict[str, np.ndarray],
    texts: Texts,
    evaluator: FoldEvaluator,
) -> dict[str, Any]:
    """Rates of each held-out source of people, and texts without a verdict, by detector."""
    fold = evaluator.fold
    index = np.flatnonzero(fold.test)
    held_out = fold.held_out[index]
    rows = texts.rows.iloc[index].assign(words=[len(texts.documents[i].words) for i in index])
    found: dict[str, dict[str, Any]] = {"people": {}, "without_verdict": {}}
    for name, one in fitted.items():
        of_one = scored.score_rows(one, rows, features[name], evaluator.tokens)[held_out]
        found["people"][name] = scored.people(of_one)
        found["without_verdict"][name] = scored.without_verdict(one, of_one)
    return found


def _family_metrics(
    fitted: FittedFold, features: np.ndarray, evaluator: FoldEvaluator
) -> dict[str, Metrics]:
    """Trees over each family alone, and over all families without it (or with an optional one)."""
    found = {}
    rounds = fitted.detector.booster_.num_boosted_rounds()
    default = set(default_families())
    for name in available_families():
        changed = "without" if name in default else "with"
        for label, families in ((f"{name} alone", {name}), (f"{changed} {name}", default ^ {name})):
            columns = fitted.data.columns_of(families)
            found[label] = _uncalibrated_metrics(fitted.data, features, columns, rounds, evaluator)
    return found


def _uncalibrated_metrics(
    data: FoldData, features: np.ndarray, columns: list[int], rounds: int, evaluator: FoldEvaluator
) -> Metrics:
    """AUROC and TPR of trees over some columns; thresholds would need out-of-fold scores."""
    names = [data.feature_names[i] for i in columns]
    weights = balancing_weights(data.labels, data.sources)
    training = trees.TrainingMatrix(data.table[:, columns], data.labels, weights, names)
    booster = trees.train(training, TextDetector(n_jobs=1).boosting_params(names), rounds)
    scores = trees.margins(booster, features[:, columns], 1)
    return {
        "auroc": metrics.auroc(evaluator.labels, scores),
        "tpr_at_1": metrics.tpr_at_fpr(evaluator.labels, scores, 0.01),
        "tpr_at_5": metrics.tpr_at_fpr(evaluator.labels, scores, 0.05),
    }


def _baseline_metrics(
    name: str,
    data: FoldData,
    texts: Texts,
    evaluator: FoldEvaluator,
    extractor: FeatureExtractor,
) -> Metrics:
    # with the extractor's settings it shares the language model that was loaded before the fork:
    # one that is loaded after the fork waits for threads that do not exist
    shared = registry.extractor_settings(name) & {"lm", "precision", "cache"}
    baseline = registry.make_detector(
        name, **{setting: getattr(extractor, setting) for setting in shared}
    )
    train_idx = data.index[data.calibration_mask]
    return baseline_metrics(baseline, texts, train_idx, evaluator, intervals=name in WITH_INTERVALS)
