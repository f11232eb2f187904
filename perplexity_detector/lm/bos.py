"""Choice of the token before a text: the one after which prose costs the fewest bits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perplexity_detector.lm.scorer import LanguageModelScorer

#: Plain prose written for this purpose.
PASSAGES = (
    "The ferry to the island leaves twice a day in winter, and the second time it is usually late. "
    "My grandmother used to say that the captain waits for his coffee and not for the tide.",
    "Last year our school got new computers, but nobody had thought of the tables. For three weeks "
    "they stood in boxes along the corridor while the two caretakers argued over who should order.",
    "A river that floods every spring leaves behind more than mud. The fields beside it are the "
    "best in the valley, which is why people kept building their houses where they should not.",
)


def bits_per_character(
    scorer: LanguageModelScorer, bos_ids: Sequence[int], texts: Sequence[str] = PASSAGES
) -> dict[int, float]:
    """Bits per character of the texts after each candidate token.

    Args:
        scorer: its `bos_id` is restored afterwards.
        bos_ids: candidates.
        texts: prose.

    Returns:
        Token -> sum of surprisal / (ln 2 x characters).
    """
    before = scorer.bos_id
    characters = sum(map(len, texts))
    bits = {}
    try:
        for bos_id in bos_ids:
            scorer.bos_id = bos_id
            nats = sum(float(one.surprisal.sum()) for one in scorer.score(texts))
            bits[bos_id] = nats / (math.log(2) * characters)
    finally:
        scorer.bos_id = before
    return bits
