"""Markdown tables of `results/long_documents.json`."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import NotMeasuredError, percent, table

_HEAD = (
    "| detector | documents by | {size} | documents | settled by a sample | words read, median "
    "| {times}verdicts changed | flagged | the same, of all read | uncertain | the same | mixed "
    "| the same |"
)


def long_documents(record: dict[str, Any]) -> str:
    """A sample against the whole, with times."""
    if not record["detectors"]:
        return "Not measured yet: run `python -m benchmarks.quality.long_documents measure`."
    head = _HEAD.format(size="words", times="time | time, all read | ")
    return _compared(head, record["detectors"], times=True)


def long_documents_joined(record: dict[str, Any]) -> str:
    """A sample of joined texts against all of them; then over all documents."""
    if "joined" not in record:
        raise NotMeasuredError
    head = _HEAD.format(size="windows", times="")
    sentences = [_sentence(name, found) for name, found in record["joined"].items()]
    return "\n\n".join([_compared(head, record["joined"], times=False), *sentences])


def _compared(head: str, detectors: dict[str, Any], times: bool) -> str:
    rows = []
    for name, found in detectors.items():
        for one in found["lengths"]:
            seconds = (one["sampled_seconds"], one["whole_seconds"]) if times else ()
            shares = [
                one[f"{way}_{what}"]
                for what in ("flagged", "uncertain", "mixed")
                for way in ("sampled", "whole")
            ]
            rows.append(
                [
                    f"`{name}`",
                    one["writer"],
                    f"{one['length']:,}",
                    f"{one['documents']}",
                    percent(one["settled"]),
                    f"{one['words_read_median']:,.0f}",
                    *(f"{value:.1f} s" for value in seconds),
                    percent(one["verdicts_changed"]),
                    *map(percent, shares),
                ]
            )
    return table(head, rows)


def _sentence(name: str, found: dict[str, Any]) -> str:
    of_all = found["all"]
    both = [
        f"AUROC {of_all[way]['auroc']:.3f} and TPR at 1 % FPR {of_all[way]['tpr_at_1']:.3f} {said}"
        for way, said in (("sampled", "by a sample"), ("whole", "with all read"))
    ]
    people = [
        f"{found['people'][way]['flagged']} {said} (95 % upper bound of the rate "
        f"{percent(found['people'][way]['upper_bound'])})"
        for way, said in (("sampled", "by a sample"), ("whole", "with all read"))
    ]
    return (
        f"`{name}`, of {of_all['documents']} documents by people alone or models alone: "
        f"{percent(of_all['verdicts_changed'])} of the verdicts change, "
        f"{percent(of_all['flags_lost'])} from `generated` and {percent(of_all['flags_gained'])} "
        f"to it; {', '.join(both)}. With all read, {percent(of_all['whole_outliers'])} are unlike "
        f"the training texts. Of {found['people']['sampled']['documents']} documents by people "
        f"that share no text, "
        f"{' and '.join(people)} are flagged."
    )
