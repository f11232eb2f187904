"""PAN's measures of the shipped detectors and of PAN's baselines, on slices of the corpus.

Run from the root of the checkout: `python -m benchmarks.boards.pan --corpus=CORPUS`. The test split
has prompts that nothing was trained on, of sources that all were trained on: an easier task than
PAN's own, which has writers and models of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fire
import numpy as np
import pandas as pd

from benchmarks.boards.pan_baselines import ppmd, tfidf_svm, without_close_calls
from benchmarks.boards.pan_measures import pan_measures
from benchmarks.machine import machine
from benchmarks.quality import samples
from benchmarks.quality.binoculars import save_observer
from benchmarks.records import RESULTS, write_json
from perplexity_detector.classifier.provenance import detector_sha256
from perplexity_detector.detectors.registry import make_detector
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.pipelines import pan
from perplexity_detector.sampling.balance import balanced_sample

OUTPUT = RESULTS / "pan.json"
#: PAN's genres and two more -> domains of the corpus.
GENRES = {
    "essays": ("essay", "essay_student", "essay_learner", "essay_academic", "argument"),
    "news": ("news",),
    "stories": ("story",),
    "abstracts": ("abstract",),
    "reviews": ("review",),
}
SHIPPED = ("standard", "fast")


def main(
    corpus: str,
    per_genre: int = 60,
    per_group: int = 100,
    per_group_held_out: int = 60,
    for_binoculars: int = 3,
    output: str = str(OUTPUT),
) -> None:
    """Measure, print a table and write json.

    Args:
        corpus: labelled texts, as for `benchmarks.quality`.
        per_genre: texts of each genre and class.
        per_group: training texts of each source and class, of the train split.
        per_group_held_out: the same for the valid split.
        for_binoculars: training texts of each source and class that two models read.
        output: the json file.
    """
    rows = samples.corpus(corpus, per_group, per_group_held_out, augmentation_rate=0)
    train, test = rows[rows["split"] != "test"], slices(rows, per_genre)
    labels = dict(answers(train, test, for_binoculars))
    record: dict[str, Any] = {
        "machine": machine(("torch", "scikit-learn", "pyppmd")),
        "training_texts": len(train),
        "texts": len(test),
        "detectors": {
            name: detector_sha256(ExplainableClassifier.from_pretrained(name)) for name in SHIPPED
        },
        "answers": {name: by_genre(test, found) for name, found in labels.items()},
    }
    write_json(output, record)
    print(pd.DataFrame({name: one["all"] for name, one in record["answers"].items()}).T.round(3))


def slices(rows: pd.DataFrame, per_genre: int) -> pd.DataFrame:
    """Undisguised texts of the test split, as many of each class in a genre; column `genre`."""
    genres = {domain: genre for genre, domains in GENRES.items() for domain in domains}
    rows = rows[(rows["split"] == "test") & (rows["attack"] == "none")]
    rows = rows.assign(genre=rows["domain"].map(genres)).dropna(subset="genre")
    by_genre = balanced_sample(rows.assign(source=rows["genre"]), per_genre)
    return by_genre.reset_index(drop=True)


def answers(
    train: pd.DataFrame, test: pd.DataFrame, for_binoculars: int
) -> Iterator[tuple[str, np.ndarray]]:
    """The labels that each detector and baseline gives to the test texts."""
    texts, labels, new = train["text"].tolist(), train["generated"].tolist(), test["text"].tolist()
    yield "tfidf_svm", tfidf_svm(texts, labels, new)
    yield "ppmd", ppmd(texts, labels, new)
    for name in SHIPPED:
        with TemporaryDirectory() as cache:  # the second run need not read the texts again
            detector = ExplainableClassifier.from_pretrained(name, cache=cache)
            yield name, pan_run(test, detector, abstain=True)
            yield f"{name}, all answered", pan_run(test, detector, abstain=False)
    few = train.groupby(["source", "generated"]).head(for_binoculars)
    yield "binoculars", binoculars(few, new)


def pan_run(test: pd.DataFrame, detector: ExplainableClassifier, abstain: bool) -> np.ndarray:
    """Labels that the command `pan` writes."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "dataset.jsonl"
        test[["id", "text"]].to_json(file, orient="records", lines=True)
        written = list(pan.answer([file], detector, folder, abstain))
        lines = (Path(folder) / pan.ANSWERS).read_text(encoding="utf-8").splitlines()
        found = {line["id"]: line["label"] for line in map(json.loads, lines)}
    assert sum(map(len, written)) == len(found)
    return test["id"].map(found).to_numpy(float)


def binoculars(train: pd.DataFrame, new: list[str]) -> np.ndarray:
    """Labels by the shipped language model, and the same without some blocks as its observer."""
    with TemporaryDirectory() as folder:
        save_observer(folder)
        detector = make_detector("binoculars", lm=folder, performer=catalogue.BUILTIN)
        detector.fit(train["text"], train["generated"], sources=train["source"].tolist())
        return without_close_calls(detector.predict_proba(new)[:, 1], 0.01)


def by_genre(test: pd.DataFrame, labels: np.ndarray) -> Mapping[str, dict[str, Any]]:
    """Measures over all texts, and genre by genre, with the share left unanswered."""
    truth = test["generated"].to_numpy()
    masks = {"all": np.full(len(test), True)} | {
        genre: (test["genre"] == genre).to_numpy() for genre in GENRES
    }
    return {
        genre: {
            **pan_measures(truth[mask], labels[mask])._asdict(),
            "texts": int(mask.sum()),
            "unanswered": float(np.mean(labels[mask] == pan.UNANSWERED)),
        }
        for genre, mask in masks.items()
    }


if __name__ == "__main__":
    fire.Fire(main)
