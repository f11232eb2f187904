"""Fine-tuned networks on the folds of `benchmarks.quality`; joins its json.

Run after it, from the root of the checkout: `python -m benchmarks.quality.networks
--corpus=CORPUS`. Training is expensive: each fold trains one network on few texts, calibrated on
one held-out fold of them. A stopped run continues where it was.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import fire
import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.quality import protocol, samples
from benchmarks.quality.fold_data import Texts
from benchmarks.quality.fold_evaluator import FoldEvaluator
from benchmarks.quality.record import NETWORKS, detectors_by_fold
from benchmarks.quality.run import OUTPUT
from benchmarks.records import read_json, write_json
from perplexity_detector.classifier.calibration import Calibrator
from perplexity_detector.detectors import registry
from perplexity_detector.detectors.baselines.baseline import select_folds
from perplexity_detector.detectors.baselines.neural import FineTunedBaseline, balanced_rows
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.sampling.splits import group_folds, merge_related_sources


def main(
    corpus: str,
    names: str | Sequence[str] = ("encoder", "first_layers"),
    max_texts: int = 1000,
    per_group: int = 100,
    per_group_held_out: int = 60,
    output: str = str(OUTPUT),
) -> None:
    """Train and test each network on the test split's fold and on each held-out source.

    Args:
        corpus: as for `benchmarks.quality`.
        names: of baselines that are networks.
        max_texts: texts of a fold, balanced over classes and sources, calibration included.
        per_group: as for `benchmarks.quality`.
        per_group_held_out: as for `benchmarks.quality`.
        output: the json file of `benchmarks.quality`.
    """
    record = read_json(output)
    rows = samples.corpus(corpus, per_group, per_group_held_out, augmentation_rate=0)
    texts = Texts.unread(rows)
    budget = {"max_texts": max_texts, "max_words": samples.MAX_WORDS}
    if record.get(NETWORKS, {}).get("budget") != budget:
        record[NETWORKS] = {"budget": budget, "seconds": {}}
    seconds = record[NETWORKS]["seconds"]
    detectors = detectors_by_fold(record)
    todo = [
        (name, fold)
        for name in ([names] if isinstance(names, str) else names)
        for fold in protocol.folds(rows)
        if fold.kind in ("none", "source") and fold.name not in seconds.setdefault(name, {})
    ]
    for name, fold in tqdm(todo, disable=None):
        start = time.perf_counter()
        detectors[fold.kind, fold.name][name] = network_figures(name, texts, fold, max_texts)
        seconds[name][fold.name] = time.perf_counter() - start
        write_json(output, record)


def network_figures(name: str, texts: Texts, fold: protocol.Fold, max_texts: int) -> Any:
    """Metrics of a network trained on at most `max_texts` texts of a fold."""
    network = registry.make_detector(name)
    assert isinstance(network, FineTunedBaseline)
    network.extractor_ = network.new_extractor()
    index = np.flatnonzero(fold.train)
    sources = pd.factorize(texts.rows["source"].iloc[index])[0]
    chosen = balanced_rows(texts.labels[index], sources, max_texts, seed=0)
    index, sources = index[chosen], sources[chosen]
    labels = texts.labels[index]
    prompts = texts.rows["prompt_id"].iloc[index].tolist()
    splits = group_folds(labels, merge_related_sources(sources, prompts), prompts)
    # one fold, or the fewest that hold both classes
    held_out = np.concatenate([test_idx for _, test_idx in select_folds(splits, labels, 1)])
    train = np.setdiff1d(np.arange(len(labels)), held_out)
    fitted = network.fit_features(_texts(texts, index[train]), labels[train], sources[train])
    scores = network.score_features(_texts(texts, index[held_out]), fitted)
    weights = balancing_weights(labels[held_out], sources[held_out])
    no_tokens = np.zeros(len(held_out), np.int64)
    calibrator = Calibrator.fit(scores, labels[held_out], weights, no_tokens)
    probabilities = calibrator.probabilities(
        network.score_features(_texts(texts, np.flatnonzero(fold.test)), fitted)
    )
    evaluator = FoldEvaluator(texts, fold)
    return evaluator.metrics(probabilities, calibrator.thresholds, intervals=False)


def _texts(texts: Texts, index: np.ndarray) -> list[str]:
    return [texts.documents[i].text for i in index]


if __name__ == "__main__":
    fire.Fire(main)
