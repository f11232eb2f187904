"""Markdown tables of `results/passages.json`."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import percent, table
from benchmarks.quality.passages import INSERTED, MODELS, PEOPLE

_NAMES = {
    PEOPLE: "texts by people",
    MODELS: "texts by models",
    INSERTED: "texts by people, with sentences inserted",
}
#: Rows of all detectors but the first are shown for these kinds alone.
_MAIN = (PEOPLE, MODELS, INSERTED)


def passages(record: dict[str, Any]) -> str:
    """What is marked in each kind of text, by detectors that never saw its source."""
    rows = []
    for place, (name, found) in enumerate(record["detectors"].items()):
        for kind, figures in found["kinds"].items():
            if place == 0 or kind in _MAIN:
                rows.append([f"`{name}`", _NAMES.get(kind, kind.replace("_", " ")), *_row(figures)])
    head = (
        "| detector | texts | number | with a mark | precision | recall | F1 | share by a model "
        "| error of the share | interval holds it |"
    )
    return table(head, rows)


def passage_auroc(record: dict[str, Any]) -> str:
    """AUROC of the sentences of mixed texts."""
    rows = [
        [
            f"`{name}`",
            _NAMES.get(kind, "mixed and edited texts"),
            f"{figures['generated']:,} of {figures['sentences']:,}",
            f"{figures['auroc']:.3f}",
            f"{figures['within_texts']:.3f}",
        ]
        for name, found in record["detectors"].items()
        for kind, figures in found["auroc"].items()
    ]
    return table("| detector | texts | sentences by a model | AUROC | within a text |", rows)


def false_passages(record: dict[str, Any]) -> str:
    """How many texts by people have a mark, by source left out."""
    detectors = record["detectors"]
    shown = {
        name: [figures["sources"][name] for figures in detectors.values()]
        for name in next(iter(detectors.values()))["sources"]
    }
    rows = [
        [name, str(found[0]["texts"]), *(percent(one["marked"]) for one in found)]
        for name, found in shown.items()
        if any(one["marked"] for one in found)
    ]
    head = f"| source left out | texts | {' | '.join(f'`{name}`' for name in detectors)} |"
    clean = len(shown) - len(rows)
    people = next(iter(detectors.values()))["people"]
    return (
        table(head, rows)
        + f"\n\n{clean} more sources have no text with a mark. Of all {people['texts']:,} texts, "
        + "; ".join(
            f"`{name}` marks {figures['people']['marked']} (95 % upper bound "
            f"{percent(figures['people']['upper_bound'])})"
            for name, figures in detectors.items()
        )
        + "."
    )


def _row(figures: dict[str, float]) -> list[str]:
    return [
        str(figures["texts"]),
        *(percent(figures[name]) for name in ("texts_marked", "precision", "recall")),
        f"{figures['f1']:.2f}",
        percent(figures["share"]),
        percent(figures["share_error"]),
        percent(figures["share_covered"]),
    ]
