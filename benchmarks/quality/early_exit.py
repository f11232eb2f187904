"""What early exits cost and save on sources left out of training.

Run from the root of the checkout: `python -m benchmarks.quality.early_exit --corpus=CORPUS
--cache=FOLDER --scores=FOLDER --precision=bfloat16`. Each detector is trained once for the source
folds that share their training texts; what it makes of each text is kept in the folder of scores,
from which the figures follow at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fire
import numpy as np
import pandas as pd

from benchmarks.machine import machine
from benchmarks.quality import protocol, samples
from benchmarks.quality.cascades import DEPTHS, figures, limits_of, readings
from benchmarks.quality.fold_data import FittedFold, Texts
from benchmarks.quality.parallel import forked_pool
from benchmarks.quality.recipes import fit_detectors
from benchmarks.records import RESULTS, read_json, write_json
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import available_families

OUTPUT = RESULTS / "early_exit.json"
#: How fast each detector reads, from `benchmarks.speed.depth`.
SPEEDS = RESULTS / "depth.json"


def main(
    corpus: str,
    scores: str,
    cache: str | None = None,
    per_group: int = 100,
    per_group_held_out: int = 60,
    precision: str | None = None,
    processes: int = 2,
    output: str = str(OUTPUT),
) -> None:
    """Measure, print the means, write json.

    Args:
        corpus: labelled texts with domain, generator, attack, prompt_id, source and split.
        scores: folder of what the detectors make of each text; a detector's training that is
            there is not repeated.
        cache: folder that keeps the language model's output.
        per_group: texts of one source and class in the train split.
        per_group_held_out: the same in the valid and test splits.
        precision: of the language model.
        processes: number of trainings that run in parallel.
        output: the json file.
    """
    texts = Texts.unread(samples.corpus(corpus, per_group, per_group_held_out))
    folds = list(protocol.folds(texts.rows))
    folder = Path(scores)
    folder.mkdir(parents=True, exist_ok=True)
    if unfinished := [numbers for numbers in trainings(folds) if _missing(folder, numbers)]:
        extractor = FeatureExtractor(list(available_families()), precision=precision, cache=cache)
        read = Texts.read(texts.rows, extractor)
        # families read the means over whole texts alone, which are quickly made of these
        compact = [replace(one, states=one.states.over_text()) for one in read.documents]
        _shared[:] = [replace(read, documents=compact), folds, folder]
        with forked_pool(processes) as pool:
            list(pool.map(_score, unfinished))
    scored = read_scores(texts, folds, folder)
    record = {
        "machine": machine(("torch", "xgboost", "scikit-learn")),
        **figures(scored, readings(read_json(SPEEDS))),
    }
    write_json(output, record)
    print(pd.json_normalize(record["cascades"]).round(4).T.to_string())


def trainings(folds: Sequence[protocol.Fold]) -> list[list[int]]:
    """Numbers of the source folds that share their training texts, together."""
    return [
        numbers
        for numbers in protocol.with_same_training(folds)
        if folds[numbers[0]].kind == "source"
    ]


def read_scores(texts: Texts, folds: Sequence[protocol.Fold], folder: Path) -> pd.DataFrame:
    """The test texts of all source folds, and what was kept of each detector's answers.

    Args:
        texts: all texts.
        folds: all folds of the protocol.
        folder: of what the detectors make of each text.
    """
    parts = []
    for numbers in trainings(folds):
        tested = pd.concat([_tested(texts, folds[number]) for number in numbers])
        answers = [pd.read_parquet(file) for file in _files(folder, numbers).values()]
        by_detector = [frame.reset_index(drop=True) for frame in (tested, *answers)]
        parts.append(pd.concat(by_detector, axis=1))
    return pd.concat(parts, ignore_index=True)


def _files(folder: Path, numbers: list[int]) -> dict[str, Path]:
    """What each detector makes of the test texts of the folds of one training."""
    return {name: folder / f"{numbers[0]}-{name}.parquet" for name in DEPTHS}


def _missing(folder: Path, numbers: list[int]) -> list[str]:
    """Detectors whose answers are not kept."""
    return [name for name, file in _files(folder, numbers).items() if not file.exists()]


#: The texts, folds and folder that forked processes share.
_shared: list[Any] = []


def _score(numbers: list[int]) -> None:
    """Let each detector, trained without some sources, judge the test texts; keep its answers."""
    texts, all_folds, folder = _shared
    folds = [all_folds[number] for number in numbers]
    files = _files(folder, numbers)
    fitted = fit_detectors(_missing(folder, numbers), texts, folds[0], earlier=False, depths=DEPTHS)
    data = {id(one.data): one.data for one in fitted.values()}  # most share theirs
    features = {
        key: [one.transform(texts, fold.test) for fold in folds] for key, one in data.items()
    }
    documents = [[texts.documents[i] for i in np.flatnonzero(fold.test)] for fold in folds]
    for name, one in fitted.items():
        by_fold = zip(documents, features[id(one.data)], strict=True)
        part = files[name].with_suffix(".part")
        pd.concat([_scores_by(name, one, *of_fold) for of_fold in by_fold]).to_parquet(part)
        part.rename(files[name])


def _tested(texts: Texts, fold: protocol.Fold) -> pd.DataFrame:
    """The test texts of a fold."""
    index = np.flatnonzero(fold.test)
    return texts.rows.iloc[index][["id", "source", "generated"]].assign(
        fold=fold.name,
        half=fold.half,
        held_out=fold.held_out[index],
        words=[len(texts.documents[i].words) for i in index],
    )


def _scores_by(
    name: str, fitted: FittedFold, documents: Sequence[Document], features: np.ndarray
) -> pd.DataFrame:
    """Probabilities, outlier check and thresholds of texts by one detector."""
    columns: dict[str, Any] = {
        f"p_{name}": fitted.probabilities(features),
        f"outlier_{name}": fitted.is_outlier(features),
    }
    limits = limits_of(name)
    for fpr in sorted({limit.fpr for limit in limits}):
        columns[f"t_{name}_{fpr:g}"] = fitted.thresholds(documents, fpr)
    for fnr in sorted({limit.fnr for limit in limits}):
        columns[f"h_{name}_{fnr:g}"] = fitted.calibrator.threshold_at_fnr(fnr)
    return pd.DataFrame(columns)


if __name__ == "__main__":
    fire.Fire(main)
