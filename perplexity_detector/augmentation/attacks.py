"""Disguises of a text that need no model, as in RAID: from look-alike letters to synonyms."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import NamedTuple, TypeVar

from perplexity_detector.augmentation.word_tables import (
    HOMOGLYPHS,
    MISSPELLINGS,
    SPELLINGS,
    SYNONYMS,
)
from perplexity_detector.errors import InputError
from perplexity_detector.text import sentence_spans

#: A text and a source of chance -> the text disguised.
Attack = Callable[[str, Random], str]
_T = TypeVar("_T")

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ARTICLE = re.compile(r"(?<![\w'’-])(?:a|an|the) +(?=([^\W\d_]))", re.I)
_NUMBER = re.compile(r"[0-9]+")
_INDEFINITE = re.compile(r"(?<![\w'’-])an? +$", re.I)
_SOUNDS_LIKE_YOU = re.compile(r"us[aeu]|uti|uni(?![nm])|unan|eu|ubiq|onc?e\b", re.I)
_SILENT_H = re.compile(r"(?:hour|hono|honest|heir)", re.I)


# --- what attacks are made of ---------------------------------------------------------------


class Edit(NamedTuple):
    """A span of a text, in characters, and what takes its place."""

    start: int
    stop: int
    new: str


def seeded_random(*parts: object) -> Random:
    """A source of chance that depends on nothing but what it is given, on any machine."""
    key = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return Random(int.from_bytes(hashlib.sha256(key).digest(), "big"))


def sample_fraction(candidates: Sequence[_T], share: float, random: Random) -> list[_T]:
    """A share of the candidates, at least one if there are any, in their order."""
    count = min(len(candidates), max(1, round(share * len(candidates))))
    return [candidates[place] for place in sorted(random.sample(range(len(candidates)), count))]


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text after edits that are in order; one that overlaps an earlier one is left out."""
    parts = []
    done = 0
    for start, stop, new in edits:
        if start >= done:
            parts += [text[done:start], new]
            done = stop
    return "".join(parts) + text[done:]


def words_with_places(text: str) -> list[tuple[int, str]]:
    """Where each word starts, and the word: letters with inner apostrophes."""
    return [(match.start(), match.group()) for match in _WORD.finditer(text)]


def match_case(model: str, word: str) -> str:
    """A word with the capitals of another.

    Example:
        >>> match_case("Big", "large"), match_case("BIG", "large"), match_case("big", "large")
        ('Large', 'LARGE', 'large')
    """
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def replacement(text: str, start: int, word: str, new: str) -> Edit:
    """The edit that puts a new word in the place of an old, in its case, with a or an to fit.

    Example:
        >>> text = "It is a big idea."
        >>> apply_edits(text, [replacement(text, 8, "big", "enormous")])
        'It is an enormous idea.'
    """
    stop = start + len(word)
    article = _INDEFINITE.search(text, max(0, start - 4), start)
    if article is None or takes_an(word) == takes_an(new):
        return Edit(start, stop, match_case(word, new))
    fitting = text[article.start()] + ("n " if takes_an(new) else " ")
    return Edit(article.start(), stop, fitting + match_case(word, new))


def takes_an(word: str) -> bool:
    """Whether the article before a word is "an".

    Example:
        >>> [word for word in ["apple", "useful", "hour", "unit", "uncle"] if takes_an(word)]
        ['apple', 'hour', 'uncle']
    """
    if _SILENT_H.match(word):
        return True
    return word[:1].lower() in set("aeiou") and not _SOUNDS_LIKE_YOU.match(word)


def _with_other_words(
    text: str, table: Mapping[str, Sequence[str]], share: float, random: Random
) -> str:
    known = [(start, word) for start, word in words_with_places(text) if word.lower() in table]
    return apply_edits(
        text,
        [
            replacement(text, start, word, random.choice(table[word.lower()]))
            for start, word in sample_fraction(known, share, random)
        ],
    )


# --- characters -----------------------------------------------------------------------------


def homoglyphs(text: str, random: Random) -> str:
    """Every Latin letter that has a look-alike in Cyrillic or Greek is replaced (RAID: 100 %)."""
    return "".join(
        random.choice(HOMOGLYPHS[letter]) if letter in HOMOGLYPHS else letter for letter in text
    )


def zero_width_spaces(text: str, random: Random) -> str:
    """A zero-width space follows every character (RAID: 100 %)."""
    del random  # nothing is left to chance
    return "".join(character + "\u200b" for character in text)


def extra_spaces(text: str, random: Random) -> str:
    """20 % of the spaces are doubled (RAID)."""
    spaces = [place for place, character in enumerate(text) if character == " "]
    return apply_edits(
        text, [Edit(place, place, " ") for place in sample_fraction(spaces, 0.2, random)]
    )


def upper_lower(text: str, random: Random) -> str:
    """The first letter of 5 % of the words changes its case (RAID)."""
    starts = [start for start, word in words_with_places(text) if _has_two_cases(word[0])]
    return _with_case_flipped(text, sample_fraction(starts, 0.05, random))


def case_flips(text: str, random: Random) -> str:
    """5 % of the letters, wherever in a word, change their case (harsher than RAID's)."""
    letters = [place for place, character in enumerate(text) if _has_two_cases(character)]
    return _with_case_flipped(text, sample_fraction(letters, 0.05, random))


def _has_two_cases(letter: str) -> bool:
    return letter.swapcase() != letter and len(letter.swapcase()) == 1


def _with_case_flipped(text: str, places: Sequence[int]) -> str:
    return apply_edits(text, [Edit(place, place + 1, text[place].swapcase()) for place in places])


# --- words ----------------------------------------------------------------------------------


def article_deletions(text: str) -> list[Edit]:
    """The edits that delete each a, an and the; the next word takes over their capital."""
    return [
        Edit(
            match.start(),
            match.end() + 1,
            match_case(match.group()[0], match[1]) if len(match[1].upper()) == 1 else match[1],
        )
        for match in _ARTICLE.finditer(text)
    ]


def article_deletion(text: str, random: Random) -> str:
    """50 % of the articles are deleted (RAID)."""
    return apply_edits(text, sample_fraction(article_deletions(text), 0.5, random))


def number_swap(text: str, random: Random) -> str:
    """In 50 % of the numbers every digit becomes another (RAID)."""
    numbers = sample_fraction(list(_NUMBER.finditer(text)), 0.5, random)
    return apply_edits(
        text, [Edit(*number.span(), _other_number(number.group(), random)) for number in numbers]
    )


def _other_number(number: str, random: Random) -> str:
    """As many digits, each another, the first not 0 unless it stands alone."""
    others = []
    for place, digit in enumerate(number):
        fit = string.digits[1:] if place == 0 and len(number) > 1 else string.digits
        others.append(random.choice(fit.replace(digit, "")))
    return "".join(others)


def alternative_spelling(text: str, random: Random) -> str:
    """Every word with an American and a British spelling gets the other one (RAID: 100 %)."""
    return _with_other_words(text, SPELLINGS, 1.0, random)


def misspelling(text: str, random: Random) -> str:
    """20 % of the words that are often misspelled are so (RAID)."""
    return _with_other_words(text, MISSPELLINGS, 0.2, random)


def synonym(text: str, random: Random) -> str:
    """50 % of the words of a table get a near synonym (RAID's share; RAID's are a model's)."""
    return _with_other_words(text, SYNONYMS, 0.5, random)


# --- sentences ------------------------------------------------------------------------------


def insert_paragraphs(text: str, random: Random) -> str:
    """Between 50 % of the sentences a paragraph ends (RAID)."""
    gaps = [(before[1], after[0]) for before, after in pairwise(sentence_spans(text))]
    within = [gap for gap in gaps if "\n" not in text[slice(*gap)]]
    return apply_edits(text, [Edit(*gap, "\n\n") for gap in sample_fraction(within, 0.5, random)])


def shuffle_sentences(text: str, random: Random) -> str:
    """50 % of the sentences, at least two, change places (not in RAID)."""
    spans = sentence_spans(text)
    if len(spans) < 2:
        return text
    count = max(2, round(0.5 * len(spans)))
    moved = random.sample(spans, count)  # each takes the place of the one before it
    takes_place_of = dict(zip(moved, moved[1:] + moved[:1], strict=True))
    edits = [Edit(*span, text[slice(*new)]) for span, new in takes_place_of.items()]
    return apply_edits(text, sorted(edits))


# --- by name --------------------------------------------------------------------------------

#: Name -> attack; those that RAID has under its names, but for `misspelling`.
ATTACKS: dict[str, Attack] = {
    "homoglyph": homoglyphs,
    "zero_width_space": zero_width_spaces,
    "whitespace": extra_spaces,
    "upper_lower": upper_lower,
    "case_flips": case_flips,
    "article_deletion": article_deletion,
    "number": number_swap,
    "alternative_spelling": alternative_spelling,
    "misspelling": misspelling,
    "synonym": synonym,
    "insert_paragraphs": insert_paragraphs,
    "shuffle_sentences": shuffle_sentences,
}


def attack(text: str, name: str, seed: int = 0) -> str:
    """A text disguised by one of RAID's attacks that need no model, or one of their kind.

    Source: Dugan et al. 2024, "RAID: A Shared Benchmark for Robust Evaluation of
    Machine-Generated Text Detectors", whose shares of candidates are kept.

    Args:
        text: any string.
        name: one of `ATTACKS`.
        seed: another seed, other candidates; the same one gives the same text everywhere.

    Returns:
        The text itself if there is nothing to change.

    Raises:
        InputError: there is no attack of that name.

    Example:
        >>> attack("The centre of the city", "alternative_spelling")
        'The center of the city'
    """
    if name not in ATTACKS:
        raise InputError(f'There is no attack "{name}"; choose one of {", ".join(ATTACKS)}.')
    return ATTACKS[name](text, seeded_random(seed, name, text))
