"""Everything that is measured on folds that share their training texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xgboost

from benchmarks.quality import scored, stress
from benchmarks.quality.fold_data import FittedFold, FoldData, Texts
from benchmarks.quality.fold_evaluator import (
    FoldEvaluator,
    Metrics,
    baseline_metrics,
    fit_baseline,
    make_baseline,
)
from benchmarks.quality.protocol import Fold
from benchmarks.quality.recipes import fit_detectors
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.detectors import trees
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families, default_families
from perplexity_detector.sampling.balance import balancing_weights

#: Kinds of folds on which families and baselines are measured.
MAIN_KINDS = ("none", "source")
BASELINES = (
    "rules", "tfidf", "gltr", "diveye", "log_likelihood", "log_rank", "entropy", "lrr",
    "fast_detect_gpt", "lastde", "repreguard",
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


class Variant(NamedTuple):
    """Trees over some of the features.

    Attributes:
        columns: the features.
        booster: the trees.
    """

    columns: list[int]
    booster: xgboost.Booster


def measure_folds(
    experiment: Experiment, numbers: Sequence[int]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Results of folds that train on the same texts, which happens once.

    Returns:
        For each fold its results, and those of the stress sets if it is the test split's.
    """
    folds = [experiment.folds[number] for number in numbers]
    compared = bool(experiment.sets)
    is_main = compared and folds[0].kind in MAIN_KINDS
    fitted = fit_detectors(experiment.names, experiment.texts, folds[0], earlier=is_main)
    others: dict[str, Variant | CalibratedClassifier] = {}
    if is_main and "standard" in fitted:
        data = fitted["standard"].data
        others |= _family_variants(fitted["standard"])
        others |= {name: _fit_baseline(name, data, experiment) for name in BASELINES}
    return [_measure(experiment, fold, fitted, others) for fold in folds]


def _measure(
    experiment: Experiment,
    fold: Fold,
    fitted: dict[str, FittedFold],
    others: dict[str, Variant | CalibratedClassifier],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Results of one fold, by detectors that are fitted already."""
    texts, sets = experiment.texts, experiment.sets
    evaluator = FoldEvaluator(texts, fold)
    tables = {id(one.data): one.data.transform(texts, fold.test) for one in fitted.values()}
    features = {name: tables[id(one.data)] for name, one in fitted.items()}
    detectors = {
        name: evaluator.metrics(one.probabilities(features[name]), one.thresholds, intervals=True)
        for name, one in fitted.items()
    }
    data = fitted[experiment.names[0]].data
    result: dict[str, Any] = {
        "kind": fold.kind,
        "name": fold.name,
        "half": fold.half,
        "n_calibrating": int(data.calibration_mask.sum()),
        "n_not_calibrating": int((~data.calibration_mask).sum()),
        "detectors": detectors,
    }
    result |= _held_out(fitted, features, texts, evaluator)
    if not sets:
        return result, {}
    shipped = {name: fitted[name] for name in experiment.names}
    result["recalibrated"] = {
        name: stress.recalibrated(
            one, features[name], evaluator.held_out_human, evaluator.documents, RECALIBRATION_TEXTS
        )
        for name, one in shipped.items()
    }
    for name, other in others.items():
        if isinstance(other, Variant):
            detectors[name] = _variant_metrics(other, features["standard"], evaluator)
        else:
            intervals = name in WITH_INTERVALS
            detectors[name] = baseline_metrics(other, texts, evaluator, intervals)
    extra = stress.measure(shipped, texts, fold, sets) if fold.kind == "none" else {}
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
        of_one = scored.score_rows(one, rows, features[name], evaluator.documents)[held_out]
        found["people"][name] = scored.people(of_one)
        found["without_verdict"][name] = scored.without_verdict(one, of_one)
    return found


def _family_variants(fitted: FittedFold) -> dict[str, Variant]:
    """Trees over each family alone, and over all families without it (or with an optional one)."""
    found = {}
    rounds = fitted.detector.booster_.num_boosted_rounds()
    default = set(default_families())
    for name in available_families():
        changed = "without" if name in default else "with"
        for label, families in ((f"{name} alone", {name}), (f"{changed} {name}", default ^ {name})):
            columns = fitted.data.columns_of(families)
            found[label] = Variant(columns, _train(fitted.data, columns, rounds))
    return found


def _train(data: FoldData, columns: list[int], rounds: int) -> xgboost.Booster:
    names = [data.feature_names[i] for i in columns]
    weights = balancing_weights(data.labels, data.sources)
    training = trees.TrainingMatrix(data.table[:, columns], data.labels, weights, names)
    return trees.train(training, TextDetector(n_jobs=1).boosting_params(names), rounds)


def _variant_metrics(variant: Variant, features: np.ndarray, evaluator: FoldEvaluator) -> Metrics:
    """AUROC and TPR of trees over some columns; thresholds would need out-of-fold scores."""
    scores = trees.margins(variant.booster, features[:, variant.columns], 1)
    return {
        "auroc": metrics.auroc(evaluator.labels, scores),
        "tpr_at_1": metrics.tpr_at_fpr(evaluator.labels, scores, 0.01),
        "tpr_at_5": metrics.tpr_at_fpr(evaluator.labels, scores, 0.05),
    }


def _fit_baseline(name: str, data: FoldData, experiment: Experiment) -> CalibratedClassifier:
    baseline = make_baseline(name, experiment.extractor)
    fit_baseline(baseline, experiment.texts, data.index[data.calibration_mask])
    return baseline
