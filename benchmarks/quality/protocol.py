"""Which texts each fold trains on, and which held-out texts it is tested on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Sources that share human originals; they are held out together.
RELATED_SOURCES = (
    "fast_detect_gpt",
    "fast_detect_gpt_base",
    "glimpse",
    "lastde",
    "imbd",
    "adadetectgpt",
)
#: Sources of generated text only, by models that are in use today.
CURRENT_MODELS = ("frontier_debate", "frontier_persuasion", "frontier_stories")
#: Domains of one genre; `mixed` ones belong to none.
GENRES = {
    "essays": ("essay", "essay_student", "essay_learner", "essay_academic"),
    "arguments": ("argument",),
    "news": ("news",),
    "stories": ("story",),
    "reviews": ("review",),
    "abstracts": ("abstract",),
    "posts and answers": ("blog_reddit", "qa_reddit", "qa_medical"),
    "encyclopaedia": ("wiki",),
}
#: Genre that supplies the class which a genre lacks.
_OTHER_CLASS_FROM = {"arguments": "essays"}
#: Models of one maker or kind; the first pattern that fits counts.
GENERATORS = {
    "GPT-3 and before": r"davinci|curie|babbage|\bada$|gpt2",
    "GPT-4 and after": r"gpt-?4|gpt-oss",
    "ChatGPT": r"gpt-3\.5|chatgpt",
    "Claude": r"claude",
    "Gemini, Gemma, PaLM": r"gemini|gemma|palm",
    "Llama": r"llama",
    "Mistral": r"mistral|ministral",
    "Qwen, DeepSeek, GLM, Kimi": r"qwen|qwq|deepseek|glm|kimi",
    "open base models": r"opt|neo|gpt-?j|bloom|falcon|flan|phi|smollm",
}


@dataclass(frozen=True)
class Fold:
    """One split into training and test texts.

    Attributes:
        kind: source, generator, genre or current, after what is held out; none for the test split.
        name: of what is held out.
        train: rows that may be trained on, bool of shape (n,).
        test: rows that metrics are computed on, bool of shape (n,).
        held_out: the test rows that were held out. The others are of the test split, and supply
            the class that the held-out texts lack.
    """

    kind: str
    name: str
    train: np.ndarray
    test: np.ndarray
    held_out: np.ndarray


def folds(rows: pd.DataFrame) -> Iterator[Fold]:
    """Every fold of the protocol.

    Held-out texts are tested whatever their split, except those outside the calibration mask.
    Texts that were made from texts of a source have it as their origin, and are held out with it.

    Args:
        rows: columns source, origin, domain, generator, generated, split and calibration_mask.
    """
    nothing = np.zeros(len(rows), bool)
    source, generator = rows["origin"], rows["generator"].astype(str)
    yield _fold(rows, "none", "test split", nothing)
    yield _fold(
        rows, "source", "Fast-DetectGPT and related", source.isin(RELATED_SOURCES).to_numpy()
    )
    for name in sorted(set(source) - set(RELATED_SOURCES)):
        yield _fold(rows, "source", name, (source == name).to_numpy())
    family = generator.map(generator_family)
    # an unnamed model may be of any maker, a mixed domain may hold any genre
    unnamed = ((family == "") & (rows["generated"] == 1)).to_numpy()
    mixed = (rows["domain"].map(genre_of) == "").to_numpy()
    for name in GENERATORS:
        yield _fold(rows, "generator", name, (family == name).to_numpy(), unnamed)
    for name, domains in GENRES.items():
        yield _fold(rows, "genre", name, rows["domain"].isin(domains).to_numpy(), mixed)
    yield _fold(rows, "current", "frontier models", source.isin(CURRENT_MODELS).to_numpy())


def generator_family(name: str) -> str:
    """Maker or kind of a model by its name; empty for human texts and unnamed models."""
    fits = (family for family, pattern in GENERATORS.items() if re.search(pattern, name.lower()))
    return "" if name == "human" or "unnamed" in name else next(fits, "")


def genre_of(domain: str) -> str:
    """The genre of a domain; empty if it has none."""
    return next((genre for genre, domains in GENRES.items() if domain in domains), "")


def _fold(
    rows: pd.DataFrame,
    kind: str,
    name: str,
    held_out: np.ndarray,
    ambiguous: np.ndarray | None = None,
) -> Fold:
    """A fold that holds rows out; ambiguous rows are neither trained on nor tested."""
    in_test_split = (rows["split"] == "test").to_numpy()
    train = ~held_out & ~in_test_split
    if ambiguous is not None:
        train &= ~ambiguous
    if kind == "none":
        return Fold(kind, name, train, in_test_split, in_test_split)
    held_out = held_out & rows["calibration_mask"].to_numpy(bool)
    test = held_out.copy()
    labels = rows["generated"].to_numpy()
    for label in {0, 1} - set(labels[held_out]):
        # only one class is held out: the other comes from the same genres, from training sources
        genres = {genre_of(domain) for domain in rows["domain"][held_out]}
        genres |= {_OTHER_CLASS_FROM.get(genre, genre) for genre in genres}
        same_genre = rows["domain"].map(genre_of).isin(genres - {""}).to_numpy()
        other = in_test_split & ~held_out & (labels == label)
        test |= other & same_genre if (other & same_genre).any() else other
    return Fold(kind, name, train, test, held_out)
