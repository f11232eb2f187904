"""Attacks on a detector that need no model, as in RAID: from look-alike letters to synonyms."""

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

#: A text and a random number generator -> the changed text.
Attack = Callable[[str, Random], str]
_T = TypeVar("_T")

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ARTICLE = re.compile(r"(?<![\w'’-])(?:a|an|the) +(?=([^\W\d_]))", re.I)
_NUMBER = re.compile(r"[0-9]+")
_INDEFINITE = re.compile(r"(?<![\w'’-])an? +$", re.I)
_SOUNDS_LIKE_YOU = re.compile(r"us[aeu]|uti|uni(?![nm])|unan|eu|ubiq|onc?e\b", re.I)
_SILENT_H = re.compile(r"(?:hour|hono|honest|heir)", re.I)


# --- edits ----------------------------------------------------------------------------------


class Edit(NamedTuple):
    """A span of a text, in characters, and its replacement."""

    start: int
    stop: int
    new: str


def seeded_random(*parts: object) -> Random:
    """A random number generator seeded by values; the same on every machine."""
    key = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return Random(int.from_bytes(hashlib.sha256(key).digest(), "big"))


def sample_fraction(candidates: Sequence[_T], share: float, random: Random) -> list[_T]:
    """A random share of the candidates, in order; at least one if there are any."""
    count = min(len(candidates), max(1, round(share * len(candidates))))
    return [candidates[i] for i in sorted(random.sample(range(len(candidates)), count))]


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """Apply edits in ascending order; an edit that overlaps an earlier one is skipped."""
    pieces = []
    copied = 0
    for start, stop, new in edits:
        if start >= copied:
            pieces += [text[copied:start], new]
            copied = stop
    return "".join(pieces) + text[copied:]


def words_with_offsets(text: str) -> list[tuple[int, str]]:
    """Start of each word, in characters, and the word: letters with inner apostrophes."""
    return [(match.start(), match.group()) for match in _WORD.finditer(text)]


def match_case(model: str, word: str) -> str:
    """Give a word the capitals of a model word.

    Example:
        >>> match_case("Big", "large"), match_case("BIG", "large"), match_case("big", "large")
        ('Large', 'LARGE', 'large')
    """
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def replacement(text: str, start: int, word: str, new: str) -> Edit:
    """The edit that replaces a word, keeps its case and adapts "a" or "an" before it.

    Example:
        >>> text = "It is a big idea."
        >>> apply_edits(text, [replacement(text, 8, "big", "enormous")])
        'It is an enormous idea.'
    """
    stop = start + len(word)
    article = _INDEFINITE.search(text, max(0, start - 4), start)
    if article is None or takes_an(word) == takes_an(new):
        return Edit(start, stop, match_case(word, new))
    fitting_article = text[article.start()] + ("n " if takes_an(new) else " ")
    return Edit(article.start(), stop, fitting_article + match_case(word, new))


def takes_an(word: str) -> bool:
    """Whether the indefinite article before a word is "an".

    Example:
        >>> [word for word in ["apple", "useful", "hour", "unit", "uncle"] if takes_an(word)]
        ['apple', 'hour', 'uncle']
    """
    if _SILENT_H.match(word):
        return True
    return word[:1].lower() in set("aeiou") and not _SOUNDS_LIKE_YOU.match(word)


def _replace_words(
    text: str, table: Mapping[str, Sequence[str]], share: float, random: Random
) -> str:
    known = [(start, word) for start, word in words_with_offsets(text) if word.lower() in table]
    return apply_edits(
        text,
        [
            replacement(text, start, word, random.choice(table[word.lower()]))
            for start, word in sample_fraction(known, share, random)
        ],
    )


# --- characters -----------------------------------------------------------------------------


def homoglyphs(text: str, random: Random) -> str:
    """Replace every Latin letter that has a look-alike in Cyrillic or Greek (RAID: 100 %)."""
    return "".join(
        random.choice(HOMOGLYPHS[letter]) if letter in HOMOGLYPHS else letter for letter in text
    )


def zero_width_spaces(text: str, random: Random) -> str:
    """Add a zero-width space after every character (RAID: 100 %)."""
    del random  # all attacks have the same signature
    return "".join(character + "\u200b" for character in text)


def extra_spaces(text: str, random: Random) -> str:
    """Double 20 % of the spaces (RAID)."""
    spaces = [position for position, character in enumerate(text) if character == " "]
    return apply_edits(
        text, [Edit(position, position, " ") for position in sample_fraction(spaces, 0.2, random)]
    )


def upper_lower(text: str, random: Random) -> str:
    """Change the case of the first letter of 5 % of the words (RAID)."""
    starts = [start for start, word in words_with_offsets(text) if _has_two_cases(word[0])]
    return _flip_case(text, sample_fraction(starts, 0.05, random))


def case_flips(text: str, random: Random) -> str:
    """Change the case of 5 % of all letters (stronger than RAID's)."""
    letters = [position for position, character in enumerate(text) if _has_two_cases(character)]
    return _flip_case(text, sample_fraction(letters, 0.05, random))


def _has_two_cases(letter: str) -> bool:
    return letter.swapcase() != letter and len(letter.swapcase()) == 1


def _flip_case(text: str, positions: Sequence[int]) -> str:
    return apply_edits(
        text, [Edit(position, position + 1, text[position].swapcase()) for position in positions]
    )


# --- words ----------------------------------------------------------------------------------


def article_deletions(text: str) -> list[Edit]:
    """Edits that delete each a, an and the; the next word takes over a capital."""
    return [
        Edit(
            match.start(),
            match.end() + 1,
            match_case(match.group()[0], match[1]) if len(match[1].upper()) == 1 else match[1],
        )
        for match in _ARTICLE.finditer(text)
    ]


def article_deletion(text: str, random: Random) -> str:
    """Delete 50 % of the articles (RAID)."""
    return apply_edits(text, sample_fraction(article_deletions(text), 0.5, random))


def number_swap(text: str, random: Random) -> str:
    """Replace every digit in 50 % of the numbers with another (RAID)."""
    numbers = sample_fraction(list(_NUMBER.finditer(text)), 0.5, random)
    return apply_edits(
        text, [Edit(*number.span(), _other_number(number.group(), random)) for number in numbers]
    )


def _other_number(number: str, random: Random) -> str:
    """A number in which every digit differs, without a leading 0 unless it has one digit."""
    digits = []
    for index, digit in enumerate(number):
        allowed = string.digits[1:] if index == 0 and len(number) > 1 else string.digits
        digits.append(random.choice(allowed.replace(digit, "")))
    return "".join(digits)


def alternative_spelling(text: str, random: Random) -> str:
    """Swap American and British spellings of every word that has both (RAID: 100 %)."""
    return _replace_words(text, SPELLINGS, 1.0, random)


def misspelling(text: str, random: Random) -> str:
    """Misspell 20 % of the words that are often misspelled (RAID)."""
    return _replace_words(text, MISSPELLINGS, 0.2, random)


def synonym(text: str, random: Random) -> str:
    """Replace 50 % of the words in a table with near synonyms (RAID's share; RAID uses a model)."""
    return _replace_words(text, SYNONYMS, 0.5, random)


# --- sentences ------------------------------------------------------------------------------


def insert_paragraphs(text: str, random: Random) -> str:
    """Insert a paragraph break at 50 % of the gaps between sentences (RAID)."""
    gaps = [(before[1], after[0]) for before, after in pairwise(sentence_spans(text))]
    within = [gap for gap in gaps if "\n" not in text[slice(*gap)]]
    return apply_edits(text, [Edit(*gap, "\n\n") for gap in sample_fraction(within, 0.5, random)])


def shuffle_sentences(text: str, random: Random) -> str:
    """Move 50 % of the sentences, at least two, to each other's places (not in RAID)."""
    spans = sentence_spans(text)
    if len(spans) < 2:
        return text
    count = max(2, round(0.5 * len(spans)))
    moved = random.sample(spans, count)  # each moves to the place of the one before it
    replacements = dict(zip(moved, moved[1:] + moved[:1], strict=True))
    edits = [Edit(*span, text[slice(*new)]) for span, new in replacements.items()]
    return apply_edits(text, sorted(edits))


# --- by name --------------------------------------------------------------------------------

#: Name -> attack. RAID's attacks have RAID's names, except `misspelling`.
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
    """Change a text by one of RAID's attacks that need no model, or by a similar one.

    Source: Dugan et al. 2024, "RAID: A Shared Benchmark for Robust Evaluation of
    Machine-Generated Text Detectors", with its shares of candidates.

    Args:
        text: any string.
        name: one of `ATTACKS`.
        seed: seed of the choice of candidates; the result is the same on every machine.

    Returns:
        The changed text; the same text if it has no candidates.

    Raises:
        InputError: there is no attack of this name.

    Example:
        >>> attack("The centre of the city", "alternative_spelling")
        'The center of the city'
    """
    if name not in ATTACKS:
        raise InputError(
            f'There is no attack "{name}"; choose one of {", ".join(ATTACKS)}.', "name"
        )
    return ATTACKS[name](text, seeded_random(seed, name, text))
