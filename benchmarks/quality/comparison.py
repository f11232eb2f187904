"""The table that compares open detectors: what each needs, gives, and reaches on the same folds."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.docs.markdown import NotMeasuredError, decimals, percent, table
from benchmarks.quality.protocol import CONFIRMATION
from benchmarks.quality.tables import Record, means

_SMALL = "`smollm2`"


class Needs(NamedTuple):
    """What a detector needs to run, and what it gives.

    Attributes:
        label: its name.
        reads: with which model it reads a text.
        labelled: what labelled texts set.
        gives: besides a score.
    """

    label: str
    reads: str
    labelled: str
    gives: str


#: As they are built here; by names in the record.
DETECTORS = {
    "standard": Needs("**`standard`**", _SMALL, "the classifier", "reasons, sentences, tokens"),
    "fast": Needs("**`fast`**", f"half of {_SMALL}", "the classifier", "reasons, sentences"),
    "encoder": Needs(
        "MiniLM-L6, fine-tuned", "an encoder of 22M parameters", "the classifier", "-"
    ),
    "first_layers": Needs("first blocks, fine-tuned", f"blocks of {_SMALL}", "the classifier", "-"),
    "tfidf": Needs("TF-IDF + logistic regression", "none", "the classifier", "words that counted"),
    "diveye": Needs("DivEye", _SMALL, "the classifier", "features that counted"),
    "gltr": Needs("GLTR", _SMALL, "the classifier", "features that counted"),
    "repreguard": Needs("RepreGuard", _SMALL, "directions and thresholds", "layers that counted"),
    "binoculars": Needs("Binoculars", f"{_SMALL} and an observer", "thresholds alone", "-"),
    "fast_detect_gpt": Needs("Fast-DetectGPT", _SMALL, "thresholds alone", "-"),
    "lastde": Needs("Lastde", _SMALL, "thresholds alone", "-"),
    "lrr": Needs("LRR", _SMALL, "thresholds alone", "-"),
    "log_likelihood": Needs("log-likelihood", _SMALL, "thresholds alone", "-"),
}


def comparison(record: Record) -> str:
    """What each needs and gives, and its means over the confirmation half."""
    rows = []
    for name, needs in DETECTORS.items():
        try:
            mean = means(record, name, CONFIRMATION)
        except NotMeasuredError:  # networks and Binoculars have benchmarks of their own
            figures = ["-"] * 4
        else:
            figures = [decimals(mean[part]) for part in ("auroc", "auroc_lowest", "tpr_at_1")]
            figures.append(percent(mean.get("fpr_1")))
        rows.append([*needs, *figures])
    return table(
        "| | reads with | labelled texts set | gives, besides a score | AUROC | lowest "
        "| TPR at 1 % FPR | people flagged at 1 % |",
        rows,
    )
