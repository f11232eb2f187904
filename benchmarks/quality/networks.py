"""How networks that are fine-tuned whole do on the folds of `quality`, whose json they join.

Run after it, from the root of the checkout: `python -m benchmarks.networks
--corpus=../shared/data/corpus.parquet`. They are dear: each fold trains one network, on few
texts, which a last part of the fold's texts that it never saw calibrates. A run that was stopped
goes on where it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fire
import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.quality import protocol, samples
from benchmarks.quality.fold_data import Texts
from benchmarks.quality.fold_evaluator import Judge
from benchmarks.quality.record import NETWORKS
from benchmarks.quality.run import RESULTS
from perplexity_detector.classifier.calibration import Calibrator
from perplexity_detector.detectors import registry
from perplexity_detector.detectors.baselines.baseline import select_folds
from perplexity_detector.detectors.baselines.neural import FineTunedBaseline, balanced_rows
from perplexity_detector.features.document import Document
from perplexity_detector.sampling.balance import balancing_weights
from perplexity_detector.sampling.splits import group_folds, merge_related_sources


def main(
    corpus: str,
    names: str | Sequence[str] = ("encoder", "first_layers"),
    max_texts: int = 1000,
    per_group: int = 100,
    per_group_held_out: int = 60,
    output: str = str(RESULTS),
) -> None:
    """Train each network on each fold that leaves out a source, or none, and judge it.

    Args:
        corpus: as `quality` has it.
        names: of baselines that are networks.
        max_texts: of a fold, evenly from classes and sources; some calibrate, most are learned.
        per_group: as `quality` had it.
        per_group_held_out: as `quality` had it.
        output: the json file of `quality`.
    """
    record = json.loads(Path(output).read_text(encoding="utf-8"))
    rows = samples.corpus(corpus, per_group, per_group_held_out, augmentation_rate=0)
    texts = Texts(rows, [Document(text) for text in rows["text"]], np.empty((len(rows), 0)))
    budget = {"max_texts": max_texts, "max_words": samples.MAX_WORDS}
    if record.get(NETWORKS, {}).get("budget") != budget:
        record[NETWORKS] = {"budget": budget, "seconds": {}}
    seconds = record[NETWORKS]["seconds"]
    known = {(fold["kind"], fold["name"]): fold["detectors"] for fold in record["folds"]}
    todo = [
        (name, fold)
        for name in ([names] if isinstance(names, str) else names)
        for fold in protocol.folds(rows)
        if fold.kind in ("none", "source") and fold.name not in seconds.setdefault(name, {})
    ]
    for name, fold in tqdm(todo, disable=None):
        start = time.perf_counter()
        known[fold.kind, fold.name][name] = tried(name, texts, fold, max_texts)
        seconds[name][fold.name] = time.perf_counter() - start
        Path(output).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def tried(name: str, texts: Texts, fold: protocol.Fold, max_texts: int) -> Any:
    """Figures of a network that learned from so many texts of a fold, see `left_out.figures`."""
    network = registry.make_detector(name)
    assert isinstance(network, FineTunedBaseline)
    network.extractor_ = network.new_extractor()
    place = np.flatnonzero(fold.trained)
    sources = pd.factorize(texts.rows["source"].iloc[place])[0]
    chosen = balanced_rows(texts.labels[place], sources, max_texts, seed=0)
    place, sources = place[chosen], sources[chosen]
    labels = texts.labels[place]
    prompts = texts.rows["prompt_id"].iloc[place].tolist()
    parts = group_folds(labels, merge_related_sources(sources, prompts), prompts)
    # one part, or as many as hold both classes
    held_out = np.concatenate([part for _, part in select_folds(parts, labels, 1)])
    rest = np.setdiff1d(np.arange(len(labels)), held_out)
    learned = network.learn(_texts(texts, place[rest]), labels[rest], sources[rest])
    margins = network.score(_texts(texts, place[held_out]), learned)
    weights = balancing_weights(labels[held_out], sources[held_out])
    calibrator = Calibrator.fit(
        margins, labels[held_out], weights, np.zeros(len(held_out), np.int64)
    )
    tested = network.score(_texts(texts, np.flatnonzero(fold.tested)), learned)
    judge = Judge(texts, fold)
    return judge.figures(calibrator.probabilities(tested), calibrator.thresholds, intervals=False)


def _texts(texts: Texts, place: np.ndarray) -> list[str]:
    return [texts.documents[i].text for i in place]


if __name__ == "__main__":
    fire.Fire(main)
