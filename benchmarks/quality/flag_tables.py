"""Tables of flags, from flags.json."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import percent, table

_LABELS = {
    "look_alike_letters": "look-alike letters",
    "invisible_characters": "invisible characters",
    "odd_spacing": "odd spacing",
    "stray_capitals": "stray capitals",
    "non_english": "not English",
}


def flags_of_people(record: dict[str, Any]) -> str:
    """How many undisguised texts by people have a flag, by source and name of the flag."""
    rows = [
        _row(source, shares)
        for source, shares in [
            ("**all**", record["people"]),
            ("**texts never looked at**", record["unseen"]),
            *record["sources"].items(),
        ]
    ]
    names = " | ".join(_LABELS.values())
    return table(f"| source | texts | with a flag | {names} |", rows)


def flags_of_attacks(record: dict[str, Any]) -> str:
    """The share of disguised copies that have a flag, by attack."""
    rows = [
        [name.replace("_", " "), percent(shares["flagged"] / shares["texts"])]
        for name, shares in record["attacks"].items()
    ]
    return table("| disguise | copies with a flag |", rows)


def _row(source: str, shares: dict[str, Any]) -> list[str]:
    counts = [str(shares["flags"].get(name, 0)) for name in _LABELS]
    share = f"{shares['flagged']} ({shares['flagged'] / shares['texts']:.2%})"
    return [source, f"{shares['texts']:,}", share, *counts]
