"""Parse documents in another process, which is killed if it takes too long."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from perplexity_detector.io.documents.extracted import ExtractedText, UnreadableError
from perplexity_detector.io.documents.formats import format_of, require_packages
from perplexity_detector.io.documents.limits import DEFAULT_LIMITS, Limits

# with this process's own search path, and without the working folder, whose files could shadow
# a module that the parsers import
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from perplexity_detector.io.documents.worker import main; main()"
)
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
            process.kill()
            process.communicate()

    def _ask(self, format: str, content: bytes) -> dict[str, Any]:
        process = self._process or self._start()
        request = {"format": format, "size": len(content), "limits": asdict(self._limits)}
        seconds = self._limits.seconds
        overdue = threading.Event()

        def stop() -> None:
            overdue.set()
            process.kill()

        loading = 0.0 if format in self._loaded else _START_SECONDS
        timer = threading.Timer(seconds + loading, stop)
        timer.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(request).encode() + b"\n" + content)
                process.stdin.flush()
            line = process.stdout.readline()
        except BaseException:  # interrupted: the process would answer the wrong request
            self.close()
            raise
        finally:
            timer.cancel()
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

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-c", _START, json.dumps(sys.path)]
        # what a parser prints could hold the text
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return self._process
