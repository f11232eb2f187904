"""Markdown tables of `results/sentences.json`."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import table, with_interval
from benchmarks.quality.sentences import USED

_NAMES = {
    "log_odds_drop": "drop of the log-odds without the sentence",
    "log_odds": "log-odds of the sentence",
    "log_odds_1_neighbour": "log-odds with one sentence on each side",
    "log_odds_2_neighbours": "log-odds with two sentences on each side",
    "hidden_states": "hidden states",
    "ngram_ratio": "n-gram log-likelihood ratio",
    "evidence": "hidden states and n-gram log-likelihood ratio",
    "log_odds_reread": "log-odds of the sentence, read again",
    "log_odds_drop_reread": "drop of the log-odds without the sentence, read again",
}


def sentences(record: dict[str, Any]) -> str:
    """How well each score of a sentence finds generated sentences in human essays."""
    rows = []
    for name, scores in record["detectors"].items():
        for score, figures in scores.items():
            label = f"**{_NAMES[score]}**" if score == USED else _NAMES[score]
            ways = [f"{figures[way][0]:.3f}" for way in ("passage", "scattered", "within_texts")]
            rows.append([f"`{name}`", label, with_interval(*figures["auroc"]), *ways])
    head = "| detector | score of a sentence | AUROC | one passage | scattered | within a text |"
    return (
        table(head, rows)
        + f"\n\n{record['essays']} essays, each mixed in both ways; {record['inserted']} of "
        f"{record['sentences']:,} sentences are generated."
    )
