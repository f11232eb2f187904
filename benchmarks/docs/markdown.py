"""Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


class NotMeasuredError(Exception):
    """The json was written before this part was measured."""


def table(head: str, rows: Sequence[Sequence[str]]) -> str:
    """A table from its head line and rows of cells."""
    lines = [head, "|---" * (head.count("|") - 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def percent(value: float | None) -> str:
    """A share in percent; a dash for a missing one."""
    return "-" if value is None or math.isnan(value) else f"{value:.1%}"


def decimals(value: float | None) -> str:
    """A number with three decimals; a dash for a missing one."""
    return "-" if value is None else f"{value:.3f}"


def percent_with_interval(figures: Mapping[str, float], name: str) -> str:
    """A share in percent, with its interval from `name_low` and `name_high`."""
    low, high = figures[f"{name}_low"], figures[f"{name}_high"]
    return f"{percent(figures[name])} ({percent(low)} to {percent(high)})"


def with_interval(value: float, low: float, high: float) -> str:
    """An estimate with its confidence interval."""
    return f"{value:.3f} ({low:.3f} to {high:.3f})"
