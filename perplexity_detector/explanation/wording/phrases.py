"""Names of the families, and a phrase for every feature."""

from __future__ import annotations

from perplexity_detector.explanation.wording import style, surprise
from perplexity_detector.explanation.wording.phrase import (
    PER_HUNDRED,
    PERCENT,
    Phrase,
    more,
    use_of,
)
from perplexity_detector.features.style import punctuation

#: Families, as a chart names them.
FAMILY_LABELS = {
    "perplexity": "Predictability of the words",
    "rank": "Rank among the model's guesses",
    "entropy": "Uncertainty about the next word",
    "curvature": "Closeness to the model's own choices",
    "burstiness": "Evenness of the sentences",
    "diversity": "Surprise from word to word",
    "spectrum": "Rhythm of surprise",
    "stylometry": "Style",
    "compression": "Repetition",
    "contrast": "Word choice",
    "representation": "Hidden states",
}

#: Families whose features all express one thing: the reason for human, and for generated.
SINGLE_STATEMENT_FAMILIES = {
    "contrast": (
        "Word choice resembles human writing",
        "Word choice resembles model-written text",
    ),
    "representation": (
        "Hidden states resemble human writing",
        "Hidden states resemble model-written text",
    ),
}

_OPENINGS = "share of sentences that open "
_SHARE = "share of "
_USE = "use of "


def phrase_of(name: str, label: str) -> Phrase:
    """The phrase of a feature, made from its label where it has none of its own.

    Args:
        name: `family_feature`.
        label: what it measures, a noun phrase.

    Example:
        >>> phrase_of("stylometry_commas", "use of commas")[:2]
        ('More commas', 'Fewer commas')
        >>> phrase_of("x_y", "share of sentences that open with an article").low
        'Fewer sentences opening with an article'
        >>> phrase_of("x_y", 'use of the word "just"').low
        'Less use of the word "just"'
    """
    for phrases in (surprise.PHRASES, style.PHRASES):
        if name in phrases:
            return phrases[name]
    if label.startswith(_OPENINGS):
        return more(f"sentences opening {label.removeprefix(_OPENINGS)}", PERCENT)
    if label.startswith(_SHARE):
        return more(label.removeprefix(_SHARE), PERCENT)
    if label.startswith("use of the word "):
        return use_of(label.removeprefix(_USE))
    if label.startswith(_USE) or name.removeprefix("stylometry_") in punctuation.LABELS:
        return more(label.removeprefix(_USE), PER_HUNDRED)
    return Phrase(f"Higher {label}", f"Lower {label}")
