"""Phrases for style and repetition, which need no language model."""

from __future__ import annotations

from perplexity_detector.explanation.wording.phrase import (
    HUNDREDTHS,
    LETTERS,
    PER_HUNDRED,
    PERCENT,
    WHOLE,
    WORDS,
    Phrase,
)

_GRADE = ("reading asks for a higher school grade", "reading asks for a lower school grade")
_REPEATS = ("its wording repeats itself less", "its wording repeats itself more")
_SECOND_HALF = ("its second half repeats the first less", "its second half repeats the first more")

#: By the features' full names; others are phrased by their labels.
PHRASES = {
    "stylometry_sentence_length": Phrase("sentences are longer", "sentences are shorter", WORDS),
    "stylometry_sentence_length_longest": Phrase(
        "its longest sentence is longer", "its longest sentence is shorter", WORDS
    ),
    "stylometry_passives": Phrase(
        "the passive voice is more frequent", "the passive voice is less frequent", PER_HUNDRED
    ),
    "stylometry_word_length": Phrase("words are longer", "words are shorter", LETTERS),
    "stylometry_word_length_std": Phrase(
        "words differ more in length", "words are more even in length"
    ),
    "stylometry_moving_type_token_ratio": Phrase(
        "its vocabulary is more varied", "its vocabulary is less varied"
    ),
    "stylometry_moving_hapax_share": Phrase(
        "more words are used only once in a passage",
        "fewer words are used only once in a passage",
        PERCENT,
    ),
    "stylometry_yules_k": Phrase(
        "the same words come back more often", "the same words come back less often"
    ),
    "stylometry_repeated_bigrams": Phrase(
        "more word pairs were there a little earlier",
        "fewer word pairs were there a little earlier",
        PERCENT,
    ),
    "stylometry_repeated_trigrams": Phrase(
        "more runs of three words were there a little earlier",
        "fewer runs of three words were there a little earlier",
        PERCENT,
    ),
    "stylometry_flesch_reading_ease": Phrase(
        "reading is easier, by Flesch's index,",
        "reading is harder, by Flesch's index,",
        WHOLE,
    ),
    "stylometry_flesch_kincaid_grade": Phrase(*_GRADE, WHOLE),
    "stylometry_gunning_fog": Phrase(*_GRADE, WHOLE),
    "stylometry_automated_readability": Phrase(*_GRADE, WHOLE),
    "stylometry_coleman_liau": Phrase(*_GRADE, WHOLE),
    "stylometry_syllables_per_word": Phrase(
        "words have more syllables", "words have fewer syllables", HUNDREDTHS
    ),
    "stylometry_digits": Phrase(
        "it has more digits", "it has fewer digits", (".1%", " of its characters")
    ),
    "stylometry_opens_in_lower_case": Phrase(
        "more sentences open without a capital", "fewer sentences open without a capital", PERCENT
    ),
    "stylometry_content_words": Phrase(
        "more words carry content", "fewer words carry content", PERCENT
    ),
    "stylometry_connectives": Phrase(
        "connectives are more frequent", "connectives are less frequent", PER_HUNDRED
    ),
    "compression_zlib": Phrase(*_REPEATS),
    "compression_lzma": Phrase(*_REPEATS),
    "compression_zlib_piece": Phrase(*_REPEATS),
    "compression_zlib_second_half": Phrase(*_SECOND_HALF),
    "compression_lzma_second_half": Phrase(*_SECOND_HALF),
    "compression_zlib_novelty": Phrase(*_SECOND_HALF),
    "compression_lzma_novelty": Phrase(*_SECOND_HALF),
}
