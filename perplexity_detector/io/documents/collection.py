"""The documents of a folder or a zip, each with its id."""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from perplexity_detector.errors import DatasetError
from perplexity_detector.io.documents.extracted import UnreadableError
from perplexity_detector.io.documents.formats import FORMATS, UNREAD
from perplexity_detector.io.limits import Limits, too_large

_ZIP = ".zip"
#: Files that systems and programs leave next to documents.
_NOISE = re.compile(r"(?:^|/)(?:__MACOSX/|\.|~\$|Thumbs\.db$|desktop\.ini$)")
#: The folder of one student's submission in Moodle's zip: name, number, kind of submission.
_MOODLE = re.compile(r"(?P<student>[^/]+_\d+_assignsubmission_[a-z]+_?)/[^/]+")
#: A file in Canvas's zip, which has no folders: name, LATE, numbers, the file's own name.
_CANVAS = re.compile(r"(?P<student>[^/_]+(?:_LATE)?_\d{2,}_\d{2,})_[^/]+")


@dataclass(frozen=True)
class File:
    """A file among documents.

    Attributes:
        id: its path within the folder or zip, or the student's folder.
        path: its path within the folder or zip.
        read: returns its bytes, or raises UnreadableError.
    """

    id: str
    path: str
    read: Callable[[], bytes]


def is_documents(path: str | Path) -> bool:
    """Whether a path names a document, a folder or a zip, and not a table of texts."""
    return has_document_name(str(path)) or (str(path) != "-" and Path(path).is_dir())


def has_document_name(name: str) -> bool:
    """Whether a name has the extension of a document or a zip."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix in FORMATS or suffix in UNREAD or suffix == _ZIP


@contextmanager
def open_files(path: str | Path, limits: Limits) -> Iterator[list[File]]:
    """The files of a folder or zip, ordered by path; or the one document itself.

    Files that systems leave behind, such as `.DS_Store`, are not listed. In the zips that Moodle
    and Canvas export, the id of a student's only file is the student's folder, or in Canvas's the
    part of the name that stands for the student.

    Yields:
        The files, which can be read within the block.

    Raises:
        DatasetError: there is no such file or it is no zip; or it holds no or too many files.
    """
    path = Path(path)
    with ExitStack() as stack:
        if path.is_dir():
            files = _of_folder(path, limits, stack)
        elif path.suffix.lower() == _ZIP:
            files = _of_zip_file(path, limits, stack)
        else:
            if not path.is_file():
                raise DatasetError(f"There is no file {path}", hint="check the path")
            files = [_of_path(path, path.name, limits)]
        if not files:
            raise DatasetError(f"{path} holds no documents", hint="give one with a file a text")
        _check_number(files, str(path), limits)
        yield with_students(sorted(files, key=lambda file: _natural(file.path)))


@contextmanager
def open_named(named: Sequence[tuple[IO[bytes], str]], limits: Limits) -> Iterator[list[File]]:
    """Open files and their names; zips among them are unpacked.

    Args:
        named: each file, which is not closed, and its name.
        limits: of each zip.

    Yields:
        The files, which can be read within the block.

    Raises:
        DatasetError: there are too many.
    """
    with ExitStack() as stack:
        files: list[File] = []
        for file, name in named:
            if name.lower().endswith(_ZIP):
                prefix = f"{name}/" if len(named) > 1 else ""
                files += _zip_in_place(file, name, limits, stack, prefix)
            else:
                files.append(_of_path(file, name, limits))
        _check_number(files, "What was sent", limits)
        yield with_students(files)


def _check_number(files: Sequence[File], name: str, limits: Limits) -> None:
    if len(files) > limits.files:
        raise too_large(name, f"{limits.files:,} files")


def with_students(files: Sequence[File]) -> list[File]:
    """Give a student's only file in a platform's export the student's folder as id."""
    students = [_student(file.path) for file in files]
    count = Counter(students)
    return [
        replace(file, id=student) if student and count[student] == 1 else file
        for file, student in zip(files, students, strict=True)
    ]


def _student(path: str) -> str | None:
    moodle = _MOODLE.search(path)
    if moodle:
        return moodle["student"]
    canvas = _CANVAS.fullmatch(PurePosixPath(path).name)
    return canvas["student"] if canvas else None


def _natural(path: str) -> list[tuple[int, int, str]]:
    """A key that orders essay2 before essay10."""
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+", path.lower())
    return [(0, int(one), "") if one[0] in "0123456789" else (1, 0, one) for one in parts]


# --- folders --------------------------------------------------------------------------------


def _of_folder(folder: Path, limits: Limits, stack: ExitStack) -> list[File]:
    files: list[File] = []
    for parent, _, names in os.walk(folder):
        for name in names:
            file = Path(parent) / name
            path = file.relative_to(folder).as_posix()
            if _NOISE.search(path):
                continue
            if file.suffix.lower() == _ZIP:
                files += _zip_in_place(file, path, limits, stack, f"{path}/")
            else:
                files.append(_of_path(file, path, limits))
            if len(files) > limits.files:
                return files
    return files


def _of_path(file: Path | IO[bytes], path: str, limits: Limits) -> File:
    def read() -> bytes:
        try:
            with file.open("rb") if isinstance(file, Path) else nullcontext(file) as stream:
                if os.fstat(stream.fileno()).st_size > limits.document_bytes:
                    raise UnreadableError(_too_large(limits))
                stream.seek(0)
                return stream.read()
        except OSError as error:
            raise UnreadableError(f"cannot be opened ({error.strerror})") from error

    return File(path, path, read)


def _zip_in_place(
    file: Path | IO[bytes], path: str, limits: Limits, stack: ExitStack, prefix: str
) -> list[File]:
    """The files of a zip in a folder; a broken one costs itself alone."""
    try:
        return _of_zip_file(file, limits, stack, prefix)
    except DatasetError:
        return [_unreadable(path, "a damaged zip")]


# --- zips -----------------------------------------------------------------------------------


def _of_zip_file(
    path: Path | IO[bytes], limits: Limits, stack: ExitStack, prefix: str = ""
) -> list[File]:
    try:
        stream = stack.enter_context(path.open("rb")) if isinstance(path, Path) else path
    except FileNotFoundError:
        raise DatasetError(f"There is no file {path}", hint="check the path") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be opened: {error.strerror}.") from error
    budget = _Budget(limits)
    try:
        return _of_zip(stream, prefix, 0, budget, stack)
    except _BROKEN as error:
        raise DatasetError(
            f"{path} is no zip, or damaged", hint="make or download it again"
        ) from error


#: What `zipfile` raises for files that are no zip, damaged, or packed in a way it cannot unpack.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError,
    RuntimeError, OverflowError,
)  # fmt: skip


class _Budget:
    """The unpacked bytes that a zip may still have."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._left = limits.bytes

    def take(self, size: int) -> None:
        """Take bytes of it.

        Raises:
            UnreadableError: it has not so many.
        """
        if size > self._left:
            most = self.limits.bytes / 1e6
            raise UnreadableError(f"the zip unpacks to more than {most:,.0f} MB")
        self._left -= size


def _of_zip(
    stream: IO[bytes], prefix: str, depth: int, budget: _Budget, stack: ExitStack
) -> list[File]:
    archive = stack.enter_context(zipfile.ZipFile(stream))
    files: list[File] = []
    for entry in archive.infolist():
        name = entry.filename
        if entry.is_dir() or _NOISE.search(name):
            continue
        path = prefix + name
        if name.lower().endswith(_ZIP):
            files += _nested(archive, entry, path, depth + 1, budget, stack)
        else:
            files.append(File(path, path, _reader(archive, entry, budget)))
        if len(files) > budget.limits.files:
            break
    return files


def _nested(
    archive: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    path: str,
    depth: int,
    budget: _Budget,
    stack: ExitStack,
) -> list[File]:
    if depth > budget.limits.nesting:
        return [_unreadable(path, "a zip too deep within zips; unpack it")]
    try:
        copy = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        copy.write(_reader(archive, entry, budget)())
        copy.seek(0)
        return _of_zip(copy, f"{path}/", depth, budget, stack)
    except UnreadableError as error:
        return [_unreadable(path, str(error))]
    except _BROKEN:
        return [_unreadable(path, "a damaged zip")]


def _reader(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: _Budget
) -> Callable[[], bytes]:
    def read() -> bytes:
        if entry.flag_bits & 1:
            raise UnreadableError("locked with a password; unpack it first")
        if entry.file_size > budget.limits.document_bytes:
            raise UnreadableError(_too_large(budget.limits))
        budget.take(entry.file_size)
        try:
            # zipfile never gives more than the size that the entry declares
            return archive.read(entry)
        except _BROKEN as error:
            raise UnreadableError("damaged or cut short in the zip") from error

    return read


def _unreadable(path: str, problem: str) -> File:
    def read() -> bytes:
        raise UnreadableError(problem)

    return File(path, path, read)


def _too_large(limits: Limits) -> str:
    return f"larger than {limits.document_bytes / 1e6:,.0f} MB"
