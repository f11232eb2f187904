"""Family `stylometry`: style independent of topic; needs no language model."""

from __future__ import annotations

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family
from perplexity_detector.features.style import (
    function_words,
    punctuation,
    readability,
    sentences,
    vocabulary,
)


def stylometry_features(document: Document) -> dict[str, float]:
    """Style of words, sentences and punctuation; no feature measures the length of the text.

    Rates are per 100 words, from 0; shares are in [0, 1]; all are 0 without words. Formulas and
    sources are with the functions that compute each group:

    - `sentences.sentence_shape`: `sentence_length`, `sentence_length_longest`,
      `short_sentences`, `long_sentences`, `opens_with_connective`, `opens_with_coordinator`,
      `opens_with_pronoun`, `opens_with_article`, `opens_in_lower_case`, `repeated_openings`,
      `capitals_within`, `passives`.
    - `vocabulary.vocabulary_richness`: `word_length`, `word_length_std`, `long_words`,
      `very_long_words`, `moving_type_token_ratio` (MATTR, Covington and McFall 2010),
      `moving_hapax_share`, `yules_k` (Yule 1944), `repeated_bigrams`, `repeated_trigrams`,
      `ending_*`, `abstract_nouns`.
    - `readability.readability_indices`: `flesch_reading_ease`, `flesch_kincaid_grade`,
      `gunning_fog`, `automated_readability`, `coleman_liau`, `syllables_per_word`,
      `complex_words`.
    - `punctuation.punctuation_rates`: each mark, `comma_and`, `triples`, `space_before_mark`,
      `no_space_after_mark`, `contractions`, `missing_apostrophes`, `lower_case_i`, `digits`,
      `upper_case_words`.
    - `function_words.function_word_rates`: `word_*` for single function words (Mosteller and
      Wallace 1964), pronouns by person, articles, prepositions and other classes, hedges,
      boosters, `connectives` and `connectives_*`, `content_words`.

    A text without full stops counts as one sentence, which affects readability and sentence
    length.
    """
    lower = [word.lower() for word in document.words]
    by_sentence = document.words_by_sentence
    return {
        **sentences.sentence_shape(by_sentence),
        **vocabulary.vocabulary_richness(lower),
        **readability.readability_indices(lower, len(by_sentence)),
        **punctuation.punctuation_rates(document.text, document.words),
        **function_words.function_word_rates(lower),
    }


FAMILY = Family(
    name="stylometry",
    version=1,
    labels={
        **sentences.LABELS,
        **vocabulary.LABELS,
        **readability.LABELS,
        **punctuation.LABELS,
        **function_words.LABELS,
    },
    compute=stylometry_features,
    requires="text",
)
