"""Results and metrics as tables for a terminal."""

from __future__ import annotations

import shutil
import textwrap
from typing import Any

import pandas as pd

from perplexity_detector.evaluation import measure
from perplexity_detector.evaluation.human_rate import describe_human_rate, share_flagged
from perplexity_detector.evaluation.metrics import METRIC_LABELS
from perplexity_detector.flags import counted
from perplexity_detector.logs import printable

_ID_WIDTH = 12
_WHY_AT = _ID_WIDTH + len(" probability  generated  ")


def readable(results: pd.DataFrame, header: bool = True) -> str:
    """Format results as a table of id, probability, verdict and reasons, as wide as the terminal.

    Args:
        results: columns of `pipelines.predict.DETAILS`.
        header: whether to name the columns.
    """
    width = max(30, shutil.get_terminal_size((110, 0)).columns - _WHY_AT)
    lines = [f"{'id':<{_ID_WIDTH}} probability  {'verdict':<9}  why"] if header else []
    for row in results.itertuples(index=False):
        flags = f"Flags: {row.flags!s}" if row.flags else ""
        passages = f"{counted(int(str(row.passages)), 'passage')} marked" if row.passages else ""
        why = row.problem or ". ".join(
            str(sentence) for sentence in (row.note, passages, row.why, flags) if sentence
        )
        shown = textwrap.wrap(printable(str(why)), width) or [""]
        row_id = _quoted(" ".join(printable(str(row.id)).split()))
        if len(row_id) > _ID_WIDTH:
            kept = _ID_WIDTH - 3
            # what tells paths apart is their end
            row_id = f"...{row_id[-kept:]}" if "/" in row_id else f"{row_id[:kept]}..."
        lines.append(
            f"{row_id:<{_ID_WIDTH}} {row.generated:>11.3f}  {row.verdict:<9}  {shown[0]}".rstrip()
        )
        lines += [" " * _WHY_AT + line for line in shown[1:]]
    return "\n".join(lines)


def _quoted(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, if the table is pasted into one."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell


def metrics_by_split(metrics: dict[str, Any]) -> str:
    """Format the metrics of a training with one row per metric and one column per split."""
    rows = {
        label: {split: interval(*values[name]) for split, values in metrics["splits"].items()}
        for name, label in METRIC_LABELS.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").to_string()


def evaluation(scored: pd.DataFrame, fpr: float) -> str:
    """Format metrics with intervals, then metrics for each group that the dataset names.

    Args:
        scored: columns generated, probability, flagged and, where known, prompt_id, source,
            domain, generator and attack.
        fpr: the false-positive rate at which texts were flagged.
    """
    lines = [f"{len(scored)} texts, thresholds for a false-positive rate of {fpr:g}"]
    people = scored[scored["generated"] == 0]
    rate = ["", describe_human_rate(people["flagged"], fpr)]
    if len(people) == len(scored):
        return printable("\n".join([*lines, *rate, *_human_rates_by_group(people)]))
    metrics = measure.compute_metrics(scored)
    lines += [f"{METRIC_LABELS[name]:<18} {interval(*values)}" for name, values in metrics.items()]
    lines += rate
    for by in measure.GROUPS:
        if by in scored and scored[by].nunique() > 1:
            lines += ["", _by_group(scored, by)]
    return printable("\n".join(lines))


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """Format a metric and its 95 % confidence interval."""
    if value is None:
        return "-"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _human_rates_by_group(people: pd.DataFrame) -> list[str]:
    """Lines that say how many are flagged of each group that the dataset names."""
    lines = []
    for by in measure.GROUPS:
        if by in people and people[by].nunique() > 1:
            groups = people.groupby(by)["flagged"]
            lines += ["", *(f"{by} {value}: {share_flagged(one)}" for value, one in groups)]
    return lines


def _by_group(scored: pd.DataFrame, by: str) -> str:
    table = pd.DataFrame.from_dict(measure.metrics_by_group(scored, by), orient="index")
    table = table.astype(dict.fromkeys(("texts", "human", "generated"), int))
    table = table.rename(columns=METRIC_LABELS).rename_axis(by)
    return table.to_string(float_format=lambda value: f"{value:.3f}", na_rep="-")
