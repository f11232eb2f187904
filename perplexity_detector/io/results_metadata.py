"""Write the metadata of results, next to them: `results.meta.json` for `results.csv`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from perplexity_detector.errors import InputError
from perplexity_detector.io.atomic import replace_file
from perplexity_detector.io.working_files import open_no_link


class MetadataWriter:
    """Writes a JSON object next to results, an entry a text, so that memory stays small.

    The file appears when it is complete, at the end of the `with` block; after an exception an
    earlier one is unchanged. Without a call of `begin` nothing is written.

    Args:
        results: the file of the results; the other is named like it, with `.meta.json`.

    Attributes:
        path: of the file.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(self, results: str | Path) -> None:
        self._results = Path(results).resolve()  # a link stays a link
        self.path = self._results.with_suffix(".meta.json")
        self._partial = self.path.with_name(self.path.name + ".part")
        self._file: IO[str] | None = None
        self._entries = 0

    def __enter__(self) -> MetadataWriter:
        return self

    def begin(self, values: Mapping[str, Any]) -> None:
        """Open the file and write plain values, one or more, that do not depend on the texts."""
        head = json.dumps(dict(values), indent=1, allow_nan=False).removesuffix("\n}")
        with self._as_input_error():
            self._file = open_no_link(self._partial, "w")
            self._file.write(f'{head},\n "texts": [')

    def add_texts(self, ids: Iterable[str], hashes: Iterable[str | None]) -> None:
        """Add texts to the list `texts`: their ids and the SHA-256 of each, None if not read."""
        assert self._file is not None, "call begin first"
        for row_id, digest in zip(ids, hashes, strict=True):
            separator = "," if self._entries else ""
            entry = json.dumps({"id": row_id, "text_sha256": digest})
            with self._as_input_error():
                self._file.write(f"{separator}\n  {entry}")
            self._entries += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Add the hash of the finished results, and move the file to its place."""
        if self._file is None:
            return
        try:
            with self._as_input_error(), self._file:
                if kind is None:
                    # by which a reader knows whether these are the results that it describes
                    digest = _file_sha256(self._results)
                    self._file.write(f'\n ],\n "results_sha256": "{digest}"\n}}\n')
            if kind is None:
                with self._as_input_error():
                    replace_file(self._partial, self.path)
        finally:
            self._partial.unlink(missing_ok=True)

    @contextmanager
    def _as_input_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written ({error.strerror})",
                "output",
                "name another place for the results",
            ) from error


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
