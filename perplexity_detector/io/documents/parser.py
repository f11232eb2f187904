"""Parse documents in another process, which is killed if it takes too long."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from perplexity_detector.io import child_process
from perplexity_detector.io.documents.extracted import ExtractedText, UnreadableError
from perplexity_detector.io.documents.formats import format_of, require_packages
from perplexity_detector.io.limits import DEFAULT_LIMITS, Limits

_WORKER = "perplexity_detector.io.documents.worker"
#: Seconds for the interpreter and a parser's packages to load, on top of a document's.
_START_SECONDS = 30.0


class Parser:
    """Parses documents one after the other, in a process that starts with the first.

    Args:
        limits: of each document.

    Example:
        >>> with Parser() as parser:
        ...     parser.parse("note.txt", b"We walked to the lake.").text
        'We walked to the lake.'
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._loaded: set[str] = set()

    def __enter__(self) -> Parser:
        """Return the parser itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the process."""
        self.close()

    def parse(self, name: str, content: bytes) -> ExtractedText:
        """The text of a document.

        Args:
            name: its file name.
            content: its bytes.

        Raises:
            UnreadableError: it cannot be read, or not within the limits.
            DatasetError: the package that reads such documents is missing.
        """
        limits = self._limits
        if len(content) > limits.document_bytes:
            raise UnreadableError(f"larger than {limits.document_bytes / 1e6:,.0f} MB")
        format = format_of(name, content)
        require_packages(format)
        answer = self._ask(format, content)
        if answer.get("spent"):  # what it has allocated would fail the next document as well
            self.close()
        if "problem" in answer:
            raise UnreadableError(answer["problem"])
        return ExtractedText(**answer)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        self._loaded.clear()
        if process is not None:
            child_process.end(process)

    def _ask(self, format: str, content: bytes) -> dict[str, Any]:
        if self._process is None:
            self._process = child_process.start(_WORKER)
        process = self._process
        request = {"format": format, "size": len(content), "limits": asdict(self._limits)}
        seconds = self._limits.document_seconds
        loading = 0.0 if format in self._loaded else _START_SECONDS
        try:
            with child_process.killed_after(process, seconds + loading) as overdue:
                line = _exchange(process, json.dumps(request).encode() + b"\n" + content)
        except BaseException:  # interrupted: the process would answer the wrong request
            self.close()
            raise
        if not line.endswith(b"\n"):
            self.close()
            raise UnreadableError(
                f"reading it takes more than {seconds:g} seconds"
                if overdue.is_set()
                else "reading it takes too much memory, or it is damaged"
            )
        self._loaded.add(format)
        answer: dict[str, Any] = json.loads(line)
        return answer


def _exchange(process: subprocess.Popen[bytes], request: bytes) -> bytes:
    """Send a request and wait for the line that answers it; empty if the process has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.write(request)
        process.stdin.flush()
    return process.stdout.readline()
