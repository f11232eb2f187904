"""A folder of reports: one for each text that was scored, and an index of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from perplexity_detector.errors import InputError
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.explanation.explanation import Explanation, with_left_out
from perplexity_detector.io.results_writer import write_atomic
from perplexity_detector.web.report import report_html
from perplexity_detector.web.reports_index import index_html

INDEX = "index.html"
_UNSAFE = re.compile(r"[^\w.-]+")
#: Characters of an id in a file's name.
_NAME_LENGTH = 80
_COLUMNS = (
    "id",
    "generated",
    "verdict",
    "note",
    "words",
    "passages",
    "why",
    "flags",
    "problem",
    "left_out",
)


class ReportsFolder:
    """Writes a report for each text, and at the end an index that sorts and filters.

    Args:
        folder: is made if it is not there; reports of the same name are replaced.
        detector: explains the texts, which it reads a second time.
        name: of the detector.

    Raises:
        InputError: the folder cannot be made.
    """

    def __init__(self, folder: str | Path, detector: ExplainableClassifier, name: str) -> None:
        self.folder = Path(folder)
        self._detector = detector
        self._name = name
        self._names = {Path(INDEX).stem}
        self._rows: list[dict[str, Any]] = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{folder} cannot be made a folder ({error.strerror})",
                "reports",
                "name another place for the reports",
            ) from error

    @property
    def index(self) -> Path:
        """Path of the index, which exists once all reports are written."""
        return self.folder / INDEX

    def add(self, results: pd.DataFrame, chunk: pd.DataFrame) -> None:
        """Write the reports of a chunk.

        Args:
            results: of `pipelines.predict.score`.
            chunk: id, text and problem of the same rows, and left_out if they are documents.
        """
        for result, row in zip(results.to_dict("records"), chunk.to_dict("records"), strict=True):
            entry = {name: result[name] for name in _COLUMNS if name in result}
            entry["id"] = str(entry["id"])
            if not row["problem"]:
                explanation = self._detector.explain(
                    row["text"], id=str(row["id"]), detector=self._name
                )
                entry["report"] = self._write(with_left_out(explanation, row.get("left_out", {})))
            self._rows.append(entry)

    def finish(self) -> None:
        """Write the index."""
        content = index_html(self._rows, self._name, float(self._detector.fpr))
        write_atomic(self.index, content)

    def _write(self, explanation: Explanation) -> str:
        """Write a report; return its name."""
        stem = _UNSAFE.sub("_", explanation.id or "text").strip("._")[:_NAME_LENGTH] or "text"
        name, number = stem, 1
        while name.casefold() in self._names:  # some file systems ignore case
            number += 1
            name = f"{stem}-{number}"
        self._names.add(name.casefold())
        write_atomic(self.folder / f"{name}.html", report_html(explanation.to_dict()))
        return f"{name}.html"
