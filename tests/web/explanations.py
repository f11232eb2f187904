"""Explanations as `Explanation.to_dict` gives them, with numbers made from the text alone."""

from __future__ import annotations

import hashlib
import re
from typing import Any

_TOKEN = re.compile(r"\s*\w{1,7}|\s*[^\w\s]|\s+$")
_SENTENCE = re.compile(r"\S[^.!?]*[.!?]?")
_FAMILIES = {"rank": 1.2, "stylometry": -0.7, "burstiness": 0.1}

TEXT = (
    "The hives stood behind the shed, and nobody had looked after them since March. "
    "We lifted one lid. It was empty! My aunt said the bees had simply moved to a better place."
)


def made_up(text: str = TEXT, **changes: Any) -> dict[str, Any]:
    """An explanation of a text, generated with a probability of 0.97 unless changed."""
    spans = [match.span() for match in _TOKEN.finditer(text)]
    surprisal = [round((7 * index) % 23 / 2, 1) for index in range(len(spans))]
    sentences = [match.span() for match in _SENTENCE.finditer(text)]
    explanation = {
        "format": 1,
        "id": "essay-1",
        "detector": "standard",
        "probability": 0.97,
        "verdict": "generated",
        "note": "",
        "fpr": 0.01,
        "thresholds": {"human": 0.1, "generated": 0.93},
        "words": len(text.split()),
        "token_count": len(spans),
        "text": text,
        "tokens": {
            "start": [start for start, _ in spans],
            "end": [end for _, end in spans],
            "surprisal": surprisal,
            "rank": [1 + int(nats**4) for nats in surprisal],
            "entropy": [2.5 for _ in spans],
            "contrast": [nats - 5 for nats in surprisal],
        },
        "sentences": [
            {
                "start": start,
                "end": end,
                "score": 0.5 - index % 3 / 2,
                "perplexity": 30.0,
                "words": 9,
                "hidden_states": 1.24 - index,
            }
            for index, (start, end) in enumerate(sentences)
        ],
        "sentence_score": {
            "name": "log-odds of the sentence alone",
            "unit": "log-odds",
            "neutral": 0.0,
            "auroc": 0.71,
        },
        "families": [
            {"name": name, "label": f"family {name}", "contribution": contribution}
            for name, contribution in _FAMILIES.items()
        ],
        "features": [
            {
                "name": f"{name}_mean",
                "family": name,
                "label": f"mean {name}",
                "value": 3.25,
                "typical": 0.0004,
                "contribution": contribution / 2,
            }
            for name, contribution in _FAMILIES.items()
            if name != "burstiness"
        ],
        "base": 0.3,
        "reasons": ["More even sentence lengths than typical human writing"],
        "people": {"surprisal": {"low": 2.0, "median": 3.0, "high": 4.0, "window": 16}},
        "limits": ["A probability is not a proof.", "Never decide by it alone."],
        "warnings": [],
        "flags": [],
        "text_as_given": text,
        "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "provenance": {
            "package_version": "0.3.0",
            "detector": "standard",
            "detector_sha256": hashlib.sha256(b"detector").hexdigest(),
            "language_model": f"sha256:{hashlib.sha256(b'model').hexdigest()}",
            "precision": "float32",
            "settings": {"fpr": 0.01, "device": "cpu", "cache": False},
            "time": "2026-11-26T09:30:00+00:00",
        },
    }
    return explanation | changes


def bare() -> dict[str, Any]:
    """An explanation of an empty text, by a detector without any further evidence."""
    nothing = dict.fromkeys(("surprisal", "rank", "entropy", "contrast"))
    return made_up(
        text="",
        id=None,
        detector=None,
        probability=0.5,
        verdict="uncertain",
        note="fewer than 50 words",
        thresholds={"human": None, "generated": None},
        tokens={"start": [], "end": [], **nothing},
        families=[],
        features=[],
        base=None,
        reasons=[],
        people=None,
        warnings=["Much of this text is quoted."],
    )
