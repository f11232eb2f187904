"""Open a file of rows as bytes: unpack it, recognise its format, check its bytes."""

from __future__ import annotations

import codecs
import errno
import gzip
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple, cast

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.limits import DEFAULT_LIMITS, too_large

#: Format by extension; `.gz` may follow.
FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}

#: Encodings of files, by the names of `codecs`: those in use whose decoders take linear time.
ENCODINGS = frozenset(
    [
        *("ascii", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"),
        *("utf-32", "utf-32-le", "utf-32-be"),
        *(f"iso8859-{part}" for part in range(1, 17) if part != 12),
        *(f"cp{page}" for page in (437, 850, 852, 858, 866, 874, *range(1250, 1259))),
        *("mac-roman", "mac-latin2", "mac-cyrillic", "mac-greek", "mac-turkish"),
        *("koi8-r", "koi8-u", "gb2312", "gbk", "gb18030", "big5", "cp950"),
        *("shift_jis", "cp932", "euc_jp", "iso2022_jp", "euc_kr", "cp949"),
    ]
)

_GZIP = b"\x1f\x8b"
#: First bytes of files that are no rows of text -> what such a file is, and what to do.
_SIGNATURES = {
    b"PAR1": ("a Parquet file", "pass {format}=parquet"),
    b"PK\x03\x04": (
        "a zip archive or an Excel workbook",
        "name a zip .zip and a Word file .docx, or save the sheet as csv",
    ),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook or Word file", "save it as csv or .docx"),
    b"%PDF-": ("a PDF", "name it .pdf"),
    b"BZh91AY&SY": ("compressed with bzip2", "unpack it or use gzip"),
    b"\xfd7zXZ\x00": ("compressed with xz", "unpack it or use gzip"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "unpack it or use gzip"),
    _GZIP: ("compressed twice", "unpack it once"),
}


class Opened(NamedTuple):
    """A file that is ready to be read.

    Attributes:
        stream: its bytes, unpacked, at their start.
        format: csv, tsv, jsonl or parquet.
        encoding: the codec of its text.
        name: what an error message calls it.
    """

    stream: IO[bytes]
    format: str
    encoding: str
    name: str


@contextmanager
def open_checked(
    path: str | Path | IO[bytes],
    format: str | None = None,
    encoding: str = "utf-8",
    max_bytes: int = DEFAULT_LIMITS.bytes,
    raw: IO[bytes] | None = None,
) -> Iterator[Opened]:
    """Open a file of rows, unpacked and checked.

    Every format but parquet is read through once, so that a wrong encoding or a damaged archive
    shows before any work is done.

    Args:
        path: a file, or `-` for standard input. A pipe, which cannot be read twice, is copied to
            a temporary file. An open file is read from its start and not closed; its format must
            be given.
        format: csv, tsv, jsonl or parquet; None takes it from the extension, and for a pipe from
            the first character.
        encoding: one of ENCODINGS, under any of its names; a byte order mark of UTF-8 is skipped.
        max_bytes: limit of its size, unpacked; of parquet, of its size before it is decoded.
        raw: the file, if it is open already; `path` then only names it.

    Yields:
        The open file; it is closed with the block.

    Raises:
        DatasetError: the file is missing, empty, damaged, too large, or of another format or
            encoding. Also raised if damage shows only within the block.
    """
    with ExitStack() as stack:
        try:
            codec = _checked_encoding(encoding)
            yield _open(raw or path, _name(path), format, codec, max_bytes, stack)
        except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
            raise DatasetError(
                f"{_name(path)} is damaged or cut short ({_shorten(error)})",
                hint="make or copy it again",
            ) from error


def _name(path: str | Path | IO[bytes]) -> str:
    if not isinstance(path, str | Path):
        return "The file"
    return "standard input" if str(path) == "-" else str(path)


def _open(
    path: str | Path | IO[bytes],
    name: str,
    format: str | None,
    encoding: str,
    max_bytes: int,
    stack: ExitStack,
) -> Opened:
    if format is not None and format not in FORMATS.values():
        raise DatasetError(
            f"There is no format {format!r}", "format", "{format} is csv, tsv, jsonl or parquet"
        )
    piped = str(path) == "-"
    raw = _standard_input() if piped else stack.enter_context(_open_file(path))
    if piped or not raw.seekable():
        piped = True
        raw = stack.enter_context(_temporary_copy(raw, name, max_bytes))
    packed = raw.read(len(_GZIP)) == _GZIP
    raw.seek(0)
    stream = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=raw))) if packed else raw
    head = stream.read(1 << 16)
    stream.seek(0)
    if not head:
        raise DatasetError(f"{name} is empty", hint="give a file with a row for each text")
    if format is None:
        format = _format_of_head(head, encoding) if piped else _format_of_name(Path(name), head)
    if format != "parquet":
        _check_head(head, name, format, encoding)
        _check_content(stream, name, encoding, max_bytes)
    elif packed:
        # parquet is read from its end, where gzip cannot go directly
        stream = stack.enter_context(_temporary_copy(stream, name, max_bytes))
    return Opened(stream, format, encoding, name)


def _standard_input() -> IO[bytes]:
    if sys.stdin is None:  # closed by who started this program
        raise DatasetError("Standard input is closed", hint="pipe a file into it, or name one")
    return sys.stdin.buffer


def _open_file(path: str | Path | IO[bytes]) -> IO[bytes]:
    if not isinstance(path, str | Path):
        path.seek(0)
        return os.fdopen(os.dup(path.fileno()), "rb")
    path = Path(path)
    if path.is_dir():
        raise DatasetError(f"{path} is a folder", hint="name a file in it")
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise DatasetError(f"There is no file {path}", hint="check the path") from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be opened: {_shorten(error)}.") from error


@contextmanager
def _temporary_copy(stream: IO[bytes], name: str, max_bytes: int) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        try:
            copy = stack.enter_context(tempfile.TemporaryFile())
            for block in _blocks(stream, name, max_bytes):
                copy.write(block)
            copy.seek(0)
        except OSError as error:
            with suppress(OSError):  # closing writes what is left, which finds no room either
                stack.close()
            if error.errno not in (errno.ENOSPC, errno.EFBIG):
                raise
            raise DatasetError(
                f"{name} cannot be copied to {tempfile.gettempdir()} ({_shorten(error)})",
                hint="free some room there, or set TMPDIR to another folder",
            ) from error
        yield copy


def _blocks(stream: IO[bytes], name: str, max_bytes: int) -> Iterator[bytes]:
    """Blocks of a stream, up to a number of bytes."""
    size = 0
    while block := stream.read(1 << 16):
        size += len(block)
        if size > max_bytes:
            raise too_large(name, f"{max_bytes:,} bytes")
        yield block


def _format_of_name(path: Path, head: bytes) -> str:
    named = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    if named.suffix.lower() not in FORMATS:
        _check_signature(head, str(path))
        raise DatasetError(
            f"{path} has no known extension ({', '.join(FORMATS)}, each also with .gz)",
            "format",
            "pass {format}=csv, tsv, jsonl or parquet",
        )
    return FORMATS[named.suffix.lower()]


def _format_of_head(head: bytes, encoding: str) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    return "jsonl" if head.decode(encoding, "ignore").lstrip().startswith("{") else "csv"


def _checked_encoding(encoding: str) -> str:
    try:
        codec = codecs.lookup(encoding).name
    except (LookupError, TypeError, ValueError):
        codec = ""
    if codec not in ENCODINGS:
        raise DatasetError(
            f"{'No file may be in' if codec else 'There is no'} encoding {encoding!r}",
            "encoding",
            "try {encoding}=utf-8, utf-16, latin-1 or cp1252",
        )
    return "utf-8-sig" if codec == "utf-8" else encoding


def _check_signature(head: bytes, name: str) -> None:
    for signature, (kind, hint) in _SIGNATURES.items():
        if head.startswith(signature):
            raise DatasetError(f"{name} is {kind}", "format", hint)


def _check_head(head: bytes, name: str, format: str, encoding: str) -> None:
    _check_signature(head, name)
    wide = _wide_encoding(head)
    if wide and wide[-2:] not in encoding:
        raise DatasetError(f"{name} is in {wide.upper()}", "encoding", f"pass {{encoding}}={wide}")
    start = head.decode(encoding, "ignore")
    if start.count("\0") > len(start) / 100:  # a text can hold a few by mistake
        raise DatasetError(
            f"{name} is not text, it has NUL bytes",
            "encoding",
            "save it as csv or jsonl, pass {encoding}=utf-16 if it is in UTF-16, or pass {format} "
            "if it is in another format",
        )
    if format == "jsonl" and start.lstrip().startswith("["):
        raise DatasetError(
            f"{name} is one JSON array", hint="write one JSON object a line (JSON lines)"
        )
    if format in ("csv", "tsv") and start.lstrip().startswith("{"):
        raise DatasetError(f"{name} holds JSON, not {format}", "format", "pass {format}=jsonl")


def _wide_encoding(head: bytes) -> str:
    """The encoding that a byte order mark of four or two bytes stands for; empty without one."""
    # UTF-32's begins with UTF-16's
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""


def _check_content(stream: IO[bytes], name: str, encoding: str, max_bytes: int) -> None:
    """Read all of a stream: its size, and whether it is in its encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    try:
        for block in _blocks(stream, name, max_bytes):
            line += decoder.decode(block).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += error.object[: error.start].count(b"\n")
        raise DatasetError(
            f"{name} is not {encoding.removesuffix('-sig')} at line {line}",
            "encoding",
            "pass its encoding, for example {encoding}=cp1252 for a file from Windows",
        ) from error
    stream.seek(0)


def _shorten(error: Exception) -> str:
    """The reason of an exception, in one short line."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(reason.split())[:200].rstrip(".")
