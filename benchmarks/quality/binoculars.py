"""How Binoculars, which reads with two models, does on the folds of `quality`, whose json it joins.

Run after it, from the root of the checkout: `python -m benchmarks.binoculars
--corpus=../shared/data/corpus.parquet --cache=.cache/pairs`. Reading is dear, so it is given some
of the texts of each fold. The observer is given, or is the shipped model without some of its
blocks: a weaker model of the same vocabulary.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import fire
import numpy as np
from tqdm import tqdm

from benchmarks.language_models import without_blocks
from benchmarks.quality import protocol, samples
from benchmarks.quality.fold_data import Texts
from benchmarks.quality.fold_evaluator import Judge, baseline_figures
from benchmarks.quality.record import BINOCULARS
from benchmarks.quality.run import RESULTS
from benchmarks.speed.run import write
from perplexity_detector.detectors import registry
from perplexity_detector.lm.weights import catalogue

#: Blocks that the observer lacks.
WITHOUT = (22, 23, 24, 25)


def main(
    corpus: str,
    observer: str | None = None,
    performer: str = catalogue.BUILTIN,
    cache: str | None = None,
    per_split: int = 20,
    per_group: int = 100,
    per_group_held_out: int = 60,
    precision: str = "auto",
    output: str = str(RESULTS),
) -> None:
    """Read with two models, judge each fold that leaves out a source or none.

    Args:
        corpus: as `quality` has it.
        observer: folder or name of a model; the shipped one without some of its blocks if None.
        performer: the model whose surprisal counts, of the same vocabulary.
        cache: a folder that keeps what the models said.
        per_split: texts of each source and class in each split, of those of `quality`.
        per_group: as `quality` had it.
        per_group_held_out: as `quality` had it.
        precision: in which both read.
        output: the json file of `quality`.
    """
    record = json.loads(Path(output).read_text(encoding="utf-8"))
    rows = samples.corpus(corpus, per_group, per_group_held_out, augmentation_rate=0)
    rows = rows.groupby(["split", "source", "generated"]).head(per_split).reset_index(drop=True)
    known = {(fold["kind"], fold["name"]): fold["detectors"] for fold in record["folds"]}
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        if observer is None:
            weaken(folder)
        models = {"lm": observer or folder, "performer": performer, "precision": precision}
        reading = registry.make_detector(
            BINOCULARS, **models, cache=cache, progress=True
        ).new_extractor()
        texts = Texts(rows, reading.read_documents(rows["text"]), np.empty((len(rows), 0)))
        record[BINOCULARS] = {
            "performer": performer,
            "observer": observer or f"{catalogue.BUILTIN} without blocks {WITHOUT}",
            "texts": len(rows),
            "seconds": time.perf_counter() - start,
        }
        for fold in tqdm(list(protocol.folds(rows)), disable=None):
            if fold.kind in ("none", "source"):
                known[fold.kind, fold.name][BINOCULARS] = baseline_figures(
                    registry.make_detector(BINOCULARS, **models),
                    texts,
                    np.flatnonzero(fold.trained),
                    Judge(texts, fold),
                )
    Path(output).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def weaken(folder: str, without: Sequence[int] = WITHOUT) -> None:
    """Write the shipped model without some of its blocks, as transformers has models."""
    loaded = catalogue.load()
    write(without_blocks(loaded.model, without), loaded, folder)


if __name__ == "__main__":
    fire.Fire(main)
