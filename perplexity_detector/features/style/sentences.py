"""Length, openings and capitals of sentences, and the passive voice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from perplexity_detector.features.series import mean, per_hundred
from perplexity_detector.features.style.function_words import (
    GROUPS,
    connective_at,
    undo_contraction,
    word_list,
)

#: How many sentences back a repeated opening may be.
OPENING_REACH = 3

_PERSONS = ("first_person_singular", "first_person_plural", "second_person", "third_person")
_PRONOUNS = frozenset().union(*(GROUPS[name] for name in _PERSONS))
_BE = frozenset(word_list("am is are was were be been being"))
_PARTICIPLE = re.compile(
    r"\w{2,}ed|(?:brok|chos|driv|eat|fall|forgott|giv|hidd|prov|ris|se|shak|spok|tak|writt)en|"
    r"built|done|found|held|kept|known|led|left|lost|made|paid|put|seen|sent|shown|told|taught"
)

LABELS = {
    "sentence_length": "average sentence length",
    "sentence_length_longest": "length of the longest sentence",
    "short_sentences": "share of sentences of fewer than nine words",
    "long_sentences": "share of sentences of more than thirty words",
    "opens_with_connective": "share of sentences that open with a connective",
    "opens_with_coordinator": "share of sentences that open with and, but or so",
    "opens_with_pronoun": "share of sentences that open with a personal pronoun",
    "opens_with_article": "share of sentences that open with an article",
    "opens_in_lower_case": "share of sentences that open without a capital",
    "repeated_openings": "share of sentences that open like one just before",
    "capitals_within": "share of capitalised words inside sentences",
    "passives": "use of the passive voice",
}


def sentence_shape(sentences: Sequence[Sequence[str]]) -> dict[str, float]:
    """Length, openings and capitals of sentences; all 0 without sentences.

    - `sentence_length`, `sentence_length_longest`: mean and maximum, in words. The maximum
      widens slowly with the number of sentences. The standard deviation is in the family
      `burstiness`.
    - `short_sentences`, `long_sentences`: share of sentences of fewer than 9 and of more than 30
      words.
    - `opens_*`: share of sentences whose first word is of that kind; `opens_with_connective`
      includes connectives of several words.
    - `repeated_openings`: share of sentences whose first word opened one of the three before.
    - `capitals_within`: share of words, except the first of a sentence, that start with a
      capital, other than "I" and its contractions.
    - `passives`: forms of "be" before a participle (any word in -ed, and common irregular
      ones), per 100 words, from 0.

    Shares are in [0, 1].

    Args:
        sentences: words of each sentence, as written; each has at least one.
    """
    lower = [[word.lower() for word in sentence] for sentence in sentences]
    lengths = np.array([len(sentence) for sentence in sentences], np.float64)
    openings = [sentence[0] for sentence in lower]
    heads = [undo_contraction(opening)[0] for opening in openings]
    within = [word for sentence in sentences for word in sentence[1:]]
    capitals = sum(word[0].isupper() and word.split("'")[0] != "I" for word in within)
    return {
        "sentence_length": mean(lengths),
        "sentence_length_longest": float(lengths.max(initial=0.0)),
        "short_sentences": mean(lengths < 9),
        "long_sentences": mean(lengths > 30),
        "opens_with_connective": _share(connective_at(words, 0) is not None for words in lower),
        "opens_with_coordinator": _share(word in ("and", "but", "so") for word in heads),
        "opens_with_pronoun": _share(word in _PRONOUNS for word in heads),
        "opens_with_article": _share(word in GROUPS["articles"] for word in heads),
        "opens_in_lower_case": _share(words[0][0].islower() for words in sentences),
        "repeated_openings": _share(
            word in openings[max(0, index - OPENING_REACH) : index]
            for index, word in enumerate(openings)
        ),
        "capitals_within": capitals / max(1, len(within)),
        "passives": per_hundred(sum(map(passives, lower)), int(lengths.sum())),
    }


def passives(words: Sequence[str]) -> int:
    """Count forms of "be" directly before a participle, in lower-case words.

    Example:
        >>> passives("it was eaten and they were tired of being told".split())
        3
    """
    return sum(
        first in _BE and _PARTICIPLE.fullmatch(second) is not None
        for first, second in pairwise(words)
    )


def _share(flags: Iterable[bool]) -> float:
    """Share of true values; 0 without values."""
    return mean(np.array(list(flags), bool))
