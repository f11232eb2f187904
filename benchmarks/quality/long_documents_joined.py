"""Documents whose windows are texts of the quality benchmark, read by a sample and altogether.

Run from the root of the checkout: `python -m benchmarks.quality.long_documents_joined
--corpus=CORPUS --cache=FOLDER --scores=FOLDER --detector=standard --precision=bfloat16`. With the
cache of `benchmarks.quality` nothing is read again, so there are many documents; "whole" is then
all windows joined, each read by itself, and not the reading of the whole text, which
`benchmarks.quality.long_documents` measures on fewer. No text was trained on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fire
import pandas as pd

from benchmarks.quality import samples
from benchmarks.quality.long_documents import JOINED, values
from benchmarks.quality.long_texts import BOTH, INSERTED, MODELS, PEOPLE
from perplexity_detector.classifier.long_documents import WindowSample
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.features.document import join_documents
from perplexity_detector.sampling.balance import stable_order

#: Windows of the documents, of some 160 words each.
SIZES = (15, 30, 60)


def main(
    corpus: str,
    cache: str,
    scores: str,
    detector: str = "fast",
    precision: str = "auto",
    per_group: int = 100,
    per_group_held_out: int = 60,
) -> None:
    """Write what is found of each document, for `benchmarks.quality.long_documents report`.

    Args:
        corpus: as of `benchmarks.quality`.
        cache: as of `benchmarks.quality`.
        scores: folder of what is found.
        detector: that reads them.
        precision: of the language model.
        per_group: as of `benchmarks.quality`.
        per_group_held_out: as of `benchmarks.quality`.
    """
    loaded = TextDetector.from_pretrained(detector, precision=precision, cache=cache)
    file = Path(scores) / f"{detector}{JOINED}"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as results:
        for document in documents(_texts(corpus, per_group, per_group_held_out)):
            windows = document.pop("windows")
            found = {**document, "precision": precision, "paired": True, **_read(loaded, windows)}
            results.write(json.dumps(found, default=float) + "\n")
            results.flush()


def _texts(corpus: str, per_group: int, per_group_held_out: int) -> pd.DataFrame:
    """Texts of the test split, and those by people that are never trained on."""
    folder = Path(corpus).parent
    rows = samples.corpus(corpus, per_group, per_group_held_out)
    frames = [
        rows[(rows["split"] == "test") & rows["prose"]],
        samples.people(str(folder / "people_check.parquet"), 400),
        samples.human_prose(folder.parent / "lm_corpus", 120),
    ]
    return pd.concat(frames, ignore_index=True)


def documents(texts: pd.DataFrame) -> list[dict[str, Any]]:
    """Texts of one source and class, joined to documents of each size, in a stable random order.

    A document by people comes a second time with neighbouring windows replaced by a model's.
    """
    found = list(_documents(texts))
    return [found[place] for place in stable_order(pd.Series([one["id"] for one in found]))]


def _documents(texts: pd.DataFrame) -> Iterator[dict[str, Any]]:
    by_models = texts.loc[texts["generated"] == 1, "text"].tolist()
    n_hosts = 0
    for (source, generated), group in texts.groupby(["source", "generated"]):
        for size in SIZES:
            for number in range(len(group) // size):
                windows = group["text"].iloc[number * size : (number + 1) * size].tolist()
                document = {"kind": source, "generated": generated, "length": size}
                name = f"{source}-{size}-{number}"
                writer = MODELS if generated else PEOPLE
                yield {**document, "id": f"{writer}-{name}", "writer": writer, "windows": windows}
                if not generated:
                    mixed = _with_passage(windows, by_models, n_hosts)
                    n_hosts += 1
                    yield {**document, "id": f"{BOTH}-{name}", "writer": BOTH, "windows": mixed}


def _with_passage(windows: list[str], by_models: list[str], number: int) -> list[str]:
    """Windows of which some neighbours are a model's, others and elsewhere for each number."""
    n_replaced = round(INSERTED * len(windows))
    # multiples of the golden ratio are spread evenly
    first = int(number * 0.618034 % 1 * (len(by_models) - n_replaced))
    place = int(number * 0.381966 % 1 * (len(windows) - n_replaced + 1))
    passage = by_models[first : first + n_replaced]
    return [*windows[:place], *passage, *windows[place + n_replaced :]]


def _read(detector: TextDetector, windows: list[str]) -> dict[str, Any]:
    text = "\n\n".join(windows)
    sample = WindowSample(text, windows)
    settled = None
    while settled is None and sample.has_next:
        sample.add(detector.read_documents(sample.next_look()))
        settled = sample.settled_assessment(detector)
    joined = [join_documents(detector.read_documents(windows))]
    features = detector.compute_features(joined)
    (whole,) = detector.assess_documents([text], joined, features)
    return {"sampled": values(detector, settled or whole), "whole": values(detector, whole)}


if __name__ == "__main__":
    fire.Fire(main)
