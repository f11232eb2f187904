"""Crops of human prose from `*.txt.zst` files, whose documents end with `<|endoftext|>`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import zstandard

from perplexity_detector.sampling.balance import stable_order
from perplexity_detector.text import canonicalise, crop, sentence_spans, words

SEPARATOR = "<|endoftext|>"
#: Characters that a crop is taken from: about 1,000 words.
STRETCH = 6000


def prose(folder: str | Path, per_source: int, max_words: int = 200, seed: int = 0) -> pd.DataFrame:
    """Crops of whole sentences that do not overlap, in a stable random order.

    Args:
        folder: has one file per source.
        per_source: crops of each source.
        max_words: most words of a crop; the fewest are half of it.
        seed: of the order.

    Returns:
        Columns id, source, text (canonical), generated (0), prompt_id (the document).
    """
    frames = []
    for file in sorted(Path(folder).glob("*.txt.zst")):
        source = file.name.removesuffix(".txt.zst")
        stretches = pd.DataFrame(_stretches(file), columns=["prompt_id", "stretch", "text"])
        stretches["id"] = source + "-" + stretches["prompt_id"].astype(str) + "-" + (
            stretches["stretch"].astype(str)
        )  # fmt: skip
        kept: list[dict[str, object]] = []
        for row in stretches.iloc[stable_order(stretches["id"], seed)].itertuples():
            text = cut(str(row.text), max_words, inside=int(str(row.stretch)) > 0)
            if text is not None:
                prompt = f"{source}-{row.prompt_id}"
                kept.append({"id": row.id, "source": source, "text": text, "prompt_id": prompt})
            if len(kept) == per_source:
                break
        frames.append(pd.DataFrame(kept))
    return pd.concat(frames, ignore_index=True).assign(generated=0)


def cut(text: str, max_words: int, inside: bool) -> str | None:
    """The first whole sentences of a stretch; None if too short or mostly figures.

    Args:
        text: the stretch.
        max_words: most words; the fewest are half of it.
        inside: whether the stretch begins inside a sentence, which is dropped.
    """
    plain = canonicalise(text)
    spans = sentence_spans(plain)
    if inside and len(spans) > 1:
        plain = plain[spans[1][0] :]
    cropped = crop(plain, max_words)
    figures = sum(character.isdigit() for character in cropped)
    fits = max_words / 2 <= len(words(cropped)) <= max_words and figures < 0.05 * len(cropped)
    return cropped if fits else None


def _stretches(file: Path) -> Iterator[tuple[int, int, str]]:
    """Number of a document, offset, and up to `STRETCH` characters, for 3,000 documents."""
    with file.open("rb") as packed:
        content = io.TextIOWrapper(
            zstandard.ZstdDecompressor().stream_reader(packed), encoding="utf-8"
        ).read()
    documents = content.split(SEPARATOR)
    chosen = np.random.default_rng(0).permutation(len(documents))[:3000]
    for number in sorted(chosen.tolist()):
        document = documents[number].strip()
        for start in range(0, max(1, min(len(document) - STRETCH, 60 * STRETCH)), STRETCH):
            yield number, start, document[start : start + STRETCH]
