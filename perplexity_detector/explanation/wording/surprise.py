"""Phrases for what the language model says of the tokens: how surprising, how evenly so."""

from __future__ import annotations

from perplexity_detector.explanation.wording.phrase import HUNDREDTHS, PERCENT, WHOLE, Phrase

_EASY = ("its easy words are harder to guess", "its easy words are even easier to guess")
_DOUBT = (
    "the model is in more doubt about the next word",
    "the model is in less doubt about the next word",
)
_EXPECTED = (
    "its words are further from what the model expects",
    "its words are closer to what the model expects",
)
_OWN_CHOICE = (
    "its words are closer to the model's own choice",
    "its words are further from the model's own choice",
)
_SENTENCES = (
    "sentences differ more in how surprising they are",
    "sentences are more alike in how surprising they are",
)
_LENGTH = ("sentences differ more in length", "sentences are more even in length")
_BURSTS = ("surprise comes in bursts more often", "surprise is spread more evenly")
_JUMPS = (
    "jumps in surprise from word to word are larger",
    "jumps in surprise from word to word are smaller",
)
_RHYTHM = ("surprise has a faster rhythm", "surprise has a slower rhythm")

#: By the features' full names, `family_feature`.
PHRASES = {
    "perplexity_mean": Phrase("its words are harder to guess", "its words are easier to guess"),
    "perplexity_median": Phrase(
        "its typical word is harder to guess", "its typical word is easier to guess"
    ),
    "perplexity_quantile_5": Phrase(*_EASY),
    "perplexity_quantile_25": Phrase(*_EASY),
    "perplexity_quantile_75": Phrase(
        "its less usual words are a greater surprise", "its less usual words are a smaller surprise"
    ),
    "perplexity_quantile_95": Phrase(
        "its rare words are a greater surprise", "its rare words are a smaller surprise"
    ),
    "perplexity_std": Phrase(
        "its easy and its surprising words are further apart",
        "its easy and its surprising words are closer together",
    ),
    "perplexity_text": Phrase("its perplexity is higher", "its perplexity is lower", WHOLE),
    "perplexity_sentence_mean": Phrase(
        "the perplexity of its sentences is higher",
        "the perplexity of its sentences is lower",
        WHOLE,
    ),
    "perplexity_sentence_median": Phrase(
        "the perplexity of its typical sentence is higher",
        "the perplexity of its typical sentence is lower",
        WHOLE,
    ),
    "perplexity_sentence_quantile_10": Phrase(
        "the perplexity of its plainest sentences is higher",
        "the perplexity of its plainest sentences is lower",
        WHOLE,
    ),
    "perplexity_sentence_quantile_90": Phrase(
        "the perplexity of its oddest sentences is higher",
        "the perplexity of its oddest sentences is lower",
        WHOLE,
    ),
    "perplexity_bits_per_character": Phrase(
        "there is more surprise in each letter",
        "there is less surprise in each letter",
        (".2f", " bits"),
    ),
    "rank_mean_log": Phrase(
        "its words stand further down the model's list of guesses",
        "its words stand further up the model's list of guesses",
    ),
    "rank_mean_log_squared": Phrase(
        "it has more very unexpected words", "it has fewer very unexpected words"
    ),
    "rank_std_log": Phrase(
        "expected and unexpected words are further apart",
        "expected and unexpected words are closer together",
    ),
    "rank_first": Phrase(
        "more words are the model's very first guess",
        "fewer words are the model's very first guess",
        PERCENT,
    ),
    "rank_top_10": Phrase(
        "more words are among the model's first ten guesses",
        "fewer words are among the model's first ten guesses",
        PERCENT,
    ),
    "rank_top_100": Phrase(
        "more words are among the model's guesses 11 to 100",
        "fewer words are among the model's guesses 11 to 100",
        PERCENT,
    ),
    "rank_top_1000": Phrase(
        "more words are among the model's guesses 101 to 1000",
        "fewer words are among the model's guesses 101 to 1000",
        PERCENT,
    ),
    "rank_beyond": Phrase(
        "more words are beyond the model's first thousand guesses",
        "fewer words are beyond the model's first thousand guesses",
        PERCENT,
    ),
    "rank_likelihood_ratio": Phrase(
        "surprise is higher for the rank of its words (LRR)",
        "surprise is lower for the rank of its words (LRR)",
        HUNDREDTHS,
    ),
    "entropy_mean": Phrase(*_DOUBT),
    "entropy_median": Phrase(*_DOUBT),
    "entropy_quantile_5": Phrase(
        "even where it is surest, the model is less sure of the next word",
        "where it is surest, the model is even surer of the next word",
    ),
    "entropy_std": Phrase(
        "the model's certainty about the next word varies more",
        "the model's certainty about the next word varies less",
    ),
    "entropy_excess": Phrase(*_EXPECTED),
    "entropy_relative_surprisal": Phrase(*_EXPECTED),
    "curvature_text": Phrase(*_OWN_CHOICE),
    "curvature_per_token": Phrase(*_OWN_CHOICE),
    "curvature_span_lowest": Phrase(
        "even its least predictable passage is closer to the model's own choice",
        "its least predictable passage is further from the model's own choice",
    ),
    "curvature_span_median": Phrase(
        "its typical passage is closer to the model's own choice",
        "its typical passage is further from the model's own choice",
    ),
    "curvature_span_highest": Phrase(
        "its most predictable passage is closer to the model's own choice",
        "even its most predictable passage is further from the model's own choice",
    ),
    "curvature_span_std": Phrase(
        "passages differ more in how well the model foresees them",
        "passages differ less in how well the model foresees them",
    ),
    "curvature_sentence_std": Phrase(
        "sentences differ more in how well the model foresees them",
        "sentences differ less in how well the model foresees them",
    ),
    "burstiness_sentence_perplexity_std": Phrase(*_SENTENCES),
    "burstiness_sentence_surprisal_std": Phrase(*_SENTENCES),
    "burstiness_sentence_perplexity_cv": Phrase(*_SENTENCES),
    "burstiness_sentence_length_std": Phrase(*_LENGTH, (".0f", " words of spread")),
    "burstiness_sentence_length_cv": Phrase(*_LENGTH),
    "burstiness_sentence_length_goh_barabasi": Phrase(*_LENGTH),
    "burstiness_surprisal_cv": Phrase(*_BURSTS),
    "burstiness_surprisal_goh_barabasi": Phrase(*_BURSTS),
    "burstiness_gap_goh_barabasi": Phrase(
        "unexpected words come in clusters more often", "unexpected words are spread more evenly"
    ),
    "diversity_variance": Phrase(
        "surprise varies more over the text", "surprise varies less over the text"
    ),
    "diversity_skewness": Phrase(
        "it has more rare shocks among easy words", "it has fewer rare shocks among easy words"
    ),
    "diversity_kurtosis": Phrase("it has more extreme surprises", "it has fewer extreme surprises"),
    "diversity_autocorrelation": Phrase(
        "surprises come side by side more often", "surprises come side by side less often"
    ),
    "diversity_difference_mean": Phrase(
        "its last word surprises more, beside its first,",
        "its last word surprises less, beside its first,",
    ),
    "diversity_difference_variance": Phrase(*_JUMPS),
    "diversity_uid_absolute_difference": Phrase(*_JUMPS),
    "diversity_uid_squared_difference": Phrase(*_JUMPS),
    "diversity_difference_skewness": Phrase(
        "surprise leaps up and eases off more clearly",
        "surprise leaps up and eases off less clearly",
    ),
    "diversity_difference_kurtosis": Phrase(
        "it has more extreme jumps in surprise", "it has fewer extreme jumps in surprise"
    ),
    "diversity_difference_entropy": Phrase(
        "jumps in surprise are of more different sizes",
        "jumps in surprise are of fewer different sizes",
    ),
    "diversity_second_difference_variance": Phrase(
        "surprise zigzags more strongly", "surprise zigzags less strongly"
    ),
    "diversity_second_difference_entropy": Phrase(
        "zigzags of surprise are of more different sizes",
        "zigzags of surprise are of fewer different sizes",
    ),
    "diversity_second_difference_autocorrelation": Phrase(
        "surprise zigzags less regularly", "surprise zigzags more regularly"
    ),
    "diversity_uid_most_uniform": Phrase(
        "even its calmest passage is less calm", "its calmest passage is calmer"
    ),
    "diversity_uid_least_uniform": Phrase(
        "its most restless passage is more restless",
        "even its most restless passage is less restless",
    ),
    "diversity_multiscale_entropy_mean": Phrase(
        "patterns of surprise are more varied", "patterns of surprise are less varied"
    ),
    "diversity_multiscale_entropy_std": Phrase(
        "patterns of surprise change more from phrase to sentence",
        "patterns of surprise change less from phrase to sentence",
    ),
    "diversity_lastde": Phrase(
        "surprise is higher for how steady its patterns are (Lastde)",
        "surprise is lower for how steady its patterns are (Lastde)",
    ),
    "spectrum_low": Phrase(
        "surprise comes more in slow waves, over sentences,",
        "surprise comes less in slow waves, over sentences,",
    ),
    "spectrum_middle": Phrase(
        "surprise comes more in waves of a phrase's length",
        "surprise comes less in waves of a phrase's length",
    ),
    "spectrum_high": Phrase(
        "surprise flickers more from word to word", "surprise flickers less from word to word"
    ),
    "spectrum_centroid": Phrase(*_RHYTHM),
    "spectrum_slope": Phrase(*_RHYTHM),
    "spectrum_flatness": Phrase(
        "surprise has a less regular rhythm", "surprise has a more regular rhythm"
    ),
}
