"""Texts by people with generated sentences inserted."""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.quality.samples import ESSAYS, MAX_WORDS
from perplexity_detector.io.datasets import read_all
from perplexity_detector.sampling.balance import balanced_sample, stable_order
from perplexity_detector.text import canonicalise, crop, sentence_spans, words

#: Source of generated essays where the human essay's source has none.
FALLBACK_SOURCE = "argugpt"
#: Fewest sentences of a host, and its sentences for each inserted one.
MIN_SENTENCES, HOST_SENTENCES = 6, 4
#: Fewest words of an inserted sentence.
MIN_WORDS = 5
WAYS = ("passage", "scattered")


class Mixed(NamedTuple):
    """A text by a person with generated sentences.

    Attributes:
        host: id of the text.
        source: of the text.
        donor: id of the generated text.
        way: `passage`, all in one place, or `scattered`, each in another.
        text: canonical.
        inserted: which of its sentences are generated, bool of shape (sentences,).
    """

    host: str
    source: str
    donor: str
    way: str
    text: str
    inserted: np.ndarray


def mixed_texts(
    dataset: str, texts: int, seed: int = 0, sources: Collection[str] | None = ESSAYS
) -> list[Mixed]:
    """Texts by people of the test split, each mixed in both ways.

    The inserted sentences are consecutive in a generated text on the same prompt; where there is
    none, in one of the same source or else the same domain, or of `FALLBACK_SOURCE`.

    Args:
        dataset: the corpus, as `samples` reads it.
        texts: number of human texts.
        seed: of the sample.
        sources: of the human texts; all if None.
    """
    frame = read_all(dataset, label=True)
    frame = frame[frame["split"] == "test"]
    if sources is not None:
        frame = frame[frame["source"].isin([*sources, FALLBACK_SOURCE])]
    human = frame[frame["generated"] == 0]
    generated = frame[(frame["generated"] == 1) & (frame["attack"] == "none")]
    found = []
    # more than needed, because some are too short
    for row in balanced_sample(human, texts, seed).itertuples():
        host = _sentences(str(row.text), MAX_WORDS)
        donor = _donor(generated, row, seed)
        taken = _consecutive(
            donor, max(2, round(len(host) / HOST_SENTENCES)), random.Random(f"{row.id}")
        )
        if len(host) >= MIN_SENTENCES and taken:
            found.append((row, donor["id"], host, taken))
    chosen = pd.DataFrame({"id": [row.id for row, *_ in found], "source": [
        row.source for row, *_ in found]})  # fmt: skip
    rank = chosen.groupby("source").cumcount()
    order = np.lexsort((stable_order(chosen["id"], seed), rank))[:texts]
    mixed = []
    for number in order:
        row, donor_id, host, taken = found[number]
        for way in WAYS:
            text, inserted = _insert(host, taken, way, random.Random(f"{row.id} {way} {seed}"))
            if inserted.any() and not inserted.all():
                mixed.append(
                    Mixed(str(row.id), str(row.source), str(donor_id), way, text, inserted)
                )
    return mixed


def _sentences(text: str, max_words: int) -> list[str]:
    cut = crop(canonicalise(text), max_words)
    return [cut[start:end] for start, end in sentence_spans(cut)]


def _donor(generated: pd.DataFrame, host: object, seed: int) -> pd.Series:
    prompt, source = getattr(host, "prompt_id", None), getattr(host, "source", None)
    for same in (
        (generated["prompt_id"] == prompt) & bool(prompt),
        generated["source"] == source,
        generated["domain"] == getattr(host, "domain", None),
        generated["source"] == FALLBACK_SOURCE,
    ):
        if same.any():
            candidates = generated[same].sort_values("id")
            drawn = random.Random(f"{getattr(host, 'id', '')} {seed}").randrange(len(candidates))
            return candidates.iloc[drawn]
    raise ValueError(f"no generated essay for source {source}")


def _consecutive(donor: pd.Series, count: int, draw: random.Random) -> list[str]:
    """Some consecutive sentences that are all long enough; none if the text has no such run."""
    sentences = _sentences(str(donor["text"]), 10 * MAX_WORDS)
    long = [len(words(sentence)) >= MIN_WORDS for sentence in sentences]
    starts = [
        start for start in range(len(sentences) - count + 1) if all(long[start : start + count])
    ]
    if not starts:
        return []
    start = draw.choice(starts)
    return sentences[start : start + count]


def _insert(
    host: list[str], taken: list[str], way: str, draw: random.Random
) -> tuple[str, np.ndarray]:
    """The mixed text, and which of its sentences are inserted."""
    if way == "passage":
        positions = [draw.randrange(1, len(host))] * len(taken)
    else:
        positions = sorted(draw.sample(range(1, len(host)), min(len(taken), len(host) - 1)))
    pieces: list[tuple[str, bool]] = []
    for number, sentence in enumerate(host):
        pieces += [(one, True) for one, at in zip(taken, positions, strict=False) if at == number]
        pieces.append((sentence, False))
    text = " ".join(piece for piece, _ in pieces)
    by_model = np.concatenate([np.full(len(piece) + 1, of) for piece, of in pieces])
    spans = sentence_spans(text)
    return text, np.array([by_model[start:end].mean() > 0.5 for start, end in spans])
