"""Binoculars, which reads with two models, on the folds of `benchmarks.quality`; joins its json.

Run after it, from the root of the checkout: `python -m benchmarks.quality.binoculars
--corpus=CORPUS --cache=.cache/pairs`. Reading is slow, so only a sample of each fold is read.
Without `--observer`, the observer is the shipped model without some of its blocks: a weaker model
with the same vocabulary.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from tempfile import TemporaryDirectory

import fire
import numpy as np
from tqdm import tqdm

from benchmarks.language_models import save_model, without_blocks
from benchmarks.quality import protocol, samples
from benchmarks.quality.fold_data import Texts
from benchmarks.quality.fold_evaluator import FoldEvaluator, baseline_metrics, fit_baseline
from benchmarks.quality.record import BINOCULARS, detectors_by_fold
from benchmarks.quality.run import OUTPUT
from benchmarks.records import read_json, write_json
from perplexity_detector.detectors import registry
from perplexity_detector.lm.weights import catalogue

#: Blocks that the observer lacks.
REMOVED_BLOCKS = (22, 23, 24, 25)


def main(
    corpus: str,
    observer: str | None = None,
    performer: str = catalogue.BUILTIN,
    cache: str | None = None,
    per_split: int = 20,
    per_group: int = 100,
    per_group_held_out: int = 60,
    precision: str | None = None,
    output: str = str(OUTPUT),
) -> None:
    """Read with two models; test on the test split's fold and on each held-out source.

    Args:
        corpus: as for `benchmarks.quality`.
        observer: folder or name of a model; the shipped one without some of its blocks if None.
        performer: the model whose surprisal counts, with the same vocabulary.
        cache: folder that keeps the models' output.
        per_split: texts of each source and class in each split, of those of `benchmarks.quality`.
        per_group: as for `benchmarks.quality`.
        per_group_held_out: as for `benchmarks.quality`.
        precision: of both models.
        output: the json file of `benchmarks.quality`.
    """
    record = read_json(output)
    rows = samples.corpus(corpus, per_group, per_group_held_out, augmentation_rate=0)
    rows = rows.groupby(["split", "source", "generated"]).head(per_split).reset_index(drop=True)
    detectors = detectors_by_fold(record)
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        if observer is None:
            save_observer(folder)
        models = {"lm": observer or folder, "performer": performer, "precision": precision}
        extractor = registry.make_detector(
            BINOCULARS, **models, cache=cache, progress=True
        ).new_extractor()
        texts = Texts.unread(rows, extractor.read_documents(rows["text"]))
        record[BINOCULARS] = {
            "performer": performer,
            "observer": observer or f"{catalogue.BUILTIN} without blocks {REMOVED_BLOCKS}",
            "texts": len(rows),
            "seconds": time.perf_counter() - start,
        }
        for fold in tqdm(list(protocol.folds(rows)), disable=None):
            if fold.kind in ("none", "source"):
                baseline = registry.make_detector(BINOCULARS, **models)
                fit_baseline(baseline, texts, np.flatnonzero(fold.train))
                detectors[fold.kind, fold.name][BINOCULARS] = baseline_metrics(
                    baseline, texts, FoldEvaluator(texts, fold)
                )
    write_json(output, record)


def save_observer(folder: str, removed_blocks: Sequence[int] = REMOVED_BLOCKS) -> None:
    """Save the shipped model without some of its blocks, in transformers' format."""
    loaded = catalogue.load(of_transformers=True)
    save_model(without_blocks(loaded.model, removed_blocks), loaded, folder)


if __name__ == "__main__":
    fire.Fire(main)
