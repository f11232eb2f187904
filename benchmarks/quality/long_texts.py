"""Long documents: excerpts of people's long ones, and texts of one source joined to one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import zstandard

from benchmarks.quality.prose import SEPARATOR
from perplexity_detector.io.datasets import read_all
from perplexity_detector.sampling.balance import stable_order
from perplexity_detector.text import words

#: Words of the documents.
LENGTHS = (2500, 5000, 10_000, 50_000)
#: Documents of each class and length that are read whole, too.
PAIRED = {2500: 60, 5000: 40, 10_000: 12, 50_000: 2}
#: Further documents by people of each length, of which a sample is read alone.
FURTHER = {2500: 100, 5000: 100, 10_000: 40, 50_000: 5}
#: Words before an excerpt, which are a title page or a preface.
SKIPPED = 1000


def long_documents(corpus: str | Path, prose: str | Path) -> pd.DataFrame:
    """The documents, in an order in which each part is like the whole.

    Args:
        corpus: labelled texts; those of the test split are joined, by source and model. Texts by
            people in `people_check.parquet` next to it are joined, too.
        prose: folder of `*.txt.zst`; long documents in them give excerpts.

    Returns:
        Columns id, kind, generated, length, text, and `paired`, whether it is read whole, too.
    """
    frames = []
    sources = [*_excerpts(Path(prose)), *_joined(Path(corpus))]
    candidates = pd.DataFrame(sources, columns=["kind", "number", "generated", "length", "text"])
    candidates["id"] = [
        f"{one.kind}-{one.number}-{one.length}" for one in candidates.itertuples(index=False)
    ]
    candidates = candidates.iloc[stable_order(candidates["id"])]
    for (generated, length), part in candidates.groupby(["generated", "length"]):
        # the kinds take turns
        turns = part.assign(turn=part.groupby("kind").cumcount()).sort_values("turn", kind="stable")
        words_asked = int(str(length))
        paired, further = PAIRED[words_asked], 0 if generated else FURTHER[words_asked]
        chosen = turns.head(paired + further).reset_index(drop=True)
        frames.append(chosen.assign(paired=chosen.index < paired).drop(columns="turn"))
    found = pd.concat(frames, ignore_index=True)
    return found.iloc[stable_order(found["id"], seed=1)].reset_index(drop=True)


def _excerpts(folder: Path) -> Iterator[tuple[str, int, int, int, str]]:
    """Excerpts of each length of long documents."""
    for file in sorted(folder.glob("*.txt.zst")):
        kind = file.name.removesuffix(".txt.zst")
        with file.open("rb") as packed:
            content = io.TextIOWrapper(
                zstandard.ZstdDecompressor().stream_reader(packed), encoding="utf-8"
            ).read()
        long_ones = [one for one in content.split(SEPARATOR) if len(one) > 4 * LENGTHS[0]]
        for number, document in enumerate(long_ones):
            pieces = document.split(" ")
            for length in LENGTHS:
                skipped = SKIPPED if len(pieces) > length + SKIPPED else 0
                excerpt = " ".join(pieces[skipped : skipped + length])
                if len(words(excerpt)) >= 0.9 * length:
                    yield kind, number, 0, length, excerpt


def _joined(corpus: Path) -> Iterator[tuple[str, int, int, int, str]]:
    """Texts of one source and writer joined to documents of each length."""
    frame = read_all(corpus, label=True)
    parts = [frame[frame["split"] == "test"]]
    judged = corpus.with_name("people_check.parquet")
    if judged.is_file():
        parts.append(read_all(judged, label=True))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.iloc[stable_order(rows["id"])]
    rows["n_words"] = [len(words(text)) for text in rows["text"]]
    for (source, generated, generator), group in rows.groupby(["source", "generated", "generator"]):
        kind = f"{source}, {generator}"
        for length in LENGTHS:
            # a text that crosses the end of a document is its last
            number = (group["n_words"].cumsum() - group["n_words"]) // length
            for index, document in group.groupby(number):
                if document["n_words"].sum() >= 0.9 * length:
                    joined = "\n\n".join(document["text"])
                    yield kind, int(str(index)), int(str(generated)), length, joined
