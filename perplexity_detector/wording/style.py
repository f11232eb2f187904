"""Phrases for style and repetition, which need no language model."""

from __future__ import annotations

from perplexity_detector.wording.phrase import (
    HUNDREDTHS,
    LETTERS,
    PER_HUNDRED,
    PERCENT,
    WHOLE,
    WORDS,
    Phrase,
)

_REPEATS = ("wording that repeats itself less", "wording that repeats itself more")
_SECOND_HALF = (
    "a second half that repeats the first less",
    "a second half that repeats the first more",
)
_GRADE = ("text for a higher school grade", "text for a lower school grade")

#: By the features' full names; others are phrased by their labels.
PHRASES = {
    "stylometry_sentence_length": Phrase("longer sentences", "shorter sentences", WORDS),
    "stylometry_sentence_length_longest": Phrase(
        "a longest sentence that is longer", "a longest sentence that is shorter", WORDS
    ),
    "stylometry_passives": Phrase("more passive voice", "less passive voice", PER_HUNDRED),
    "stylometry_word_length": Phrase("longer words", "shorter words", LETTERS),
    "stylometry_word_length_std": Phrase(
        "words that differ more in length", "words that are more even in length"
    ),
    "stylometry_moving_type_token_ratio": Phrase(
        "a more varied vocabulary", "a less varied vocabulary"
    ),
    "stylometry_yules_k": Phrase(
        "more repetition of the same words", "less repetition of the same words"
    ),
    "stylometry_repeated_bigrams": Phrase(
        "more word pairs that were there a little earlier",
        "fewer word pairs that were there a little earlier",
        PERCENT,
    ),
    "stylometry_repeated_trigrams": Phrase(
        "more three-word runs that were there a little earlier",
        "fewer three-word runs that were there a little earlier",
        PERCENT,
    ),
    "stylometry_flesch_reading_ease": Phrase(
        "text that is easier to read (Flesch)", "text that is harder to read (Flesch)", WHOLE
    ),
    "stylometry_flesch_kincaid_grade": Phrase(*_GRADE, WHOLE),
    "stylometry_gunning_fog": Phrase(*_GRADE, WHOLE),
    "stylometry_automated_readability": Phrase(*_GRADE, WHOLE),
    "stylometry_coleman_liau": Phrase(*_GRADE, WHOLE),
    "stylometry_syllables_per_word": Phrase(
        "words of more syllables", "words of fewer syllables", HUNDREDTHS
    ),
    "stylometry_digits": Phrase("more digits", "fewer digits", (".1%", " of the characters")),
    "stylometry_content_words": Phrase(
        "more words that carry content", "fewer words that carry content", PERCENT
    ),
    "stylometry_connectives": Phrase("more connectives", "fewer connectives", PER_HUNDRED),
    "compression_zlib": Phrase(*_REPEATS),
    "compression_lzma": Phrase(*_REPEATS),
    "compression_zlib_piece": Phrase(*_REPEATS),
    "compression_zlib_second_half": Phrase(*_SECOND_HALF),
    "compression_lzma_second_half": Phrase(*_SECOND_HALF),
    "compression_zlib_novelty": Phrase(*_SECOND_HALF),
    "compression_lzma_novelty": Phrase(*_SECOND_HALF),
}
