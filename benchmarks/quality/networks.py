"""Fine-tuned networks on the source folds of `benchmarks.quality`; joins its json.

Run after it, from the root of the checkout: `python -m benchmarks.quality.networks
--corpus=CORPUS`. The sources are dealt to three parts, and one network is trained
without each part: a source fold is tested with the network that never saw its part. A stopped run
continues after the last network that was trained.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

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
from perplexity_detector.detectors.baselines.neural import FineTunedBaseline, balanced_rows
from perplexity_detector.sampling.balance import balancing_weights

#: Parts that the sources are dealt to: one network is trained without each.
PARTS = 3


def main(
    corpus: str,
    names: str | Sequence[str] = ("encoder", "first_layers"),
    max_texts: int | None = None,
    per_group: int = 100,
    per_group_held_out: int = 60,
    auxiliary: str | None = None,
    scores: str = ".cache/networks",
    output: str = str(OUTPUT),
) -> None:
    """Train the networks, and test them on each held-out source.

    Args:
        corpus: as for `benchmarks.quality`.
        names: of baselines that are networks.
        max_texts: texts that a network learns from, balanced over classes and sources; all that
            the detectors learn from if None.
        per_group: as for `benchmarks.quality`.
        per_group_held_out: as for `benchmarks.quality`.
        auxiliary: as for `benchmarks.quality`.
        scores: folder that keeps each trained network's scores.
        output: the json file of `benchmarks.quality`.
    """
    record = read_json(output)
    rows = samples.corpus(corpus, per_group, per_group_held_out)
    frames = [rows, samples.auxiliary(auxiliary)] if auxiliary else [rows]
    texts = Texts.unread(pd.concat(frames, ignore_index=True))
    parts = deal_sources(texts.rows)
    budget = {"max_texts": max_texts, "max_words": samples.MAX_WORDS, "parts": PARTS}
    if record.get(NETWORKS, {}).get("budget") != budget:
        record[NETWORKS] = {"budget": budget, "texts": {}, "seconds": {}}
    detectors = detectors_by_fold(record)
    folds = [fold for fold in protocol.folds(texts.rows) if fold.kind == "source"]
    for name in [names] if isinstance(names, str) else names:
        trained = [
            scored_by_network(name, texts, parts, part, max_texts, Path(scores))
            for part in tqdm(range(PARTS), disable=None)
        ]
        raw = np.stack([one.scores for one in trained])
        for fold in folds:
            detectors[fold.kind, fold.name][name] = network_metrics(texts, parts, raw, fold)
        record[NETWORKS]["texts"][name] = [one.texts for one in trained]
        record[NETWORKS]["seconds"][name] = [one.seconds for one in trained]
        write_json(output, record)


def deal_sources(rows: pd.DataFrame) -> np.ndarray:
    """Part of each row, from 0: sources that are held out together are in one part.

    The largest source folds are dealt first, one part after the other.

    Args:
        rows: columns origin and generated.

    Raises:
        ValueError: a part has texts of one class only.
    """
    names = rows["origin"].map(protocol.source_fold)
    sizes = names.value_counts()
    ordered = sorted(sizes.index, key=lambda name: (-sizes[name], name))
    part_of = {name: place % PARTS for place, name in enumerate(ordered)}
    parts = names.map(part_of).to_numpy(np.int64)
    for part in range(PARTS):
        if set(rows["generated"][parts == part]) != {0, 1}:
            raise ValueError(f"Part {part} of the sources lacks a class: {part_of}.")
    return parts


class Scored(NamedTuple):
    """Scores of the texts by a network that was trained without a part of them.

    Attributes:
        scores: log-odds of each text that the network may be tested on, shape (texts,): of its own
            part, and of the test split; NaN for the others.
        texts: number of texts it was trained on.
        seconds: that training and scoring took.
    """

    scores: np.ndarray
    texts: int
    seconds: float


def scored_by_network(
    name: str, texts: Texts, parts: np.ndarray, part: int, max_texts: int | None, folder: Path
) -> Scored:
    """Scores by the network that never saw a part; from the folder if they are there.

    Args:
        name: of the baseline.
        texts: all texts.
        parts: part of each, shape (texts,).
        part: that the network is trained without.
        max_texts: texts that it learns from; all if None.
        folder: keeps the scores.
    """
    file = folder / f"{name}-{part}-of-{PARTS}-{max_texts or 'all'}.npz"
    ids, written = texts.rows["id"].to_numpy(str), [one.text for one in texts.documents]
    if file.is_file():
        known = np.load(file)
        same = np.array_equal(known["ids"], ids) and np.array_equal(known["parts"], parts)
        if same and np.array_equal(known["lengths"], list(map(len, written))):
            return Scored(known["scores"], int(known["texts"]), float(known["seconds"]))
    start = time.perf_counter()
    in_test_split = (texts.rows["split"] == "test").to_numpy()
    train = np.flatnonzero((parts != part) & ~in_test_split)
    tested = np.flatnonzero((parts == part) | in_test_split)
    scores = np.full(len(parts), np.nan)
    scores[tested], learned = network_scores(name, texts, train, tested, max_texts)
    found = Scored(scores, learned, time.perf_counter() - start)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(file, ids=ids, parts=parts, lengths=list(map(len, written)), **found._asdict())
    return found


def network_scores(
    name: str, texts: Texts, train: np.ndarray, tested: np.ndarray, max_texts: int | None
) -> tuple[np.ndarray, int]:
    """Log-odds of some texts by a network trained on others, and the number it was trained on.

    Args:
        name: of the baseline.
        texts: all texts.
        train: rows to train on.
        tested: rows to score.
        max_texts: rows that are trained on, balanced over classes and sources; all if None.
    """
    network = registry.make_detector(name)
    assert isinstance(network, FineTunedBaseline)
    network.extractor_ = network.new_extractor()
    sources = pd.factorize(texts.rows["source"].iloc[train])[0]
    chosen = balanced_rows(texts.labels[train], sources, max_texts, seed=0)
    network.set_params(max_texts=None)  # they are chosen already
    learned, labels = _written(texts, train[chosen]), texts.labels[train[chosen]]
    fitted = network.fit_features(learned, labels, sources[chosen])
    return network.score_features(_written(texts, tested), fitted), len(chosen)


def network_metrics(
    texts: Texts, parts: np.ndarray, raw: np.ndarray, fold: protocol.Fold
) -> dict[str, Any]:
    """Metrics on a source fold of the network that never saw its part.

    What that network was trained on sets probabilities and thresholds: each text by its score from
    the network that did not see it.

    Args:
        texts: all texts.
        parts: part of each, shape (texts,).
        raw: log-odds by each network, shape (`PARTS`, texts).
        fold: of the kind source.
    """
    (part,) = set(parts[fold.held_out].tolist())
    mask = fold.train & (parts != part) & texts.rows["calibration_mask"].to_numpy(bool)
    index = np.flatnonzero(mask)
    labels = texts.labels[index]
    weights = balancing_weights(labels, texts.rows["source"].iloc[index].to_numpy())
    calibrator = Calibrator.fit(raw[parts[index], index], labels, weights, texts.tokens[index])
    probabilities = calibrator.probabilities(raw[part, fold.test])
    evaluator = FoldEvaluator(texts, fold)
    tokens = texts.tokens[fold.test]
    found: dict[str, Any] = evaluator.metrics(
        probabilities, lambda _, rate: calibrator.thresholds(rate, tokens), intervals=False
    )
    return found


def _written(texts: Texts, index: np.ndarray) -> list[str]:
    return [texts.documents[i].text for i in index]


if __name__ == "__main__":
    fire.Fire(main)
