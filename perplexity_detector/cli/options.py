"""Options as the command line gives them -> values that the library takes, checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from perplexity_detector.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from perplexity_detector.io.datasets import Columns


#: Rows read together when a single text is looked for.
SCAN_ROWS = 64


@dataclass(frozen=True)
class DatasetOptions:
    """How a dataset is to be read."""

    columns: Columns
    encoding: str
    format: str | None

    @classmethod
    def of(cls, given: dict[str, Any], others: Iterable[str] = ()) -> DatasetOptions:
        """From options as the command line gives them.

        Args:
            given: name -> value.
            others: what else the command knows, to guess what a wrong name was meant to be.

        Raises:
            InputError: there is no such option.
        """
        from perplexity_detector.io.datasets import Columns

        roles = {f"{role.name}_column": role.name for role in fields(Columns)}
        known = [*roles, "encoding", "format"]
        for name in given:
            if name not in known:
                like = get_close_matches(name, [*known, *others], 1)
                hint = f"did you mean --{like[0]}?" if like else "see --help."
                raise InputError(f"There is no option --{name}; {hint}")
        columns = Columns(**{roles[name]: str(given[name]) for name in given if name in roles})
        format_name = given.get("format")
        return cls(
            columns,
            str(given.get("encoding", "utf-8")),
            None if format_name is None else str(format_name),
        )

    def read_chunks(self, dataset: str, rows: int = SCAN_ROWS) -> Iterator[pd.DataFrame]:
        """Frames of so many rows; see `datasets.read_chunks`."""
        from perplexity_detector.io.datasets import read_chunks

        return read_chunks(
            str(dataset),
            self.columns,
            chunk_rows=rows,
            encoding=self.encoding,
            format=self.format,
        )

    def read_labelled(self, dataset: str, both: bool = True) -> pd.DataFrame:
        """All usable rows; the others are named in the log.

        Args:
            dataset: the file.
            both: whether rows of both classes must be there.
        """
        from perplexity_detector.io.datasets import read_all, require_two_classes, split_problems
        from perplexity_detector.io.row_problems import ProblemReport

        frame = read_all(
            str(dataset), self.columns, label=True, encoding=self.encoding, format=self.format
        )
        good, bad = split_problems(frame)
        with ProblemReport() as report:
            report.add(bad)
        if both:
            require_two_classes(frame)
        return good


def format_options(options: dict[str, object]) -> list[str]:
    """Options that were given, as on the command line."""
    return [
        f"--{name}={','.join(map(str, value)) if isinstance(value, tuple | list) else value}"
        for name, value in options.items()
        if value is not None
    ]


def parse_list(families: object) -> list[str] | None:
    """`--families=a,b` as a list; Fire makes a tuple of it, or a string of one name."""
    if families is None:
        return None
    return [str(name) for name in (families if isinstance(families, tuple) else [families])]


def parse_str(value: object) -> str | None:
    """A name or path; Fire makes a number of one like 2024."""
    return None if value is None else str(value)


def parse_rate(fpr: object) -> float:
    """A false-positive rate.

    Raises:
        InputError: it is not a number between 0 and 1.
    """
    if isinstance(fpr, bool) or not isinstance(fpr, (int, float)) or not 0 < fpr < 1:
        raise InputError(f"--fpr is a rate between 0 and 1, such as 0.01, not {fpr}.")
    return float(fpr)


def parse_int(name: str, value: object, least: int = 0) -> int:
    """A whole number.

    Raises:
        InputError: it is another thing, or under `least`.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"--{name} is a whole number from {least} on, not {value}.")
    return value


def parse_positive_ints(**values: object) -> dict[str, int | None]:
    """Whole numbers from 1 on; None is no limit."""
    return {
        name: None if value is None else parse_int(name, value, 1) for name, value in values.items()
    }


def parse_bool(name: str, value: object) -> bool:
    """True or False, in capitals or not: to Fire, `false` is a word.

    Raises:
        InputError: it is another thing.
    """
    on = {"true": True, "false": False}.get(str(value).lower())
    if on is None:
        raise InputError(f"--{name} is True or False, not {value}.")
    return on
