"""Readability: syllables, and the classic indices based on them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

LABELS = {
    "flesch_reading_ease": "ease of reading (Flesch)",
    "flesch_kincaid_grade": "school grade needed to read it (Flesch-Kincaid)",
    "gunning_fog": "school years needed to read it (Gunning fog)",
    "automated_readability": "school grade needed to read it (automated readability index)",
    "coleman_liau": "school grade needed to read it (Coleman-Liau)",
    "syllables_per_word": "average syllables per word",
    "complex_words": "share of words of three syllables or more",
}

_VOWELS = re.compile(r"[aeiouy]+")
# final -e (but not the -le of "table") and final -ed (but not after t or d) are silent
_SILENT = re.compile(r"(?:(?<=[^aeiouyl])|(?<=[aeiouy]l))e$|(?<=[^aeiouytd])ed$")


def readability_indices(words: Sequence[str], sentences: int) -> dict[str, float]:
    """Five readability indices and the rates they use; all 0 without words.

    With W words, S sentences, Y syllables (`syllables`), C words of three syllables or more
    and L letters:

    - `flesch_reading_ease`: 206.835 - 1.015 W/S - 84.6 Y/W, mostly 0 (hard) to 100
      (Flesch 1948).
    - `flesch_kincaid_grade`: 0.39 W/S + 11.8 Y/W - 15.59, school grade (Kincaid et al. 1975).
    - `gunning_fog`: 0.4 (W/S + 100 C/W), school years (Gunning 1952).
    - `automated_readability`: 4.71 L/W + 0.5 W/S - 21.43, grade (Senter and Smith 1967).
    - `coleman_liau`: 5.88 L/W - 29.6 S/W - 15.8, grade (Coleman and Liau 1975).
    - `syllables_per_word`: Y/W, from 1. `complex_words`: C/W, in [0, 1].

    Args:
        words: in lower case.
        sentences: number of sentences that have words.
    """
    if not words:
        return dict.fromkeys(LABELS, 0.0)
    counts = [syllables(word) for word in words]
    letters_per_word = sum(map(len, words)) / len(words)
    words_per_sentence = len(words) / max(1, sentences)
    syllables_per_word = sum(counts) / len(words)
    complex_share = sum(count >= 3 for count in counts) / len(words)
    return {
        "flesch_reading_ease": 206.835 - 1.015 * words_per_sentence - 84.6 * syllables_per_word,
        "flesch_kincaid_grade": 0.39 * words_per_sentence + 11.8 * syllables_per_word - 15.59,
        "gunning_fog": 0.4 * (words_per_sentence + 100 * complex_share),
        "automated_readability": 4.71 * letters_per_word + 0.5 * words_per_sentence - 21.43,
        "coleman_liau": 5.88 * letters_per_word - 29.6 / words_per_sentence - 15.8,
        "syllables_per_word": syllables_per_word,
        "complex_words": complex_share,
    }


@lru_cache(maxsize=1 << 16)
def syllables(word: str) -> int:
    """Number of syllables of a lower-case word: its runs of vowels (a e i o u y), at least one.

    A silent ending does not count: a final -e, except in -le after a consonant, and a final
    -ed, except after t, d or a vowel.

    Example:
        >>> [syllables(word) for word in ("the", "table", "walked", "wanted", "readability")]
        [1, 2, 1, 2, 5]
    """
    return max(1, len(_VOWELS.findall(_SILENT.sub("", word))))
