"""The texts of a dataset: of a table, or of a document, a folder or a zip of documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from perplexity_detector.io import datasets, documents
from perplexity_detector.io.datasets import DEFAULT_COLUMNS, Columns


def is_documents(path: str | Path, format: str | None = None) -> bool:
    """Whether a dataset is documents, and not a table, whose format can be given."""
    return format is None and documents.is_documents(path)


def read_chunks(
    path: str | Path,
    columns: Columns = DEFAULT_COLUMNS,
    *,
    label: bool | None = False,
    chunk_rows: int = 256,
    encoding: str = "utf-8",
    format: str | None = None,
) -> Iterator[pd.DataFrame]:
    """Read frames of rows; see `datasets.read_chunks` and `documents.read_chunks`.

    Args:
        path: a file or folder, or `-` for standard input.
        columns: names of a table's columns.
        label: whether to read labels; None reads them where there are any.
        chunk_rows: rows in a frame; the last frame may have fewer.
        encoding: of a table.
        format: of a table; None takes it from the extension.
    """
    if is_documents(path, format):
        return documents.read_chunks(path, label=label, chunk_rows=chunk_rows)
    return datasets.read_chunks(
        path, columns, label=label, chunk_rows=chunk_rows, encoding=encoding, format=format
    )
