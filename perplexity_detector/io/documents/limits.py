"""Limits within which documents are read, so that no file can exhaust the machine."""

from __future__ import annotations

from dataclasses import dataclass

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Limits of one reading.

    Attributes:
        pages: pages of a PDF.
        seconds: to parse one document.
        memory: bytes of address space of the process that parses, where the system has such a
            limit (not on Windows and macOS).
        document_bytes: size of one document.
        unpacked_bytes: unpacked size of a zip, those within it included, or of a DOCX.
        files: files of a folder or zip.
        nesting: how deep zips may lie within a zip.
    """

    pages: int = 500
    seconds: float = 30.0
    memory: int = 1_000 * _MEGABYTE
    document_bytes: int = 50 * _MEGABYTE
    unpacked_bytes: int = 500 * _MEGABYTE
    files: int = 20_000
    nesting: int = 1


DEFAULT_LIMITS = Limits()
