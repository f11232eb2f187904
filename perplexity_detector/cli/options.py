"""Parse and check the options of commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from perplexity_detector.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from perplexity_detector.io.datasets import Columns
    from perplexity_detector.io.shards import Dataset


#: Rows that are read at a time to find one text.
SCAN_ROWS = 64
#: The same where all are wanted.
ALL_ROWS = 4096


@dataclass(frozen=True)
class DatasetOptions:
    """How to read a dataset.

    Attributes:
        columns: names of its columns.
        encoding: a Python codec.
        format: csv, tsv, jsonl or parquet; None takes it from the extension.
    """

    columns: Columns
    encoding: str
    format: str | None

    @classmethod
    def parse(cls, given: dict[str, Any], others: Iterable[str] = ()) -> DatasetOptions:
        """Parse options of a command.

        Args:
            given: name -> value.
            others: names of the command's other options, to suggest one for a wrong name.

        Raises:
            InputError: there is no such option.
        """
        from perplexity_detector.io.datasets import Columns

        roles = {f"{role.name}_column": role.name for role in fields(Columns)}
        known = [*roles, "encoding", "format"]
        for name in given:
            if name not in known:
                similar = get_close_matches(name, [*known, *others], 1)
                advice = f"did you mean --{similar[0]}?" if similar else "see --help."
                raise InputError(f"There is no option --{name}; {advice}")
        columns = Columns(**{roles[name]: str(given[name]) for name in given if name in roles})
        format_name = given.get("format")
        return cls(
            columns,
            str(given.get("encoding", "utf-8")),
            None if format_name is None else str(format_name),
        )

    def is_documents(self, dataset: str) -> bool:
        """Whether a dataset is documents, and not a table of texts."""
        from perplexity_detector.io import texts

        return texts.is_documents(dataset, self.format)

    def in_shards(self, dataset: str) -> Dataset:
        """A dataset of any number of tables."""
        from perplexity_detector.io.shards import Dataset

        return Dataset(dataset, self.columns, self.encoding, self.format)

    def read_chunks(
        self, dataset: str, rows: int = SCAN_ROWS, label: bool | None = False
    ) -> Iterator[pd.DataFrame]:
        """Read frames of `rows` rows of one dataset, or of the tables of a pattern or URL."""
        from perplexity_detector.io import shards, texts
        from perplexity_detector.io.storage import is_pattern, is_url

        if is_url(str(dataset)) or is_pattern(str(dataset)):
            return shards.read_tables(self.in_shards(str(dataset)), rows, label)
        return texts.read_chunks(
            str(dataset), self.columns, label=label, chunk_rows=rows,
            encoding=self.encoding, format=self.format,
        )  # fmt: skip

    def _read_all(self, dataset: str, label: bool | None) -> pd.DataFrame:
        import pandas as pd

        return pd.concat(self.read_chunks(dataset, ALL_ROWS, label), ignore_index=True)

    def read_labelled(self, dataset: str, both_classes: bool = True) -> pd.DataFrame:
        """Read all usable rows; the others are reported.

        Args:
            dataset: the file; or documents, in folders that say what they are.
            both_classes: whether the rows must be of both classes.

        Raises:
            DatasetError: the file cannot be read, or lacks a class.
        """
        from perplexity_detector.io.datasets import require_two_classes, split_problems
        from perplexity_detector.io.row_problems import ProblemReport

        frame = self._read_all(dataset, label=True)
        usable, unusable = split_problems(frame)
        with ProblemReport() as report:
            report.add(unusable)
        if both_classes:
            require_two_classes(frame)
        return usable

    def read_human(self, dataset: str) -> pd.DataFrame:
        """Read all usable rows but those that are labelled as generated; these are reported.

        Args:
            dataset: the file, or documents; they need not have labels.

        Raises:
            DatasetError: the file cannot be read, or has no such row.
        """
        from perplexity_detector.errors import DatasetError
        from perplexity_detector.io.datasets import split_problems
        from perplexity_detector.io.row_problems import ProblemReport
        from perplexity_detector.pipelines.recalibrate import mark_generated

        frame = self._read_all(dataset, label=None)
        usable, unusable = split_problems(mark_generated(frame))
        with ProblemReport() as report:
            report.add(unusable)
        if usable.empty:
            raise DatasetError(f"{dataset} has no usable text by a person.")
        return usable


def format_options(options: dict[str, object]) -> list[str]:
    """Format the options that are not None as on the command line."""
    return [
        f"--{name}={','.join(map(str, value)) if isinstance(value, tuple | list) else value}"
        for name, value in options.items()
        if value is not None
    ]


def parse_list(value: object) -> list[str] | None:
    """Parse names joined by commas, which Fire turns into a tuple, or a string if it is one."""
    if value is None:
        return None
    return [str(name) for name in (value if isinstance(value, tuple) else [value])]


def parse_str(value: object) -> str | None:
    """Parse a name or path; Fire turns one like 2024 into a number."""
    return None if value is None else str(value)


def parse_rate(fpr: object) -> float:
    """Parse a false-positive rate.

    Raises:
        InputError: it is not a number between 0 and 1.
    """
    if isinstance(fpr, bool) or not isinstance(fpr, (int, float)) or not 0 < fpr < 1:
        raise InputError(f"--fpr is a rate between 0 and 1, such as 0.01, not {fpr}.")
    return float(fpr)


def parse_int(name: str, value: object, minimum: int = 0) -> int:
    """Parse a whole number.

    Raises:
        InputError: it is not a whole number of at least `minimum`.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise InputError(f"--{name} is a whole number of at least {minimum}, not {value}.")
    return value


def parse_positive_ints(**values: object) -> dict[str, int | None]:
    """Parse whole numbers of at least 1; None, which means no limit, stays None."""
    return {
        name: None if value is None else parse_int(name, value, 1) for name, value in values.items()
    }


def parse_bool(name: str, value: object) -> bool:
    """Parse True or False in any case; Fire reads `false` as a string.

    Raises:
        InputError: it is neither.
    """
    parsed = {"true": True, "false": False}.get(str(value).lower())
    if parsed is None:
        raise InputError(f"--{name} is True or False, not {value}.")
    return parsed
