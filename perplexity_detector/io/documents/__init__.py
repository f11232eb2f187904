"""Documents: the running text of PDF, Word, HTML, Markdown and plain text files, alone or many."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perplexity_detector.io.documents.collection import is_documents
    from perplexity_detector.io.documents.extracted import SCAN, ExtractedText
    from perplexity_detector.io.documents.frames import read, read_chunks

__all__ = [
    "SCAN",
    "ExtractedText",
    "is_documents",
    "read",
    "read_chunks",
]

# loaded when first used: the process that parses has no need of pandas
_MODULES = {
    "SCAN": "extracted",
    "ExtractedText": "extracted",
    "is_documents": "collection",
    "read": "frames",
    "read_chunks": "frames",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
