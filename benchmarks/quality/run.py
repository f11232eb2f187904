"""Detectors, feature families and baselines on sources, generators and genres held out of training.

Run from the root of the checkout: `python -m benchmarks.quality
--corpus=CORPUS --auxiliary=.cache/auxiliary.parquet --cache=.cache/states`.
Nothing that is fitted has seen a fold's held-out texts: n-grams, probes, vocabularies, trees,
calibrator, thresholds.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.machine import machine
from benchmarks.quality import protocol, regression_gate, samples, stress, tables
from benchmarks.quality.auxiliary import CONTINUED
from benchmarks.quality.fold_data import FittedFold, FoldData, Texts
from benchmarks.quality.fold_evaluator import FoldEvaluator, Metrics, baseline_metrics
from benchmarks.quality.record import copy_other_benchmarks, with_detector
from benchmarks.records import RESULTS, read_json, write_json
from perplexity_detector.detectors import registry, trees
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.evaluation import metrics
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families, default_families
from perplexity_detector.sampling.balance import balancing_weights

OUTPUT = RESULTS / "quality.json"
#: The shipped detectors, and the share of the language model's blocks that each reads.
SHIPPED = {"standard": 1.0, "fast": 0.5}
#: Source of auxiliary texts that a detector is better trained without.
EXCLUDED_SOURCES = {"fast": CONTINUED}
BASELINES = (
    "rules", "tfidf", "gltr", "diveye", "log_likelihood", "log_rank", "entropy", "lrr",
    "fast_detect_gpt", "lastde",
)  # fmt: skip
#: Baselines whose metrics have intervals.
WITH_INTERVALS = ("tfidf",)
#: Human texts of a held-out source that recalibrate the thresholds; the others are tested.
RECALIBRATION_TEXTS = 100
#: `--quick`: texts per source and class in training and held out, their words, the folds.
QUICK_TEXTS, QUICK_WORDS = (12, 6), 100
QUICK_FOLDS = (
    "test split", "Fast-DetectGPT and related", "detectrl", "outfox", "frontier_debate"
)  # fmt: skip


def main(
    corpus: str,
    cache: str | None = None,
    quick: bool = False,
    per_group: int = 100,
    per_group_held_out: int = 60,
    auxiliary: str | None = None,
    prose: str | None = None,
    polished: str | None = None,
    processes: int = 2,
    precision: str = "auto",
    only: str | None = None,
    output: str = str(OUTPUT),
    raise_floor: bool = False,
) -> None:
    """Measure everything, print the means, write json.

    Args:
        corpus: labelled texts with domain, generator, attack, prompt_id, source and split.
        cache: folder that keeps the language model's output.
        quick: a small sample in minutes, compared with `floor.json`; exits with 1 below it.
        per_group: texts of one source and class in the train split.
        per_group_held_out: the same in the valid and test splits.
        auxiliary: additional training texts, as `benchmarks.quality.auxiliary` writes them.
        prose: folder of human prose; `../lm_corpus` next to the corpus by default.
        polished: human texts polished by a model; `polished.parquet` next to the corpus by default.
        processes: number of folds that run in parallel.
        precision: of the language model.
        only: `standard` or `fast`, to measure that detector alone; the rest of the json stays.
        output: the json file.
        raise_floor: with quick, raise `floor.json` to the measured values less `SLACK`.
    """
    extractor = FeatureExtractor(
        list(available_families()), precision=precision, cache=cache, progress=True
    )
    if quick:
        regression_gate.check(_quick(corpus, extractor, processes), raise_floor)
        return
    folder = Path(corpus).parent
    start = time.perf_counter()
    rows = samples.corpus(corpus, per_group, per_group_held_out)
    frames = [rows, samples.auxiliary(auxiliary)] if auxiliary else [rows]
    texts = Texts.read(pd.concat(frames, ignore_index=True), extractor)
    stress_sets = {
        "prose": samples.human_prose(prose or folder.parent / "lm_corpus", 120),
        "attacks": samples.attacked(rows, corpus, 80),
        "lengths": samples.long_texts(corpus, 8),
        "learners": samples.learners(rows, 40),
        "other_forms": samples.other_forms(),
        "polished": samples.polished(polished or str(folder / "polished.parquet"), 40),
    }
    sets = {name: Texts.read(frame, extractor) for name, frame in stress_sets.items()}
    reading = time.perf_counter() - start
    folds = list(protocol.folds(texts.rows))
    names = [only] if only else list(SHIPPED)
    results = run(Experiment(texts, folds, extractor, sets, names), processes)
    earlier = read_json(output) if Path(output).is_file() else {}
    if only:
        record = with_detector(earlier, only, results)
    else:
        record = {
            "machine": machine(("torch", "xgboost", "scikit-learn")),
            "texts": {name: len(one.rows) for name, one in {"corpus": texts, **sets}.items()},
            "seconds": {"reading": reading, "folds": time.perf_counter() - start - reading},
            **results,
        }
        copy_other_benchmarks(record, earlier)
    write_json(output, record)
    print(summary(record).round(3).to_string())


def _quick(corpus: str, extractor: FeatureExtractor, processes: int) -> dict[str, float]:
    """Mean AUROC of both detectors on a small sample: on the test split, on held-out sources."""
    # without disguised copies, which take a third of the time and gain nothing here
    rows = samples.corpus(corpus, *QUICK_TEXTS, max_words=QUICK_WORDS, augmentation_rate=0)
    texts = Texts.read(rows, extractor)
    folds = [fold for fold in protocol.folds(rows) if fold.name in QUICK_FOLDS]
    found = run(Experiment(texts, folds, extractor, {}, list(SHIPPED)), processes)["folds"]
    measured = {}
    for detector in SHIPPED:
        for kind, label in (("none", "test split"), ("source", "held-out sources")):
            aurocs = [f["detectors"][detector]["auroc"] for f in found if f["kind"] == kind]
            measured[f"{detector}, {label}"] = float(np.mean(aurocs))
    return measured


def summary(record: dict[str, Any]) -> pd.DataFrame:
    """Means over the held-out sources, one row a detector."""
    names = record["folds"][0]["detectors"]
    return pd.DataFrame({name: tables.means(record, name) for name in names}).T


class Experiment(NamedTuple):
    """What is measured.

    Attributes:
        texts: the corpus and auxiliary texts.
        folds: of the texts.
        extractor: read them.
        sets: stress sets by name, tested with the detectors of the test split's fold. Without
            them, or without `standard` among the names, detectors alone are measured.
        names: of the shipped detectors that are measured.
    """

    texts: Texts
    folds: list[protocol.Fold]
    extractor: FeatureExtractor
    sets: dict[str, Texts]
    names: list[str]


def run(experiment: Experiment, processes: int) -> dict[str, Any]:
    """Results of every fold, and of the stress sets."""
    fork = multiprocessing.get_context("fork")  # the texts need not be copied
    _shared[:] = [experiment]
    count = len(experiment.folds)
    with ProcessPoolExecutor(processes, fork) as pool:
        found = list(tqdm(pool.map(_run_fold, range(count)), total=count, disable=None))
    stressed = next((extra for _, extra in found if extra), {})
    return {"folds": [fold for fold, _ in found], **stressed}


#: The experiment that forked processes share.
_shared: list[Experiment] = []


def _run_fold(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    texts, folds, extractor, sets, names = _shared[0]
    fold = folds[number]
    evaluator = FoldEvaluator(texts, fold)
    shipped = _fit_shipped(names, texts, fold)
    features = {name: one.data.transform(texts, fold.test) for name, one in shipped.items()}
    detectors = {
        name: evaluator.metrics(
            fitted.probabilities(features[name]), fitted.calibrator.thresholds, intervals=True
        )
        for name, fitted in shipped.items()
    }
    data = shipped[names[0]].data
    result: dict[str, Any] = {
        "kind": fold.kind,
        "name": fold.name,
        "n_calibrating": int(data.calibration_mask.sum()),
        "n_not_calibrating": int((~data.calibration_mask).sum()),
        "detectors": detectors,
    }
    if not sets:
        return result, {}
    human, tokens = evaluator.held_out_human, evaluator.tokens
    result["recalibrated"] = {
        name: stress.recalibrated(one, features[name], human, tokens, RECALIBRATION_TEXTS)
        for name, one in shipped.items()
    }
    extra = stress.measure(shipped, texts, fold, sets) if fold.kind == "none" else {}
    if "standard" in shipped:
        data = shipped["standard"].data
        rounds = shipped["standard"].detector.booster_.num_boosted_rounds()
        detectors |= _family_metrics(data, features["standard"], rounds, evaluator)
        detectors |= {
            name: _baseline_metrics(name, data, texts, evaluator, extractor) for name in BASELINES
        }
    return result, extra


def _fit_shipped(names: list[str], texts: Texts, fold: protocol.Fold) -> dict[str, FittedFold]:
    """The detectors of these names, fitted on a fold; those with the same texts share features."""
    shipped: dict[str, FittedFold] = {}
    for name in names:
        excluded = (texts.rows["source"] == EXCLUDED_SOURCES.get(name)).to_numpy()
        train = fold.train & ~excluded
        same = [one.data for one in shipped.values() if len(one.data.index) == train.sum()]
        data = same[0] if same else FoldData.from_texts(texts, train)
        shipped[name] = FittedFold.fit(data, data.columns_at_depth(SHIPPED[name]))
    return shipped


def _family_metrics(
    data: FoldData, features: np.ndarray, rounds: int, evaluator: FoldEvaluator
) -> dict[str, Metrics]:
    """Trees over each family alone, and over all families without it (or with an optional one)."""
    found = {}
    default = set(default_families())
    for name in available_families():
        changed = "without" if name in default else "with"
        for label, families in ((f"{name} alone", {name}), (f"{changed} {name}", default ^ {name})):
            columns = data.columns_of(families.__contains__)
            found[label] = _uncalibrated_metrics(data, features, columns, rounds, evaluator)
    return found


def _uncalibrated_metrics(
    data: FoldData, features: np.ndarray, columns: list[int], rounds: int, evaluator: FoldEvaluator
) -> Metrics:
    """AUROC and TPR of trees over some columns; thresholds would need out-of-fold scores."""
    training = trees.TrainingMatrix(
        data.table[:, columns],
        data.labels,
        balancing_weights(data.labels, data.sources),
        [data.feature_names[i] for i in columns],
    )
    booster = trees.train(training, TextDetector(n_jobs=1).boosting_params(), rounds)
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
