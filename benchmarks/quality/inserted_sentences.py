"""Essays by people into which sentences of a model were inserted."""

from __future__ import annotations

import random
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.quality.samples import ESSAYS, MAX_WORDS
from perplexity_detector.io.datasets import read_all
from perplexity_detector.sampling.balance import balanced_sample, stable_order
from perplexity_detector.text import canonicalise, crop, sentence_spans, words

#: Essays by models where the source of the essay by a person has none.
BESIDE = "argugpt"
#: Sentences that a host must have, and one inserted for so many of its own.
LEAST_SENTENCES, HOST_SENTENCES = 6, 4
#: Words that an inserted sentence must have.
LEAST_WORDS = 5
WAYS = ("passage", "scattered")


class Mixed(NamedTuple):
    """An essay by a person with a model's sentences.

    Attributes:
        host: id of the essay.
        donor: id of the text by a model.
        way: `passage`, all at one place, or `scattered`, each at another.
        text: canonical.
        inserted: whether each of its sentences is the model's, bool of shape (sentences,).
    """

    host: str
    donor: str
    way: str
    text: str
    inserted: np.ndarray


def mixed_essays(dataset: str, essays: int, seed: int = 0) -> list[Mixed]:
    """Essays of the test split, each mixed in both ways, from a corpus as `samples` reads it.

    The model's sentences follow one another in a text that answers the same prompt, or, where
    there is none, one of the same source, or of `BESIDE`.
    """
    frame = read_all(dataset, label=True)
    frame = frame[(frame["split"] == "test") & frame["source"].isin([*ESSAYS, BESIDE])]
    people = frame[frame["generated"] == 0]
    models = frame[(frame["generated"] == 1) & (frame["attack"] == "none")]
    found = []
    # more than are wanted, for some are too short
    for row in balanced_sample(people, essays, seed).itertuples():
        host = _sentences(str(row.text), MAX_WORDS)
        donor = _donor(models, row, seed)
        taken = _run(donor, max(2, round(len(host) / HOST_SENTENCES)), random.Random(f"{row.id}"))
        if len(host) >= LEAST_SENTENCES and taken:
            found.append((row, donor["id"], host, taken))
    chosen = pd.DataFrame({"id": [row.id for row, *_ in found], "source": [
        row.source for row, *_ in found]})  # fmt: skip
    turn = chosen.groupby("source").cumcount()
    order = np.lexsort((stable_order(chosen["id"], seed), turn))[:essays]
    mixed = []
    for place in order:
        row, donor_id, host, taken = found[place]
        for way in WAYS:
            text, inserted = _insert(host, taken, way, random.Random(f"{row.id} {way} {seed}"))
            if inserted.any() and not inserted.all():
                mixed.append(Mixed(str(row.id), str(donor_id), way, text, inserted))
    return mixed


def _sentences(text: str, most_words: int) -> list[str]:
    cut = crop(canonicalise(text), most_words)
    return [cut[start:end] for start, end in sentence_spans(cut)]


def _donor(models: pd.DataFrame, host: object, seed: int) -> pd.Series:
    prompt, source = getattr(host, "prompt_id", None), getattr(host, "source", None)
    for same in (
        (models["prompt_id"] == prompt) & bool(prompt),
        models["source"] == source,
        models["source"] == BESIDE,
    ):
        if same.any():
            alike = models[same].sort_values("id")
            drawn = random.Random(f"{getattr(host, 'id', '')} {seed}").randrange(len(alike))
            return alike.iloc[drawn]
    raise ValueError(f"no essay by a model beside {source}")


def _run(donor: pd.Series, count: int, draw: random.Random) -> list[str]:
    """So many consecutive sentences that are long enough; none if the text has no such run."""
    sentences = _sentences(str(donor["text"]), 10 * MAX_WORDS)
    long = [len(words(sentence)) >= LEAST_WORDS for sentence in sentences]
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
    """The mixed text, and which of its sentences were inserted."""
    if way == "passage":
        places = [draw.randrange(1, len(host))] * len(taken)
    else:
        places = sorted(draw.sample(range(1, len(host)), min(len(taken), len(host) - 1)))
    pieces: list[tuple[str, bool]] = []
    for place, sentence in enumerate(host):
        pieces += [(one, True) for one, at in zip(taken, places, strict=False) if at == place]
        pieces.append((sentence, False))
    text = " ".join(piece for piece, _ in pieces)
    by_model = np.concatenate([np.full(len(piece) + 1, of) for piece, of in pieces])
    spans = sentence_spans(text)
    return text, np.array([by_model[start:end].mean() > 0.5 for start, end in spans])
