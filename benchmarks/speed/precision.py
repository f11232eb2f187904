"""What a lower precision changes in the shipped detectors: AUROC, probabilities, verdicts.

Run from the root of the checkout:
`python -m benchmarks.speed.precision --corpus=CORPUS --cache=FOLDER`. The cache keeps the
language model's output, so a stopped run continues where it was.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fire
import numpy as np
import pandas as pd

from benchmarks.machine import machine
from benchmarks.quality.samples import COLUMNS, MAX_WORDS
from benchmarks.records import RESULTS, write_json
from perplexity_detector.classifier.assessment import Assessment
from perplexity_detector.detectors.loading import CASCADE, load_detector
from perplexity_detector.evaluation.metrics import CI_QUANTILES, auroc
from perplexity_detector.io.datasets import read_all
from perplexity_detector.sampling.balance import balanced_sample
from perplexity_detector.text import canonicalise, crop

OUTPUT = RESULTS / "precision.json"
DETECTORS = ("standard", "fast", "auto")
EXACT = "float32"
RESAMPLES = 500


def main(
    corpus: str,
    cache: str | None = None,
    output: str = str(OUTPUT),
    per_group: int = 8,
    precisions: str | tuple[str, ...] = ("bfloat16", "int8"),
) -> None:
    """Score texts of the test split in each precision; print and write the differences.

    Args:
        corpus: labelled, with columns source and split.
        cache: folder that keeps the language model's output.
        output: the json file.
        per_group: texts of each source and class.
        precisions: compared with float32, separated by commas.
    """
    rows = read_test_texts(corpus, per_group)
    compared = [precisions] if isinstance(precisions, str) else list(precisions)
    record: dict[str, Any] = {"machine": machine(), "texts": len(rows), "results": []}
    for name in DETECTORS:
        exact = scored(name, EXACT, rows, cache)
        for precision in compared:
            other = scored(name, precision, rows, cache)
            found = {
                "detector": name,
                "precision": precision,
                **compare(rows["generated"].to_numpy(), probabilities(exact), probabilities(other)),
                "verdicts_changed": verdicts_changed(exact, other),
                # of texts that leave a cascade early, some precisions have no surprisal
                "surprisal_change": None
                if name == CASCADE
                else mean_change(surprisals(exact), surprisals(other)),
            }
            record["results"].append(found)
            print(json.dumps(found))
    write_json(output, record)


def read_test_texts(corpus: str, per_group: int) -> pd.DataFrame:
    """Texts of the test split, canonical and cropped as in training."""
    frame = read_all(corpus, label=True)
    rows = balanced_sample(frame[frame["split"] == "test"], per_group)[COLUMNS]
    texts = [crop(canonicalise(text), MAX_WORDS) for text in rows["text"]]
    return rows.assign(text=texts).reset_index(drop=True)


def scored(name: str, precision: str, rows: pd.DataFrame, cache: str | None) -> list[Assessment]:
    """What the detector finds of each text."""
    detector = load_detector(Path("none"), name, precision=precision, cache=cache)
    return detector.assess_texts(rows["text"].tolist())


def probabilities(assessed: list[Assessment]) -> np.ndarray:
    """Probability of each text, shape (n,)."""
    return np.array([one.probability for one in assessed])


def surprisals(assessed: list[Assessment]) -> list[np.ndarray]:
    """Surprisal of the tokens of each text, if the detector uses it."""
    found = [one.document.statistics for one in assessed]
    return [one.surprisal for one in found if one is not None]


def verdicts_changed(exact: list[Assessment], other: list[Assessment]) -> int:
    """Texts on which two scorings give other verdicts."""
    return sum(one.verdict != two.verdict for one, two in zip(exact, other, strict=True))


def compare(labels: np.ndarray, exact: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Differences between two scorings of the same texts.

    AUROC's change has a 95 % interval by bootstrap over texts.
    """
    generator = np.random.default_rng(0)
    changes = []
    for _ in range(RESAMPLES):
        drawn = generator.integers(len(labels), size=len(labels))
        if len(set(labels[drawn])) == 2:
            aurocs = [auroc(labels[drawn], scores[drawn]) for scores in (exact, other)]
            changes.append(aurocs[1] - aurocs[0])
    low, high = np.quantile(changes, CI_QUANTILES)
    before, after = auroc(labels, exact), auroc(labels, other)
    return {
        "auroc_exact": before,
        "auroc": after,
        "change": after - before,
        "change_low": float(low),
        "change_high": float(high),
        "probability_change": float(np.abs(exact - other).mean()),
    }


def mean_change(exact: list[np.ndarray], other: list[np.ndarray]) -> float | None:
    """Mean absolute change of a token's surprisal, in nats; None without surprisals."""
    sizes = sum(map(len, exact))
    return float(np.abs(np.concatenate(exact) - np.concatenate(other)).mean()) if sizes else None


if __name__ == "__main__":
    fire.Fire(main)
