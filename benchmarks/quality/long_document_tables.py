"""Markdown tables of `results/long_documents.json`."""

from __future__ import annotations

from typing import Any

from benchmarks.docs.markdown import percent, table


def long_documents(record: dict[str, Any]) -> str:
    """A sample against the whole, by detector, class and length; then over all documents."""
    rows = []
    for name, found in record["detectors"].items():
        for one in found["lengths"]:
            rows.append(
                [
                    f"`{name}`",
                    one["writer"],
                    f"{one['length']:,}",
                    f"{one['documents']}",
                    percent(one["settled"]),
                    f"{one['words_read_median']:,.0f}",
                    f"{one['sampled_seconds']:.1f} s",
                    f"{one['whole_seconds']:.1f} s",
                    percent(one["verdicts_changed"]),
                    percent(one["sampled_flagged"]),
                    percent(one["whole_flagged"]),
                    percent(one["sampled_uncertain"]),
                    percent(one["whole_uncertain"]),
                    percent(one["sampled_mixed"]),
                    percent(one["whole_mixed"]),
                ]
            )
    head = (
        "| detector | documents by | words | documents | settled by a sample | words read, median "
        "| time | time, `--exhaustive` | verdicts changed | flagged | flagged, `--exhaustive` "
        "| uncertain | uncertain, `--exhaustive` | mixed | mixed, `--exhaustive` |"
    )
    sentences = [_sentence(name, found) for name, found in record["detectors"].items()]
    return "\n\n".join([table(head, rows), *sentences])


def _sentence(name: str, found: dict[str, Any]) -> str:
    of_all, people = found["all"], found["people"]["sampled"]
    both = [
        f"AUROC {of_all[way]['auroc']:.3f} and TPR at 1 % FPR {of_all[way]['tpr_at_1']:.3f} {said}"
        for way, said in (("sampled", "by a sample"), ("whole", "read whole"))
    ]
    return (
        f"`{name}` (in {found['precision']}), of all {of_all['documents']} documents: "
        f"{of_all['times_faster']:.1f} times as fast; {percent(of_all['verdicts_changed'])} of the "
        f"verdicts change, {percent(of_all['flags_lost'])} from `generated` and "
        f"{percent(of_all['flags_gained'])} to it; {', '.join(both)}. Read whole, "
        f"{percent(of_all['whole_outliers'])} are unlike the training texts. "
        f"Of {people['documents']} documents by people, {people['flagged']} are flagged (95 % "
        f"upper bound of the rate {percent(people['upper_bound'])})."
    )
