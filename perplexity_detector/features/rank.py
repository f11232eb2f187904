"""Family `rank`: ranks of the tokens among the language model's predictions."""

from __future__ import annotations

import numpy as np

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family
from perplexity_detector.features.series import mean, ratio, std

LABELS = {
    "mean_log": "average rank of the tokens among the model's guesses",
    "mean_log_squared": "weight of very unexpected choices",
    "std_log": "variation in rank from token to token",
    "first": "share of tokens that are the model's very first guess",
    "top_10": "share of tokens among the model's ten first guesses",
    "top_100": "share of tokens among the model's guesses 11 to 100",
    "top_1000": "share of tokens among the model's guesses 101 to 1000",
    "beyond": "share of tokens beyond the model's first thousand guesses",
    "likelihood_ratio": "surprise relative to rank (log-likelihood log-rank ratio)",
}


def rank_features(document: Document) -> dict[str, float]:
    """Ranks r_t of the tokens, 1 for the likeliest token.

    All are 0 without tokens.

    - `mean_log`: mean ln r, in nats, from 0 (Log-Rank; Mitchell et al. 2023).
    - `mean_log_squared`: mean (ln r)^2, from 0.
    - `std_log`: standard deviation of ln r, from 0.
    - `first`: share of r = 1, in [0, 1].
    - `top_10`, `top_100`, `top_1000`, `beyond`: shares of r <= 10, 10 < r <= 100,
      100 < r <= 1000 and r > 1000, in [0, 1], together 1: the four colours of GLTR
      (Gehrmann et al. 2019).
    - `likelihood_ratio`: LRR = sum s / sum ln r, from 0; 0 where every token has rank 1
      (Su et al. 2023, DetectLLM).
    """
    rank = document.statistics.rank
    log_rank = np.log(rank.astype(np.float64))
    within = [mean(rank <= limit) for limit in (1, 10, 100, 1000)]
    return {
        "mean_log": mean(log_rank),
        "mean_log_squared": mean(log_rank**2),
        "std_log": std(log_rank),
        "first": within[0],
        "top_10": within[1],
        "top_100": within[2] - within[1],
        "top_1000": within[3] - within[2],
        "beyond": mean(rank > 1000),
        "likelihood_ratio": ratio(
            document.statistics.surprisal.sum(dtype=np.float64), log_rank.sum()
        ),
    }


FAMILY = Family(
    name="rank",
    version=1,
    labels=LABELS,
    compute=rank_features,
    requires="statistics",
)
