"""Phrases for what the language model measures: how predictable the words are, and how evenly."""

from __future__ import annotations

from perplexity_detector.explanation.wording.phrase import PERCENT, Number, Phrase, more

_WORDS = ("Less predictable words", "More predictable words")
_SENTENCES = ("Less predictable sentences", "More predictable sentences")
# a low quantile that rises leaves fewer values below any level in between
_PREDICTABLE = Phrase("Fewer highly predictable words", "More highly predictable words")
_EXPECTATION = Phrase(
    "Words further from what the language model expects",
    "Words closer to what the language model expects",
)
_OWN_CHOICES = Phrase(
    "Words closer to the language model's own choices",
    "Words further from the language model's own choices",
)
_SENTENCE_PERPLEXITY = Phrase(
    "Larger differences in perplexity between sentences",
    "Smaller differences in perplexity between sentences",
)
_SENTENCE_LENGTHS = ("More varied sentence lengths", "More even sentence lengths")
_SPREAD = Phrase("Surprise concentrated in fewer words", "Surprise spread more evenly over words")
_JUMPS = Phrase(
    "Larger jumps in surprise from word to word", "Smaller jumps in surprise from word to word"
)
_SWINGS = Phrase("Faster swings in surprise", "Slower swings in surprise")
_PERPLEXITY = Number(".0f", before="perplexity ")
_MEAN_PERPLEXITY = Number(".0f", before="mean perplexity ")
_UNCERTAINTY = Phrase(
    "Higher uncertainty about the next word",
    "Lower uncertainty about the next word",
    Number(".2f", " nats", "entropy "),
)

#: By the features' full names, `family_feature`.
PHRASES = {
    "perplexity_mean": Phrase(*_WORDS),
    "perplexity_median": Phrase(*_WORDS),
    "perplexity_quantile_5": _PREDICTABLE,
    "perplexity_quantile_25": _PREDICTABLE,
    "perplexity_quantile_75": more("surprising words"),
    "perplexity_quantile_95": more("very surprising words"),
    "perplexity_std": Phrase(
        "Larger contrast between predictable and surprising words",
        "Smaller contrast between predictable and surprising words",
    ),
    "perplexity_text": Phrase(*_WORDS, _PERPLEXITY),
    "perplexity_sentence_mean": Phrase(*_SENTENCES, _MEAN_PERPLEXITY),
    "perplexity_sentence_median": Phrase(*_SENTENCES, _PERPLEXITY),
    "perplexity_sentence_quantile_10": Phrase(
        "Fewer highly predictable sentences", "More highly predictable sentences"
    ),
    "perplexity_sentence_quantile_90": more("surprising sentences"),
    "perplexity_bits_per_character": Phrase(
        "More surprise per character", "Less surprise per character", Number(".2f", " bits")
    ),
    "rank_mean_log": Phrase(
        "Words further down the language model's list of guesses",
        "Words higher up the language model's list of guesses",
    ),
    "rank_mean_log_squared": more("words far down the language model's list of guesses"),
    "rank_std_log": Phrase(
        "Larger contrast between likely and unlikely words",
        "Smaller contrast between likely and unlikely words",
    ),
    "rank_first": more("words matching the language model's first guess", PERCENT),
    "rank_top_10": more("words among the language model's top 10 guesses", PERCENT),
    "rank_top_100": more("words at ranks 11 to 100 of the model's guesses", PERCENT),
    "rank_top_1000": more("words at ranks 101 to 1000 of the model's guesses", PERCENT),
    "rank_beyond": more("words beyond the model's top 1000 guesses", PERCENT),
    "rank_likelihood_ratio": Phrase(
        "Higher surprise relative to word rank",
        "Lower surprise relative to word rank",
        Number(".2f", before="LRR "),
    ),
    "entropy_mean": _UNCERTAINTY,
    "entropy_median": _UNCERTAINTY,
    "entropy_quantile_5": Phrase(
        "Fewer places where the next word is nearly certain",
        "More places where the next word is nearly certain",
    ),
    "entropy_std": Phrase(
        "More varied uncertainty about the next word",
        "More even uncertainty about the next word",
    ),
    "entropy_excess": _EXPECTATION,
    "entropy_relative_surprisal": _EXPECTATION,
    "curvature_text": _OWN_CHOICES,
    "curvature_per_token": _OWN_CHOICES,
    "curvature_span_lowest": Phrase(
        "Fewer hard-to-predict passages", "More hard-to-predict passages"
    ),
    "curvature_span_median": Phrase("More predictable passages", "Less predictable passages"),
    "curvature_span_highest": more("highly predictable passages"),
    "curvature_span_std": Phrase(
        "Larger differences in predictability between passages",
        "Smaller differences in predictability between passages",
    ),
    "curvature_sentence_std": Phrase(
        "Larger differences in predictability between sentences",
        "Smaller differences in predictability between sentences",
    ),
    "burstiness_sentence_perplexity_std": _SENTENCE_PERPLEXITY,
    "burstiness_sentence_surprisal_std": _SENTENCE_PERPLEXITY,
    "burstiness_sentence_perplexity_cv": _SENTENCE_PERPLEXITY,
    "burstiness_sentence_length_std": Phrase(
        *_SENTENCE_LENGTHS, Number(".0f", " words", "standard deviation ")
    ),
    "burstiness_sentence_length_cv": Phrase(*_SENTENCE_LENGTHS),
    "burstiness_sentence_length_goh_barabasi": Phrase(*_SENTENCE_LENGTHS),
    "burstiness_surprisal_cv": _SPREAD,
    "burstiness_surprisal_goh_barabasi": _SPREAD,
    "burstiness_gap_goh_barabasi": Phrase(
        "Surprising words more clustered", "Surprising words spaced more evenly"
    ),
    "diversity_variance": Phrase(
        "More varied surprise over the text", "Less varied surprise over the text"
    ),
    "diversity_skewness": more("rare shocks among predictable words"),
    "diversity_kurtosis": more("extreme surprises"),
    "diversity_autocorrelation": more("surprises in a row"),
    "diversity_difference_mean": Phrase(
        "Larger rise in surprise from the first word to the last",
        "Smaller rise in surprise from the first word to the last",
    ),
    "diversity_difference_variance": _JUMPS,
    "diversity_uid_absolute_difference": _JUMPS,
    "diversity_uid_squared_difference": _JUMPS,
    "diversity_difference_skewness": Phrase(
        "Sharper rises and gentler falls in surprise",
        "Gentler rises and sharper falls in surprise",
    ),
    "diversity_difference_kurtosis": more("extreme jumps in surprise"),
    "diversity_difference_entropy": Phrase(
        "More varied jumps in surprise", "Less varied jumps in surprise"
    ),
    "diversity_second_difference_variance": Phrase(
        "Stronger zigzags in surprise", "Weaker zigzags in surprise"
    ),
    "diversity_second_difference_entropy": Phrase(
        "More varied zigzags in surprise", "Less varied zigzags in surprise"
    ),
    "diversity_second_difference_autocorrelation": Phrase(
        "Less regular zigzags in surprise", "More regular zigzags in surprise"
    ),
    "diversity_uid_most_uniform": Phrase(
        "Fewer passages of even surprise", "More passages of even surprise"
    ),
    "diversity_uid_least_uniform": more("passages of uneven surprise"),
    "diversity_multiscale_entropy_mean": Phrase(
        "More varied patterns of surprise", "Less varied patterns of surprise"
    ),
    "diversity_multiscale_entropy_std": Phrase(
        "Larger differences between short and long patterns of surprise",
        "Smaller differences between short and long patterns of surprise",
    ),
    "diversity_lastde": Phrase(
        "Higher surprise relative to changes in the pattern",
        "Lower surprise relative to changes in the pattern",
        Number(".0f", before="Lastde "),
    ),
    "spectrum_low": Phrase(
        "Stronger swings in surprise over clauses and sentences",
        "Weaker swings in surprise over clauses and sentences",
    ),
    "spectrum_middle": Phrase(
        "Stronger swings in surprise over phrases", "Weaker swings in surprise over phrases"
    ),
    "spectrum_high": Phrase(
        "Stronger swings in surprise between neighbouring words",
        "Weaker swings in surprise between neighbouring words",
    ),
    "spectrum_centroid": _SWINGS,
    "spectrum_slope": _SWINGS,
    "spectrum_flatness": Phrase(
        "Less regular rhythm of surprise", "More regular rhythm of surprise"
    ),
}
