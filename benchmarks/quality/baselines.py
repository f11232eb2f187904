"""Single baselines on the folds of `benchmarks.quality`, measured anew; joins its json.

Run after it, from the root of the checkout: `python -m benchmarks.quality.baselines
--names=repreguard --corpus=CORPUS --cache=.cache/states --precision=bfloat16`. `benchmarks.quality`
measures them too, together with everything else, in an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import fire
import numpy as np
from tqdm import tqdm

from benchmarks.quality import protocol, samples
from benchmarks.quality.fold_data import Texts
from benchmarks.quality.fold_evaluator import (
    FoldEvaluator,
    baseline_metrics,
    fit_baseline,
    make_baseline,
)
from benchmarks.quality.fold_results import MAIN_KINDS, WITH_INTERVALS
from benchmarks.quality.record import detectors_by_fold
from benchmarks.quality.run import OUTPUT
from benchmarks.records import read_json, write_json
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families


def main(
    corpus: str,
    names: str | Sequence[str],
    cache: str | None = None,
    per_group: int = 100,
    per_group_held_out: int = 60,
    precision: str | None = None,
    output: str = str(OUTPUT),
) -> None:
    """Fit the baselines and test them on the test split's fold and on each held-out source.

    Args:
        corpus: as for `benchmarks.quality`.
        names: of the baselines.
        cache: folder that keeps the language model's output.
        per_group: as for `benchmarks.quality`.
        per_group_held_out: as for `benchmarks.quality`.
        precision: of the language model.
        output: the json file of `benchmarks.quality`.

    Raises:
        ValueError: the json was measured on other texts.
    """
    record = read_json(output)
    rows = samples.corpus(corpus, per_group, per_group_held_out)
    calibrates = rows["calibration_mask"].to_numpy(bool)
    folds = [fold for fold in protocol.folds(rows) if fold.kind in MAIN_KINDS]
    calibrating = {(one["kind"], one["name"]): one["n_calibrating"] for one in record["folds"]}
    for fold in folds:
        now = int((fold.train & calibrates).sum())
        if now != (then := calibrating.get((fold.kind, fold.name))):
            raise ValueError(f"{fold.name} trains on {now} texts; {output} says {then}.")
    extractor = FeatureExtractor(
        list(available_families()), precision=precision, cache=cache, progress=True
    )
    # baselines read no single sentences, whose states take gigabytes
    texts = Texts.unread(
        rows,
        [
            replace(document, states=document.states.over_text())
            for document in extractor.read_documents(rows["text"])
        ],
    )
    detectors = detectors_by_fold(record)
    for name in [names] if isinstance(names, str) else names:
        for numbers in tqdm(protocol.with_same_training(folds), disable=None):
            baseline = make_baseline(name, extractor)
            fit_baseline(baseline, texts, np.flatnonzero(folds[numbers[0]].train & calibrates))
            for fold in (folds[number] for number in numbers):
                detectors[fold.kind, fold.name][name] = baseline_metrics(
                    baseline, texts, FoldEvaluator(texts, fold), name in WITH_INTERVALS
                )
        write_json(output, record)


if __name__ == "__main__":
    fire.Fire(main)
