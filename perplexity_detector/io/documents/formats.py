"""Recognise a document's format by its first bytes and its name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import PurePath

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.documents.extracted import UnreadableError

#: Format by extension.
FORMATS = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
}
_SAVE_AS = "save it as .docx or PDF"
#: Extension of documents that are not read -> what they are, and what to do.
UNREAD = {
    ".rtf": f"an RTF file; {_SAVE_AS}",
    ".doc": f"an old Word file; {_SAVE_AS}",
    ".odt": f"an OpenDocument file; {_SAVE_AS}",
    ".pages": f"a Pages file; {_SAVE_AS}",
    ".wpd": f"a WordPerfect file; {_SAVE_AS}",
}
#: Package that reads a format -> the module to import.
_MODULES = {"pdf": "pypdfium2", "docx": "docx", "html": "trafilatura"}
_ZIP, _OLE, _RTF, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"{\\rtf", b"%PDF-"


def format_of(name: str, content: bytes) -> str:
    """The format of a document: a key of the parsers in `worker`.

    Args:
        name: its file name.
        content: its bytes.

    Raises:
        UnreadableError: it is empty, of a kind that is not read, or not what its name says.
    """
    suffix = PurePath(name).suffix.lower()
    if not content:
        raise UnreadableError("the file is empty")
    if content.startswith(_OLE):
        raise UnreadableError(
            "an old Word file or one locked with a password; save it as .docx without a password"
        )
    if content.startswith(_RTF):
        raise UnreadableError(UNREAD[".rtf"])
    if suffix in UNREAD:
        raise UnreadableError(UNREAD[suffix])
    known = FORMATS.get(suffix)
    if known is None:
        extensions = ", ".join(one for one in FORMATS if one not in (".text", ".docm", ".xhtml"))
        raise UnreadableError(f"no document; those that are read end with {extensions}")
    if known == "pdf" and _PDF not in content[:1024]:
        raise UnreadableError("not a PDF, though its name says so")
    if known == "docx" and not content.startswith(_ZIP):
        raise UnreadableError("not a Word file, though its name says so")
    if known in ("text", "markdown", "html") and content.startswith((_PDF, _ZIP)):
        raise UnreadableError("not text, though its name says so; give it its right extension")
    return known


def require_packages(format: str) -> None:
    """Check that the package that reads a format is installed.

    Raises:
        DatasetError: it is missing.
    """
    module = _MODULES.get(format)
    if module is not None and find_spec(module) is None:
        raise DatasetError(
            f"Reading {format.upper()} files needs {module}",
            hint="pip install 'perplexity-detector[documents]'",
        )
