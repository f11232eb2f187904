"""Length, variety, endings and repetition of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from perplexity_detector.features.series import mean, per_hundred, std
from perplexity_detector.features.style.function_words import word_list

#: Window, in words, of measures that would otherwise fall as a text grows.
WINDOW = 50
#: How many words back a repeated run of words may start.
REACH = 100

#: Feature -> (label, endings) of words of five letters or more.
_ENDINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ending_tion": ("use of nouns in -tion", ("tion", "tions", "sion", "sions")),
    "ending_ment": ("use of nouns in -ment", ("ment", "ments")),
    "ending_ness": ("use of nouns in -ness", ("ness",)),
    "ending_ity": ("use of nouns in -ity", ("ity", "ities")),
    "ending_ance": ("use of nouns in -ance and -ence", ("ance", "ances", "ence", "ences")),
    "ending_ism": ("use of nouns in -ism", ("ism", "isms")),
    "ending_ly": ("use of adverbs in -ly", ("ly",)),
    "ending_ing": ("use of words in -ing", ("ing",)),
    "ending_ed": ("use of words in -ed", ("ed",)),
    "ending_ive": ("use of adjectives in -ive, -ous and -ful", ("ive", "ous", "ful")),
}
_ENDING_LENGTHS = sorted({len(end) for _, ends in _ENDINGS.values() for end in ends})
_NOT_ENDINGS = frozenset(
    word_list(
        "family reply supply apply early daily belly bully jelly italy "
        "thing things nothing something anything everything morning evening during bring string "
        "spring speed indeed hundred"
    )
)

LABELS = {
    "word_length": "average word length",
    "word_length_std": "variation in word length",
    "long_words": "share of words of more than six letters",
    "very_long_words": "share of words of more than ten letters",
    "moving_type_token_ratio": "variety of words within a passage",
    "moving_hapax_share": "share of words used only once within a passage",
    "yules_k": "repetition of the same words (Yule's K)",
    "repeated_bigrams": "share of word pairs repeated from a little earlier",
    "repeated_trigrams": "share of three-word runs repeated from a little earlier",
    **{name: label for name, (label, _) in _ENDINGS.items()},
    "abstract_nouns": "use of abstract nouns",
}


def vocabulary_richness(words: Sequence[str]) -> dict[str, float]:
    """Length, variety, repetition and endings of words; all 0 for a text without words.

    - `word_length`, `word_length_std`: mean and standard deviation, in characters.
    - `long_words`, `very_long_words`: share of more than 6 and 10 characters, in [0, 1].
    - `moving_type_token_ratio`, `moving_hapax_share`, `yules_k`: see `windowed_richness` and
      `yules_k`.
    - `repeated_bigrams`, `repeated_trigrams`: see `repeated_share`.
    - `ending_*`: words of five letters or more with the ending, per 100 words, from 0.
    - `abstract_nouns`: sum of -tion, -ment, -ness, -ity, -ance and -ism, per 100 words.

    Args:
        words: in lower case, in order.
    """
    total = len(words)
    lengths = np.array([len(word) for word in words], np.float64)
    ratio, hapax = windowed_richness(words, WINDOW)
    candidates = [word for word in words if len(word) >= 5 and word not in _NOT_ENDINGS]
    tails = Counter(word[-length:] for length in _ENDING_LENGTHS for word in candidates)
    endings = {
        name: per_hundred(sum(tails[end] for end in ends), total)
        for name, (_, ends) in _ENDINGS.items()
    }
    nouns = ("ending_tion", "ending_ment", "ending_ness", "ending_ity", "ending_ance", "ending_ism")
    return {
        "word_length": mean(lengths),
        "word_length_std": std(lengths),
        "long_words": mean(lengths > 6),
        "very_long_words": mean(lengths > 10),
        "moving_type_token_ratio": ratio,
        "moving_hapax_share": hapax,
        "yules_k": yules_k(words),
        "repeated_bigrams": repeated_share(words, 2, REACH),
        "repeated_trigrams": repeated_share(words, 3, REACH),
        **endings,
        "abstract_nouns": sum(endings[name] for name in nouns),
    }


def windowed_richness(words: Sequence[str], window: int) -> tuple[float, float]:
    """Share of distinct words, and of words that occur once, averaged over all windows of a text.

    The first is MATTR (Covington and McFall 2010); the second is its counterpart for words that
    occur once in the window (hapax legomena). Neither depends on the length of the text, unless
    it is shorter than the window; then it is a single, shorter window and scores higher.

    Returns:
        Two shares in [0, 1]; 0 without words.
    """
    if not words:
        return 0.0, 0.0
    window = min(window, len(words))
    counts = Counter(words[:window])
    distinct, single = len(counts), sum(count == 1 for count in counts.values())
    distinct_sum, single_sum = distinct, single
    for leaving, entering in zip(words, words[window:], strict=False):
        left = counts[leaving] = counts[leaving] - 1
        if left == 0:
            distinct -= 1
            single -= 1
        elif left == 1:
            single += 1
        there = counts[entering] = counts.get(entering, 0) + 1
        if there == 1:
            distinct += 1
            single += 1
        elif there == 2:
            single -= 1
        distinct_sum += distinct
        single_sum += single
    total = window * (len(words) - window + 1)
    return distinct_sum / total, single_sum / total


def yules_k(words: Sequence[str]) -> float:
    """Yule's K, 10^4 (sum_i i^2 V_i - N) / N^2, with V_i words that occur i times (Yule 1944).

    10^4 times the probability that two words drawn from the text are the same; nearly independent
    of the length of the text. From 0, where no word recurs, to 10^4.
    """
    total = len(words)
    if not total:
        return 0.0
    return 1e4 * (sum(count**2 for count in Counter(words).values()) - total) / total**2


def repeated_share(words: Sequence[str], n: int, reach: int) -> float:
    """Share of runs of n words that also occur up to `reach` words earlier, in [0, 1].

    The limited reach keeps it from rising with the length of the text. 0 for fewer than n words.
    """
    last_seen: dict[tuple[str, ...], int] = {}
    repeated = 0
    runs = list(zip(*(words[start:] for start in range(n)), strict=False))
    for start, run in enumerate(runs):
        if run in last_seen and start - last_seen[run] <= reach:
            repeated += 1
        last_seen[run] = start
    return repeated / max(1, len(runs))
