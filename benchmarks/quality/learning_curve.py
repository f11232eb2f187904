"""What detectors gain from more training texts of each source, on sources left out of training.

Run from the root of the checkout: `python -m benchmarks.quality.learning_curve --corpus=CORPUS
--cache=FOLDER --parts=FOLDER --precision=bfloat16`. Whatever the number of training texts, those
that are tested are the same as in `benchmarks.quality`. The folder of parts keeps what each
training gave, so a run that was stopped goes on from there; numbers that the json has and a run
does not measure stay in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fire
import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.machine import machine
from benchmarks.quality import protocol, samples, tables
from benchmarks.quality.fold_data import Texts
from benchmarks.quality.fold_results import MAIN_KINDS, Experiment, measure_folds
from benchmarks.quality.parallel import forked_pool
from benchmarks.quality.protocol import Fold
from benchmarks.quality.recipes import SHIPPED
from benchmarks.records import RESULTS, read_json, write_json
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families

OUTPUT = RESULTS / "learning_curve.json"
#: Texts of one source and class in training; the last is what the shipped detectors learn from.
PER_GROUP = (50, 400)
#: Texts of one source and class in the train split that are tested where the source is left out:
#: as many as `benchmarks.quality` trains on.
TESTED_PER_GROUP = 100


def main(
    corpus: str,
    parts: str,
    cache: str | None = None,
    per_group: Sequence[int] = PER_GROUP,
    per_group_held_out: int = 60,
    precision: str | None = None,
    processes: int = 2,
    output: str = str(OUTPUT),
) -> None:
    """Measure, print the means, write json.

    Args:
        corpus: labelled texts with domain, generator, attack, prompt_id, source and split.
        parts: folder of what each training gave.
        cache: folder that keeps the language model's output.
        per_group: numbers of training texts of one source and class, each of them measured.
        per_group_held_out: texts of one source and class in the valid and test splits.
        precision: of the language model.
        processes: number of trainings that run in parallel.
        output: the json file.
    """
    extractor = FeatureExtractor(
        list(available_families()), precision=precision, cache=cache, progress=True
    )
    rows = samples.corpus(corpus, max(*per_group, TESTED_PER_GROUP), per_group_held_out)
    texts = Texts.read(rows, extractor)
    folds = [fold for fold in protocol.folds(texts.rows) if fold.kind in MAIN_KINDS]
    tested = in_sample(texts.rows, TESTED_PER_GROUP)
    experiments = {
        size: Experiment(
            texts,
            [with_texts(fold, in_sample(texts.rows, size), tested) for fold in folds],
            extractor,
            {},
            list(SHIPPED),
        )
        for size in per_group
    }
    trainings = protocol.with_same_training(folds)
    jobs = [(size, numbers) for size in per_group for numbers in trainings]
    folder = Path(parts)
    folder.mkdir(parents=True, exist_ok=True)
    _shared[:] = [experiments, folder]
    with forked_pool(processes) as pool:
        files = list(tqdm(pool.map(_measure, jobs), total=len(jobs), disable=None))
    measured: dict[str, dict[str, Any]] = {str(size): {"folds": []} for size in per_group}
    for (size, _), file in zip(jobs, files, strict=True):
        measured[str(size)]["folds"] += read_json(file)
    known = read_json(output)["sizes"] if Path(output).is_file() else {}
    sizes = known | measured
    write_json(output, {"machine": machine(("torch", "xgboost", "scikit-learn")), "sizes": sizes})
    found = {
        (size, half, name): tables.means(record, name, half)
        for size, record in measured.items()
        for half in protocol.HALVES
        for name in SHIPPED
    }
    print(pd.DataFrame(found).T.round(3).to_string())


def in_sample(rows: pd.DataFrame, per_group: int) -> np.ndarray:
    """Rows that a sample with fewer texts of each source and class in the train split has too.

    Args:
        rows: as `samples.corpus` returns them.
        per_group: number of these texts.

    Returns:
        bool of shape (rows,). A disguised copy goes with its original.
    """
    originals = rows[rows["calibration_mask"].astype(bool) & (rows["split"] == "train")]
    place = originals.groupby(["source", "generated"], dropna=False).cumcount()
    return np.asarray(~rows["id"].isin(originals["id"][place >= per_group]))


def with_texts(fold: Fold, trained: np.ndarray, tested: np.ndarray) -> Fold:
    """A fold that trains on some of its training texts, and tests some of its test texts.

    Args:
        fold: of n texts.
        trained: bool of shape (n,).
        tested: bool of shape (n,).
    """
    return replace(
        fold,
        train=fold.train & trained,
        test=fold.test & tested,
        held_out=fold.held_out & tested,
    )


#: The experiments and the folder that forked processes share.
_shared: list[Any] = []


def _measure(job: tuple[int, list[int]]) -> Path:
    """Train once, unless that was done before; write the results of its folds."""
    size, numbers = job
    experiments, folder = _shared
    file: Path = folder / f"{size}-{numbers[0]}.json"
    if not file.exists():
        results = [result for result, _ in measure_folds(experiments[size], numbers)]
        write_json(file.with_suffix(".part"), results)
        file.with_suffix(".part").rename(file)
    return file


if __name__ == "__main__":
    fire.Fire(main)
