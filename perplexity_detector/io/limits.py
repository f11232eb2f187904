"""Limits within which files are read, so that none can exhaust the machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from perplexity_detector.errors import DatasetError, TooLargeError

_MEGABYTE = 1_000_000
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Limits:
    """Limits of reading one table, document, folder or zip.

    Attributes:
        bytes: of a table or of a zip, once unpacked; of a zip, those within it included.
        rows: of a table.
        columns: of a table, and fields of one JSON object.
        seconds: that reading may take; the time between two rows or documents does not count.
        memory: bytes of address space of the process that parses documents and parquet, where
            the system has such a limit (not on Windows and macOS).
        files: of a folder or zip.
        nesting: how deep zips may lie within a zip.
        document_bytes: size of one document.
        document_seconds: to parse one document.
        docx_bytes: unpacked size of a DOCX.
        pages: of a PDF.
    """

    bytes: int = 20_000 * _MEGABYTE
    rows: int = 100_000_000
    columns: int = 4_000
    seconds: float = 6 * 3_600.0
    memory: int = 1_000 * _MEGABYTE
    files: int = 20_000
    nesting: int = 1
    document_bytes: int = 50 * _MEGABYTE
    document_seconds: float = 30.0
    docx_bytes: int = 500 * _MEGABYTE
    pages: int = 500


DEFAULT_LIMITS = Limits()


def too_large(name: str, what: str) -> TooLargeError:
    """The error of a file that exceeds a limit.

    Args:
        name: of the file.
        what: the limit, such as `1,000 rows`.
    """
    return TooLargeError(f"{name} has more than {what}", hint="give it in parts")


def in_time(items: Iterator[_Item], limits: Limits, name: str) -> Iterator[_Item]:
    """Pass on what is read from a file, as long as reading takes no longer than allowed.

    Raises:
        DatasetError: it takes longer.
    """
    spent = 0.0
    while True:
        begin = time.monotonic()
        try:
            item = next(items)
        except StopIteration:
            return
        spent += time.monotonic() - begin
        if spent > limits.seconds:
            raise slow(name, limits)
        yield item


def slow(name: str, limits: Limits) -> DatasetError:
    """The error of a file whose reading takes too long."""
    return DatasetError(
        f"{name} takes more than {limits.seconds:g} seconds to read", hint="give it in parts"
    )
