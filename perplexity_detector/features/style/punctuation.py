"""Punctuation marks and common slips."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perplexity_detector.features.series import per_hundred
from perplexity_detector.features.style.function_words import word_list

#: Feature -> (label, pattern in canonical text, where every dash is " - "). A pattern that begins
#: with its mark, and then looks back, is found in a fraction of the time.
_MARKS: dict[str, tuple[str, str | re.Pattern[str]]] = {
    "commas": ("use of commas", ","),
    "semicolons": ("use of semicolons", ";"),
    "colons": ("use of colons", ":"),
    "dashes": ("use of dashes", re.compile(r"-(?:(?<!\S-)-?(?!\S)|(?<=\S-)-(?=\S))")),
    "hyphens": ("use of hyphens within words", re.compile(r"-(?<=\w-)(?=\w)")),
    "parentheses": ("use of parentheses", "("),
    "exclamations": ("use of exclamation marks", "!"),
    "questions": ("use of question marks", "?"),
    "apostrophes": ("use of apostrophes", "'"),
    "quotes": ("use of quotation marks", '"'),
    "ellipses": ("use of trailing dots", re.compile(r"\.{2,}")),
    "comma_and": ("use of a comma before and", re.compile(r", and\b")),
    "triples": (
        "use of lists of three",
        re.compile(r"\b\w+, (?:\w+ ){0,2}\w+,? (?:and|or) \w+"),
    ),
    "space_before_mark": ("spaces before punctuation", re.compile(r"\s[,.;:!?](?![.\w])")),
    "no_space_after_mark": (
        "missing spaces after punctuation",
        re.compile(r"[a-z][,;:!?][A-Za-z]|[a-z]{2}\.[A-Z][a-z]"),
    ),
}
_LOWER_I = re.compile(r"i(?<![\w'.-]i)(?![\w.-])")
_CONTRACTION = re.compile(
    r".+(?:n't|'(?:m|re|ve|ll|d))|(?:it|that|he|she|there|here|what|who|where|how|let)'s"
)
_WITHOUT_APOSTROPHE = frozenset(
    word_list(
        "dont cant wont isnt arent wasnt werent doesnt didnt hasnt havent hadnt couldnt wouldnt "
        "shouldnt im ive youre youve theyre theyve thats whats"
    )
)
_DIGIT = re.compile(r"\d")

LABELS = {
    **{name: label for name, (label, _) in _MARKS.items()},
    "contractions": "use of contractions",
    "missing_apostrophes": "contractions without their apostrophe",
    "lower_case_i": "use of a small i for I",
    "digits": "share of digits among the characters",
    "upper_case_words": "share of words all in capitals",
}


def punctuation_rates(text: str, words: Sequence[str]) -> dict[str, float]:
    """Marks and slips per 100 words, from 0; all 0 for a text without words.

    One feature per pattern in `_MARKS`, counted in the text, and:

    - `contractions`, `missing_apostrophes`: words such as "don't" and "dont".
    - `lower_case_i`: the word "i".
    - `digits`: decimal digits over characters, in [0, 1].
    - `upper_case_words`: share of words of two or more letters, all capitals, in [0, 1].

    Args:
        text: in canonical form.
        words: of the text, as written.
    """
    total = len(words)
    lower = [word.lower() for word in words]
    contracted = sum("'" in word and _CONTRACTION.fullmatch(word) is not None for word in lower)
    return {
        **{
            name: per_hundred(_count(pattern, text), total) for name, (_, pattern) in _MARKS.items()
        },
        "contractions": per_hundred(contracted, total),
        "missing_apostrophes": per_hundred(
            sum(word in _WITHOUT_APOSTROPHE for word in lower), total
        ),
        "lower_case_i": per_hundred(len(_LOWER_I.findall(text)), total),
        "digits": len(_DIGIT.findall(text)) / max(1, len(text)),
        "upper_case_words": sum(len(word) > 1 and word.isupper() for word in words) / max(1, total),
    }


def _count(mark: str | re.Pattern[str], text: str) -> int:
    return text.count(mark) if isinstance(mark, str) else len(mark.findall(text))
