"""Phrases for what the language model says of the tokens: how surprising, how evenly so."""

from __future__ import annotations

from perplexity_detector.wording.phrase import HUNDREDTHS, PERCENT, WHOLE, Phrase

_LENGTH = ("sentences that differ more in length", "sentences that are more even in length")
_SURPRISE_BY_SENTENCE = (
    "sentences that differ more in how surprising they are",
    "sentences that are more alike in how surprising they are",
)
_DOUBT = (
    "more doubt of the language model about what comes next",
    "less doubt of the language model about what comes next",
)
_EXPECTED = ("words further from what the model expects", "words closer to what the model expects")
_JUMPS = (
    "larger jumps in surprise from one word to the next",
    "smaller jumps in surprise from one word to the next",
)
_OWN_CHOICE = (
    "words closer to the model's own choice",
    "words further from the model's own choice",
)
_BURSTS = ("surprise that comes more in bursts", "surprise that is spread more evenly")

#: By the features' full names, `family_feature`.
PHRASES = {
    "perplexity_mean": Phrase("words that are harder to guess", "words that are easier to guess"),
    "perplexity_median": Phrase(
        "a typical word that is harder to guess", "a typical word that is easier to guess"
    ),
    "perplexity_quantile_5": Phrase(
        "easy words that are not quite so easy to guess", "easy words that are even easier to guess"
    ),
    "perplexity_quantile_25": Phrase(
        "easy words that are not quite so easy to guess", "easy words that are even easier to guess"
    ),
    "perplexity_quantile_75": Phrase(
        "unusual words that are more unusual", "unusual words that are less unusual"
    ),
    "perplexity_quantile_95": Phrase(
        "rare words that are a greater surprise", "rare words that are a smaller surprise"
    ),
    "perplexity_std": Phrase(
        "a greater difference between its easy and its surprising words",
        "a smaller difference between its easy and its surprising words",
    ),
    "perplexity_text": Phrase("a higher perplexity", "a lower perplexity", WHOLE),
    "perplexity_sentence_mean": Phrase(
        "sentences of higher perplexity", "sentences of lower perplexity", WHOLE
    ),
    "perplexity_sentence_median": Phrase(
        "a typical sentence of higher perplexity",
        "a typical sentence of lower perplexity",
        WHOLE,
    ),
    "perplexity_sentence_quantile_10": Phrase(
        "plain sentences of higher perplexity", "plain sentences of lower perplexity", WHOLE
    ),
    "perplexity_sentence_quantile_90": Phrase(
        "unusual sentences of higher perplexity", "unusual sentences of lower perplexity", WHOLE
    ),
    "perplexity_bits_per_character": Phrase(
        "more surprise per letter", "less surprise per letter", HUNDREDTHS
    ),
    "rank_mean_log": Phrase(
        "words further down the model's list of guesses",
        "words further up the model's list of guesses",
    ),
    "rank_mean_log_squared": Phrase("more very unexpected words", "fewer very unexpected words"),
    "rank_std_log": Phrase(
        "a mixture of expected and unexpected words that is wider",
        "a mixture of expected and unexpected words that is narrower",
    ),
    "rank_first": Phrase(
        "more words that are the model's very first guess",
        "fewer words that are the model's very first guess",
        PERCENT,
    ),
    "rank_top_10": Phrase(
        "more words among the model's first ten guesses",
        "fewer words among the model's first ten guesses",
        PERCENT,
    ),
    "rank_top_100": Phrase(
        "more words among the model's guesses 11 to 100",
        "fewer words among the model's guesses 11 to 100",
        PERCENT,
    ),
    "rank_top_1000": Phrase(
        "more words among the model's guesses 101 to 1000",
        "fewer words among the model's guesses 101 to 1000",
        PERCENT,
    ),
    "rank_beyond": Phrase(
        "more words beyond the model's first thousand guesses",
        "fewer words beyond the model's first thousand guesses",
        PERCENT,
    ),
    "rank_likelihood_ratio": Phrase(
        "more surprise for words of such rank (LRR)",
        "less surprise for words of such rank (LRR)",
        HUNDREDTHS,
    ),
    "entropy_mean": Phrase(*_DOUBT),
    "entropy_median": Phrase(*_DOUBT),
    "entropy_quantile_5": Phrase(
        "more doubt of the language model where it is surest",
        "less doubt of the language model where it is surest",
    ),
    "entropy_std": Phrase(
        "places that differ more in how sure the model is of what comes next",
        "places that are more alike in how sure the model is of what comes next",
    ),
    "entropy_excess": Phrase(*_EXPECTED),
    "entropy_relative_surprisal": Phrase(*_EXPECTED),
    "curvature_text": Phrase(*_OWN_CHOICE),
    "curvature_per_token": Phrase(*_OWN_CHOICE),
    "curvature_span_lowest": Phrase(
        "no passage so far from the model's own choice of words",
        "a passage further from the model's own choice of words",
    ),
    "curvature_span_median": Phrase(
        "a typical passage closer to the model's own choice of words",
        "a typical passage further from the model's own choice of words",
    ),
    "curvature_span_highest": Phrase(
        "a passage closer to the model's own choice of words",
        "no passage so close to the model's own choice of words",
    ),
    "curvature_span_std": Phrase(
        "passages that differ more in how well the model foresees them",
        "passages that are more alike in how well the model foresees them",
    ),
    "curvature_sentence_std": Phrase(
        "sentences that differ more in how well the model foresees them",
        "sentences that are more alike in how well the model foresees them",
    ),
    "burstiness_sentence_perplexity_std": Phrase(*_SURPRISE_BY_SENTENCE),
    "burstiness_sentence_surprisal_std": Phrase(*_SURPRISE_BY_SENTENCE),
    "burstiness_sentence_perplexity_cv": Phrase(*_SURPRISE_BY_SENTENCE),
    "burstiness_sentence_length_std": Phrase(*_LENGTH, (".0f", " words of spread")),
    "burstiness_sentence_length_cv": Phrase(*_LENGTH),
    "burstiness_sentence_length_goh_barabasi": Phrase(*_LENGTH),
    "burstiness_surprisal_cv": Phrase(*_BURSTS),
    "burstiness_surprisal_goh_barabasi": Phrase(*_BURSTS),
    "burstiness_gap_goh_barabasi": Phrase(
        "unexpected words that stand closer together in places",
        "unexpected words that are spread more evenly",
    ),
    "diversity_variance": Phrase(
        "surprise that varies more over the text", "surprise that varies less over the text"
    ),
    "diversity_skewness": Phrase(
        "more rare shocks among words that are easy to guess",
        "fewer rare shocks among words that are easy to guess",
    ),
    "diversity_kurtosis": Phrase("more extreme surprises", "fewer extreme surprises"),
    "diversity_autocorrelation": Phrase(
        "surprises that come more often side by side",
        "surprises that come less often side by side",
    ),
    "diversity_difference_mean": Phrase(
        "an end that is more surprising beside its beginning",
        "an end that is less surprising beside its beginning",
    ),
    "diversity_difference_variance": Phrase(*_JUMPS),
    "diversity_difference_skewness": Phrase(
        "surprise that leaps up and eases off more", "surprise that leaps up and eases off less"
    ),
    "diversity_difference_kurtosis": Phrase(
        "more extreme jumps in surprise", "fewer extreme jumps in surprise"
    ),
    "diversity_difference_entropy": Phrase(
        "jumps in surprise of more different sizes", "jumps in surprise of fewer different sizes"
    ),
    "diversity_second_difference_variance": Phrase(
        "a stronger zigzag of surprise", "a weaker zigzag of surprise"
    ),
    "diversity_second_difference_entropy": Phrase(
        "zigzags of surprise of more different sizes",
        "zigzags of surprise of fewer different sizes",
    ),
    "diversity_second_difference_autocorrelation": Phrase(
        "a less regular zigzag of surprise", "a more regular zigzag of surprise"
    ),
    "diversity_uid_absolute_difference": Phrase(*_JUMPS),
    "diversity_uid_squared_difference": Phrase(*_JUMPS),
    "diversity_uid_most_uniform": Phrase(
        "no passage of such even surprise", "a passage of more even surprise"
    ),
    "diversity_uid_least_uniform": Phrase(
        "a passage of more uneven surprise", "no passage of such uneven surprise"
    ),
    "diversity_multiscale_entropy_mean": Phrase(
        "more varied patterns of surprise", "less varied patterns of surprise"
    ),
    "diversity_multiscale_entropy_std": Phrase(
        "patterns of surprise that change more with scale",
        "patterns of surprise that change less with scale",
    ),
    "diversity_lastde": Phrase(
        "more surprise for patterns so steady (Lastde)",
        "less surprise for patterns so steady (Lastde)",
    ),
    "spectrum_low": Phrase(
        "surprise that comes more in slow waves, over sentences",
        "surprise that comes less in slow waves, over sentences",
    ),
    "spectrum_middle": Phrase(
        "surprise that comes more in waves of a phrase's length",
        "surprise that comes less in waves of a phrase's length",
    ),
    "spectrum_high": Phrase(
        "surprise that flickers more from word to word",
        "surprise that flickers less from word to word",
    ),
    "spectrum_centroid": Phrase("a faster rhythm of surprise", "a slower rhythm of surprise"),
    "spectrum_slope": Phrase("a faster rhythm of surprise", "a slower rhythm of surprise"),
    "spectrum_flatness": Phrase(
        "a less regular rhythm of surprise", "a more regular rhythm of surprise"
    ),
}
