"""Detectors, feature families and baselines on sources, generators and genres held out of training.

Run from the root of the checkout: `python -m benchmarks.quality
--corpus=CORPUS --cache=.cache/states --precision=bfloat16`.
Nothing that is fitted has seen a fold's held-out texts: n-grams, probes, vocabularies, trees,
calibrator, thresholds.
"""

from __future__ import annotations

import time
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.machine import machine
from benchmarks.quality import protocol, regression_gate, samples, tables
from benchmarks.quality.fold_data import Texts
from benchmarks.quality.fold_results import Experiment, measure_folds
from benchmarks.quality.parallel import forked_pool
from benchmarks.quality.recipes import SHIPPED
from benchmarks.quality.record import copy_other_benchmarks, with_detector
from benchmarks.records import RESULTS, read_json, write_json
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families

OUTPUT = RESULTS / "quality.json"
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
    people: str | None = None,
    processes: int = 2,
    precision: str | None = None,
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
        people: human texts that are judged and never trained on; `people_check.parquet` next to
            the corpus by default.
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
        "people": samples.people(people or str(folder / "people_check.parquet"), 400),
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
    """Means over the held-out sources of each half, one row a detector and half."""
    of_sources = [fold["detectors"] for fold in tables.of_kind(record, "source")]
    names = [name for name in of_sources[0] if all(name in of_one for of_one in of_sources)]
    found = {
        (half, name): tables.means(record, name, half) for half in protocol.HALVES for name in names
    }
    return pd.DataFrame(found).T


def run(experiment: Experiment, processes: int) -> dict[str, Any]:
    """Results of every fold, and of the stress sets."""
    _shared[:] = [experiment]
    trainings = protocol.with_same_training(experiment.folds)
    with forked_pool(processes) as pool:
        parts = tqdm(pool.map(_run_folds, trainings), total=len(trainings), disable=None)
        found = dict(zip(chain(*trainings), chain(*parts), strict=True))
    folds = [found[number][0] for number in range(len(experiment.folds))]
    stressed: dict[str, Any] = next((extra for _, extra in found.values() if extra), {})
    return {"folds": folds, **stressed}


#: The experiment that forked processes share.
_shared: list[Experiment] = []


def _run_folds(numbers: list[int]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return measure_folds(_shared[0], numbers)
