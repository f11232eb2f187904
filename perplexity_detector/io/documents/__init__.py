"""Documents: the running text of PDF, Word, HTML, Markdown and plain text files, alone or many."""

from perplexity_detector.io.documents.collection import is_documents
from perplexity_detector.io.documents.extracted import SCAN, ExtractedText
from perplexity_detector.io.documents.frames import read, read_chunks
from perplexity_detector.io.documents.limits import DEFAULT_LIMITS, Limits

__all__ = [
    "DEFAULT_LIMITS",
    "SCAN",
    "ExtractedText",
    "Limits",
    "is_documents",
    "read",
    "read_chunks",
]
