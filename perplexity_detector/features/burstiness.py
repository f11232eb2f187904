"""Family `burstiness`: unevenness of surprisal and of sentence length over the text."""

from __future__ import annotations

import math

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family
from perplexity_detector.features.perplexity import perplexities, sentence_surprisals
from perplexity_detector.features.series import mean, ratio, std

#: Tokens of higher rank than this are surprises; `gap_goh_barabasi` measures gaps between them.
SURPRISING_RANK = 100

LABELS = {
    "sentence_perplexity_std": "variation in perplexity between sentences",
    "sentence_surprisal_std": "variation in average surprise between sentences",
    "sentence_length_std": "variation in sentence length",
    "surprisal_cv": "variation in surprise relative to its average",
    "sentence_perplexity_cv": "variation in sentence perplexity relative to its average",
    "sentence_length_cv": "variation in sentence length relative to its average",
    "surprisal_goh_barabasi": "burstiness of surprise from token to token",
    "sentence_length_goh_barabasi": "burstiness of sentence length",
    "gap_goh_barabasi": "clustering of unexpected words",
}


def burstiness_features(document: Document) -> dict[str, float]:
    """Four quantities that are called burstiness, under separate names.

    1. Spread of perplexity over sentences (GPTZero, Tian 2023):
       `sentence_perplexity_std`, of exp(mean s) per sentence, from 0;
       `sentence_surprisal_std`, of mean s per sentence, in nats, from 0, on which a single odd
       sentence has less influence.
    2. Spread of length over sentences: `sentence_length_std`, in words, from 0.
    3. Coefficients of variation, sd / mean, without unit, from 0: `surprisal_cv` (tokens),
       `sentence_perplexity_cv`, `sentence_length_cv`.
    4. Goh and Barabasi (2008), (sd - mean) / (sd + mean), corrected for few values by Kim and
       Jo (2016), in [-1, 1]: -1 even, 0 as random as a Poisson process, 1 bursty:
       `surprisal_goh_barabasi` (tokens), `sentence_length_goh_barabasi`, and
       `gap_goh_barabasi` of the gaps, in tokens, between tokens of rank above 100.

    Standard deviations are of the population, and 0 for a single value. Sentences without tokens
    (for perplexity) or words (for length) are ignored. All are 0 where there are no values.
    """
    surprisal = document.statistics.surprisal.astype(np.float64)
    sentence_surprisal = sentence_surprisals(document)
    sentence_perplexity = perplexities(sentence_surprisal)
    lengths = np.array([len(words) for words in document.words_by_sentence], np.float64)
    surprises = np.flatnonzero(document.statistics.rank > SURPRISING_RANK)
    return {
        "sentence_perplexity_std": std(sentence_perplexity),
        "sentence_surprisal_std": std(sentence_surprisal),
        "sentence_length_std": std(lengths),
        "surprisal_cv": ratio(std(surprisal), mean(surprisal)),
        "sentence_perplexity_cv": ratio(std(sentence_perplexity), mean(sentence_perplexity)),
        "sentence_length_cv": ratio(std(lengths), mean(lengths)),
        "surprisal_goh_barabasi": goh_barabasi(surprisal),
        "sentence_length_goh_barabasi": goh_barabasi(lengths),
        "gap_goh_barabasi": goh_barabasi(np.diff(surprises)),
    }


def goh_barabasi(values: np.ndarray) -> float:
    """Burstiness of non-negative values, corrected for their number.

    With r = sd / mean of n values, (sqrt(n+1) r - sqrt(n-1)) / ((sqrt(n+1) - 2) r + sqrt(n-1)):
    Kim and Jo 2016, "Measuring burstiness for finite event sequences". It tends to
    (r - 1) / (r + 1) as n grows.

    Returns:
        A number in [-1, 1]; 0 for fewer than two values or if all are 0.
    """
    n = values.size
    average = mean(values)
    if n < 2 or average == 0:
        return 0.0
    r = std(values) / average
    upper, lower = math.sqrt(n + 1), math.sqrt(n - 1)
    return (upper * r - lower) / ((upper - 2) * r + lower)


FAMILY = Family(
    name="burstiness",
    version=1,
    labels=LABELS,
    compute=burstiness_features,
    requires="statistics",
)
