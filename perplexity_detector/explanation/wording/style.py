"""Phrases for style and repetition, which need no language model."""

from __future__ import annotations

from perplexity_detector.explanation.wording.phrase import (
    LETTERS,
    PER_HUNDRED,
    PERCENT,
    WORDS,
    Number,
    Phrase,
    more,
    use_of,
)

_SCHOOL_GRADE = Phrase("Harder reading", "Easier reading", Number(".0f", before="school grade "))
_REPETITION = Phrase("Less repetitive wording", "More repetitive wording")
_OVERLAP = Phrase(
    "Less overlap between the first and the second half",
    "More overlap between the first and the second half",
)

#: By the features' full names; other phrases are made from the labels.
PHRASES = {
    "stylometry_sentence_length": Phrase("Longer sentences", "Shorter sentences", WORDS),
    "stylometry_sentence_length_longest": Phrase(
        "A longer longest sentence", "A shorter longest sentence", WORDS
    ),
    "stylometry_short_sentences": more("short sentences", Number(".0%", " under nine words")),
    "stylometry_long_sentences": more("long sentences", Number(".0%", " over 30 words")),
    "stylometry_opens_in_lower_case": more("sentences without an initial capital", PERCENT),
    "stylometry_repeated_openings": more("repeated sentence openings", PERCENT),
    "stylometry_passives": Phrase("More passive voice", "Less passive voice", PER_HUNDRED),
    "stylometry_word_length": Phrase("Longer words", "Shorter words", LETTERS),
    "stylometry_word_length_std": Phrase("More varied word lengths", "More even word lengths"),
    "stylometry_long_words": more("long words", Number(".0%", " over six letters")),
    "stylometry_very_long_words": more("very long words", Number(".0%", " over ten letters")),
    "stylometry_moving_type_token_ratio": Phrase(
        "More varied vocabulary", "Less varied vocabulary"
    ),
    "stylometry_moving_hapax_share": more("words used only once in a passage", PERCENT),
    "stylometry_yules_k": Phrase(
        "More repetition of the same words", "Less repetition of the same words"
    ),
    "stylometry_repeated_bigrams": more("repeated two-word phrases", PERCENT),
    "stylometry_repeated_trigrams": more("repeated three-word phrases", PERCENT),
    "stylometry_flesch_reading_ease": Phrase(
        "Easier reading", "Harder reading", Number(".0f", before="Flesch reading ease ")
    ),
    "stylometry_flesch_kincaid_grade": _SCHOOL_GRADE,
    "stylometry_gunning_fog": _SCHOOL_GRADE,
    "stylometry_automated_readability": _SCHOOL_GRADE,
    "stylometry_coleman_liau": _SCHOOL_GRADE,
    "stylometry_syllables_per_word": more("syllables per word", Number(".2f")),
    "stylometry_complex_words": more("words of three or more syllables", PERCENT),
    "stylometry_comma_and": use_of('a comma before "and"'),
    "stylometry_ellipses": more("trailing dots (...)", PER_HUNDRED),
    "stylometry_lower_case_i": use_of('a small "i" for "I"'),
    "stylometry_digits": more("digits", Number(".1%", " of the characters")),
    "stylometry_ending_ive": more("adjectives in -ive, -ous or -ful", PER_HUNDRED),
    "stylometry_ending_ance": more("nouns in -ance or -ence", PER_HUNDRED),
    "stylometry_first_person_singular": use_of('"I", "me" and "my"'),
    "stylometry_first_person_plural": use_of('"we", "us" and "our"'),
    "stylometry_second_person": use_of('"you" and "your"'),
    "stylometry_third_person": use_of('"he", "she", "it" and "they"'),
    "stylometry_indefinite_pronouns": use_of('words like "someone"'),
    "stylometry_coordinators": use_of('words like "and" or "but"'),
    "stylometry_subordinators": use_of('words like "because"'),
    "stylometry_auxiliaries": use_of('"be", "have" and "do"'),
    "stylometry_modals": use_of('words like "can" or "should"'),
    "stylometry_quantifiers": use_of('words like "some" or "many"'),
    "stylometry_hedges": use_of('hedging words like "perhaps"'),
    "stylometry_boosters": use_of('words like "really"'),
    "stylometry_importance": use_of('words like "crucial"'),
    "stylometry_vague_words": use_of('words like "thing"'),
    "stylometry_connectives_adding": use_of('connectives like "moreover"'),
    "stylometry_connectives_contrasting": use_of('connectives like "however"'),
    "stylometry_connectives_causal": use_of('connectives like "therefore"'),
    "stylometry_connectives_ordering": use_of('connectives like "firstly"'),
    "stylometry_connectives_illustrating": use_of('connectives like "for example"'),
    "stylometry_connectives_concluding": use_of('connectives like "in conclusion"'),
    "stylometry_connectives": more("connectives", PER_HUNDRED),
    "stylometry_content_words": more("content words", PERCENT),
    "compression_zlib": _REPETITION,
    "compression_lzma": _REPETITION,
    "compression_zlib_piece": _REPETITION,
    "compression_zlib_second_half": _OVERLAP,
    "compression_lzma_second_half": _OVERLAP,
    "compression_zlib_novelty": _OVERLAP,
    "compression_lzma_novelty": _OVERLAP,
}
