"""The process that parses documents: it can be killed, and its memory is limited.

It reads requests from standard input and writes answers to standard output. A request is a line
of JSON (format, size, limits) and the document's bytes; an answer is a line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from typing import Any

from perplexity_detector.io.child_process import limit_memory
from perplexity_detector.io.documents.extracted import ExtractedText, UnreadableError
from perplexity_detector.io.limits import Limits

#: Format -> module and function that parse it; a module is imported when it is first needed.
_PARSERS = {
    "text": ("plain", "read_text"),
    "markdown": ("plain", "read_markdown"),
    "pdf": ("pdf", "read_pdf"),
    "docx": ("word", "read_docx"),
    "html": ("web", "read_html"),
}
DAMAGED = "damaged or cut short"
TOO_MUCH_MEMORY = "reading it takes too much memory"


def parse(format: str, content: bytes, limits: Limits) -> ExtractedText:
    """Parse a document in this process.

    Raises:
        UnreadableError: it cannot be read.
    """
    module, function = _PARSERS[format]
    imported = import_module(f"perplexity_detector.io.documents.{module}")
    parser: Callable[[bytes, Limits], ExtractedText] = getattr(imported, function)
    return parser(content, limits)


def main() -> None:
    """Answer requests until standard input ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    limited = False
    while line := requests.readline():
        request = json.loads(line)
        limits = Limits(**request["limits"])
        if not limited:
            limit_memory(limits.memory)
            limited = True
        answer = json.dumps(_answer(request["format"], requests.read(request["size"]), limits))
        answers.write(answer.encode() + b"\n")
        answers.flush()


def _answer(format: str, content: bytes, limits: Limits) -> dict[str, Any]:
    try:
        return asdict(parse(format, content, limits))
    except UnreadableError as error:
        return {"problem": str(error)}
    except MemoryError:
        return {"problem": TOO_MUCH_MEMORY, "spent": True}
    except Exception:  # a broken file can make a parser raise anything
        return {"problem": DAMAGED}
