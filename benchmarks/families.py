"""What each feature family adds on sources never seen, for both detectors and several depths.

Sources are left out fold by fold; learned families are learned anew without them. Run from the
root of the checkout: `python -m benchmarks.families --dataset=../shared/data/corpus.parquet
--cache=.cache/states`.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import fire
import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.left_out import FOLDS, Corpus, fold_figures, read_corpus
from benchmarks.machine import machine
from perplexity_detector.features import contrast, representation
from perplexity_detector.features.cross_fitting import cross_fitted_table, rows
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.family import Document, Learner
from perplexity_detector.features.registry import FAMILIES, families_at
from perplexity_detector.lm.pooling import PooledStates

RESULTS = Path(__file__).parent / "results" / "families.json"
#: Shares of the model's blocks: smollm2's 4th, 8th, 12th, 15th, 20th and last.
DEPTHS = (0.13, 0.27, 0.4, 0.5, 0.67, 1.0)
_STATISTICS = [name for name, family in FAMILIES.items() if family.reads == "statistics"]
_TEXT = [name for name, family in FAMILIES.items() if family.reads == "text"]


def recipes() -> dict[str, list[str]]:
    """Name -> prefixes of the columns that a detector is trained on."""
    whole, half = "representation@_1_", "representation@_0.5_"
    standard = [*_STATISTICS, *_TEXT, "contrast"]
    return {
        "statistics": _STATISTICS,
        "style": _TEXT,
        "statistics, style": [*_STATISTICS, *_TEXT],
        "statistics, style, contrast": standard,
        "statistics, style, contrast, representation (`standard`)": [*standard, whole],
        "statistics, style, representation": [*_STATISTICS, *_TEXT, whole],
        "contrast, representation": ["contrast", whole],
        "style, contrast": [*_TEXT, "contrast"],
        **{
            f"depth {depth:g}: style, contrast, representation": [
                *_TEXT, "contrast", f"representation@_{depth:g}_",
            ]
            for depth in DEPTHS
        },
        "depth 0.5: style, representation": [*_TEXT, half],
    }  # fmt: skip


def main(
    dataset: str,
    cache: str | None = None,
    per_group: int = 300,
    per_group_held_out: int = 60,
    dtype: str = "bfloat16",
    output: str = str(RESULTS),
) -> None:
    """Train every recipe without every fold of sources, print a table, write json.

    Args:
        dataset: labelled texts with the columns source, prompt_id and split.
        cache: a folder that keeps what the language model said.
        per_group: training texts of one source and class.
        per_group_held_out: the same in validation and test.
        dtype: in which the language model reads.
        output: the json file.
    """
    extractor = FeatureExtractor(list(families_at()), dtype=dtype, cache=cache, progress=True)
    corpus = read_corpus(dataset, extractor, per_group, per_group_held_out)
    given = FeatureExtractor().table(corpus.documents)
    folds: dict[str, tuple[str, ...]] = {"none (test split)": (), **FOLDS}
    fork = multiprocessing.get_context("fork")  # the texts that were read need not be copied
    with ProcessPoolExecutor(2, fork, _share, (corpus, given)) as pool:
        found = list(tqdm(pool.map(_fold, folds.values()), total=len(folds)))
    results = dict(zip(folds, found, strict=True))
    table = averages(results)
    print(table.round(3).to_string())
    record = {
        "machine": machine(("torch", "xgboost", "scikit-learn")),
        "texts": len(corpus.rows),
        "folds": results,
        "averages": {str(name): row.to_dict() for name, row in table.iterrows()},
    }
    Path(output).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def averages(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> pd.DataFrame:
    """One row a recipe: the test split, and means over folds of what was left out."""
    whole, *left_out = results.values()
    table: dict[str, dict[str, float]] = {}
    for recipe, seen in whole.items():
        unseen = pd.DataFrame([fold[recipe] for fold in left_out])
        table[recipe] = {
            **{f"test_{name}": value for name, value in seen.items()},
            **{str(name): float(value) for name, value in unseen.mean().items()},
            "fpr_highest": unseen["fpr"].max(),
        }
    return pd.DataFrame(table).T


#: What the processes share: the corpus, and its features that are not learned.
_shared: list[tuple[Corpus, np.ndarray]] = []


def _share(corpus: Corpus, given: np.ndarray) -> None:
    _shared.append((corpus, given))


def _fold(fold: tuple[str, ...]) -> dict[str, dict[str, float]]:
    corpus, given = _shared[-1]
    tables = [given]
    names = FeatureExtractor().get_feature_names_out().tolist()
    for learner in (contrast.LEARNER, _representation_by_depth()):
        tables.append(_without(corpus, fold, learner))
        names += learner.feature_names
    table = np.hstack(tables)
    found = {}
    for recipe, prefixes in recipes().items():
        columns = [i for i, name in enumerate(names) if name.startswith(tuple(prefixes))]
        found[recipe] = fold_figures(corpus, fold, table[:, columns], [names[i] for i in columns])
    return found


def _without(corpus: Corpus, fold: tuple[str, ...], learner: Learner) -> np.ndarray:
    """A learned family's features of all texts: of training texts cross-fitted, fold left out."""
    rows_of = corpus.rows
    train = np.flatnonzero(corpus.mask("train", fold, inside=False))
    others = np.setdiff1d(np.arange(len(rows_of)), train)
    documents = [corpus.documents[i] for i in train]
    labels = rows_of["generated"].to_numpy()[train]
    sources = pd.factorize(rows_of["source"])[0][train]
    prompts = rows_of["prompt_id"].to_numpy(object)[train].tolist()
    table = np.empty((len(rows_of), len(learner.labels)))
    table[train] = cross_fitted_table(learner, documents, labels, sources, prompts)
    family = learner.family(learner.learn(documents, labels, sources))
    table[others] = rows(family, [corpus.documents[i] for i in others])
    return table


def _representation_by_depth() -> Learner:
    """The family as it is at every depth, side by side: directions are the same at all."""
    whole = representation.learner()
    at_depths = {depth: representation.learner(depth) for depth in DEPTHS}

    def compute(document: Document, arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
        values: dict[str, float] = {}
        for depth, learner in at_depths.items():
            taps = len(representation.taps_within(depth))
            states = document.states
            cut = PooledStates(
                states.layers[:taps], states.means[:taps], states.spread[:taps], states.tokens
            )
            known = {name: array[:taps] for name, array in arrays.items()}
            computed = learner.compute(replace(document, states=cut), known)
            values |= {f"{depth:g}_{name}": value for name, value in computed.items()}
        return values

    labels = {
        f"{depth:g}_{name}": label
        for depth, learner in at_depths.items()
        for name, label in learner.labels.items()
    }
    return replace(whole, name="representation@", labels=labels, compute=compute)


if __name__ == "__main__":
    fire.Fire(main)
