"""Long documents: by people, by models, and by people with a passage by a model in them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pandas as pd
import zstandard

from benchmarks.quality.prose import SEPARATOR
from perplexity_detector.io.datasets import read_all
from perplexity_detector.sampling.balance import stable_order
from perplexity_detector.text import canonicalise, crop, sentence_spans, words

#: Words of the documents.
LENGTHS = (2500, 5000, 10_000, 50_000)
#: Documents of each class and length that are read whole, too.
PAIRED = {2500: 24, 5000: 12, 10_000: 4, 50_000: 1}
#: Further documents by people of each length, of which a sample is read alone.
FURTHER = {2500: 60, 5000: 60, 10_000: 30, 50_000: 5}
#: Further documents of each length by people, in which a passage by a model is inserted.
MIXED = {2500: 12, 5000: 8, 10_000: 2, 50_000: 0}
#: Words of that passage, as a share of the document's.
INSERTED = 0.1
PEOPLE, MODELS, BOTH = "people", "models", "both"
#: Words before an excerpt, which are a title page or a preface.
SKIPPED = 1000


def long_documents(corpus: str | Path, prose: str | Path) -> pd.DataFrame:
    """The documents, first those that are read both ways, in a stable pseudo-random order.

    Args:
        corpus: labelled texts; those of the test split are joined, by source and model. Texts by
            people in `people_check.parquet` next to it are joined, too.
        prose: folder of `*.txt.zst`; long documents in them give excerpts.

    Returns:
        Columns id, kind, generated, writer (`PEOPLE`, `MODELS` or `BOTH`), length, text, and
        `paired`, whether it is read whole, too.
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
        writer = MODELS if generated else PEOPLE
        chosen = chosen.assign(paired=chosen.index < paired, writer=writer)
        frames.append(chosen.drop(columns="turn"))
    found = pd.concat([*frames, *_mixed(pd.concat(frames))], ignore_index=True)
    found = found.iloc[stable_order(found["id"], seed=1)]
    longest = found["length"] == LENGTHS[-1]  # takes longest, and comes last
    order = found.assign(turn=~found["paired"] + 0.5 * longest).sort_values("turn", kind="stable")
    return order.drop(columns="turn").reset_index(drop=True)


def _mixed(found: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Documents by people with a passage by a model in each."""
    for length, part in found.groupby("length"):
        words_asked = int(str(length))
        passages = part.loc[part["generated"] == 1, "text"].tolist()
        hosts = part[part["generated"] == 0].tail(MIXED[words_asked] if passages else 0)
        texts = [
            insert(host, crop(canonicalise(passage), int(INSERTED * words_asked)), number)
            for number, (host, passage) in enumerate(
                zip(hosts["text"], cycle(passages), strict=False)
            )
        ]
        ids = [f"{one}-with-passage" for one in hosts["id"]]
        yield hosts.assign(id=ids, text=texts, writer=BOTH, paired=True)


def insert(host: str, passage: str, number: int) -> str:
    """A text with a passage between two of its sentences, at another place for each number."""
    plain = canonicalise(host)
    starts = [start for start, _ in sentence_spans(plain)]
    # multiples of the golden ratio are spread evenly
    place = starts[int((number * 0.618034) % 1 * len(starts))]
    return f"{plain[:place]}{passage} {plain[place:]}"


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
