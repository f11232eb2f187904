"""Words for every family and every feature."""

from __future__ import annotations

from perplexity_detector.explanation.wording import style, surprise
from perplexity_detector.explanation.wording.phrase import PER_HUNDRED, PERCENT, Phrase
from perplexity_detector.features.style import punctuation

#: Families, as a chart names them.
FAMILIES = {
    "perplexity": "How surprising the words are",
    "rank": "Rank of the words among the model's guesses",
    "entropy": "The model's doubt about what comes next",
    "curvature": "Preference for the model's own words",
    "burstiness": "Unevenness of surprise and of length",
    "diversity": "How surprise moves from word to word",
    "spectrum": "Rhythm of surprise",
    "stylometry": "Style",
    "compression": "Repetition",
    "contrast": "Wording, models' against people's",
    "representation": "The model's hidden states",
}

#: Families whose features all say one thing: what is said for a person, and for a model.
SINGLE_STATEMENT_FAMILIES = {
    "contrast": (
        "its wording is closer to people's prose than to models'",
        "its wording is closer to models' prose than to people's",
    ),
    "representation": (
        "inside the language model it looks like texts by people",
        "inside the language model it looks like texts by models",
    ),
}


def phrase_of(name: str, label: str) -> Phrase:
    """Words for any feature, from its label where there are none of its own.

    Args:
        name: `family_feature`.
        label: what it measures, in words that follow "high" or "low".

    Example:
        >>> phrase_of("stylometry_commas", "use of commas")[:2]
        ('use of commas is more frequent', 'use of commas is less frequent')
        >>> phrase_of("x_y", "share of sentences that open with an article").low
        'fewer sentences open with an article'
    """
    for phrases in (surprise.PHRASES, style.PHRASES):
        if name in phrases:
            return phrases[name]
    if label.startswith("share of sentences that "):
        does = label.removeprefix("share of sentences that ")
        return Phrase(f"more sentences {does}", f"fewer sentences {does}", PERCENT)
    if label.startswith("share of "):
        of = label.removeprefix("share of ")
        return Phrase(f"it has more {of}", f"it has fewer {of}", PERCENT)
    if label.startswith("use of "):
        return Phrase(f"{label} is more frequent", f"{label} is less frequent", PER_HUNDRED)
    if name.removeprefix("stylometry_") in punctuation.LABELS:
        return Phrase(f"there are more {label}", f"there are fewer {label}", PER_HUNDRED)
    return Phrase(f"a higher {label}", f"a lower {label}")
