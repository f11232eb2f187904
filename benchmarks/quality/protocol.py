"""Which texts are kept from training, fold by fold, and which texts a fold is judged on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Sources that go back to the same originals by people are left out together.
KIN = ("fast_detect_gpt", "fast_detect_gpt_base", "glimpse", "lastde", "imbd", "adadetectgpt")
#: Sources by models alone that users meet today.
PRESENT = ("frontier_debate", "frontier_persuasion", "frontier_stories")
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
#: What a genre of one class is told apart from.
_BESIDE = {"arguments": "essays"}
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
    """What one training is kept from, and judged on.

    Attributes:
        kind: source, generator, genre, present or none.
        name: of what is left out.
        trained: rows that may be trained on, bool of shape (n,).
        tested: rows that it is judged on, bool of shape (n,).
        new: of these, rows of what was left out; the others are the test split's, of the class
            that what was left out lacks.
    """

    kind: str
    name: str
    trained: np.ndarray
    tested: np.ndarray
    new: np.ndarray


def folds(rows: pd.DataFrame) -> Iterator[Fold]:
    """Every fold of the protocol.

    Args:
        rows: source, origin, domain, generator, generated, split and genuine of n texts; what is
            left out is judged whole, whatever its split, but for texts that are not genuine.
            Those made from texts of a source have it as their origin, and are left out with it.
    """
    nothing = np.zeros(len(rows), bool)
    source, generator = rows["origin"], rows["generator"].astype(str)
    yield _fold(rows, "none", "test split", nothing)
    yield _fold(rows, "source", "Fast-DetectGPT and kin", source.isin(KIN).to_numpy())
    for name in sorted(set(source) - set(KIN)):
        yield _fold(rows, "source", name, (source == name).to_numpy())
    family = generator.map(generator_family)
    # a model without a name may be of any maker, a mixed domain hold any genre
    unnamed = ((family == "") & (rows["generated"] == 1)).to_numpy()
    mixed = (rows["domain"].map(genre_of) == "").to_numpy()
    for name in GENERATORS:
        yield _fold(rows, "generator", name, (family == name).to_numpy(), unnamed)
    for name, domains in GENRES.items():
        yield _fold(rows, "genre", name, rows["domain"].isin(domains).to_numpy(), mixed)
    yield _fold(rows, "present", "frontier models", source.isin(PRESENT).to_numpy())


def generator_family(name: str) -> str:
    """Maker or kind of a model by its name; empty for people and for models without a name."""
    fits = (family for family, pattern in GENERATORS.items() if re.search(pattern, name.lower()))
    return "" if name == "human" or "unnamed" in name else next(fits, "")


def genre_of(domain: str) -> str:
    """The genre of a domain; empty if it has none."""
    return next((genre for genre, domains in GENRES.items() if domain in domains), "")


def _fold(
    rows: pd.DataFrame,
    kind: str,
    name: str,
    left_out: np.ndarray,
    doubtful: np.ndarray | None = None,
) -> Fold:
    """A fold that leaves rows out; doubtful ones are neither trained on nor judged."""
    test = (rows["split"] == "test").to_numpy()
    trained = ~left_out & ~test
    if doubtful is not None:
        trained &= ~doubtful
    if kind == "none":
        return Fold(kind, name, trained, test, test)
    left_out = left_out & rows["genuine"].to_numpy(bool)
    tested = left_out.copy()
    labels = rows["generated"].to_numpy()
    for label in {0, 1} - set(labels[left_out]):
        # one class alone: the other is of its genres, from sources that were trained on
        genres = {genre_of(domain) for domain in rows["domain"][left_out]}
        genres |= {_BESIDE.get(genre, genre) for genre in genres}
        beside = rows["domain"].map(genre_of).isin(genres - {""}).to_numpy()
        other = test & ~left_out & (labels == label)
        tested |= other & beside if (other & beside).any() else other
    return Fold(kind, name, trained, tested, left_out)
