"""Files and folders on this machine's disk, or in an object store, by path or URL."""

from __future__ import annotations

import glob
import os
import shutil
import stat
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from perplexity_detector.errors import DatasetError, InputError, PerplexityDetectorError
from perplexity_detector.io.atomic import replace_file
from perplexity_detector.io.byte_streams import FORMATS

#: Protocol of a URL -> the extra that installs what reads it.
_EXTRAS = {"file": "", "s3": "s3", "gs": "gcs", "gcs": "gcs"}
#: Where a local folder keeps files that are not whole yet.
_UNFINISHED = "_shards/unfinished"
#: What a killed process left there is deleted after this time.
_LEFTOVER_SECONDS = 24 * 3600
#: Keys by which file systems say which version of a file they hold.
_ETAGS = ("ETag", "etag", "md5Hash")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it was found.

    Attributes:
        url: its URL, or its absolute path on this machine.
        size: in bytes.
        etag: changes when the file does: the store's, or the time of the last change.
    """

    url: str
    size: int
    etag: str


class Folder(Protocol):
    """A folder of small files, which appear when they are whole.

    Names are relative, with `/` between folders, which are made as needed. All methods raise
    InputError if the folder cannot be read or written.
    """

    url: str

    def read(self, name: str) -> bytes | None:
        """The bytes of a file; None if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file, in place of an earlier one."""

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; whether it was written."""

    def names(self, folder: str = "") -> list[str]:
        """Names of the files in a sub-folder, without its own, in order."""

    def delete(self, name: str) -> None:
        """Delete a file, if there is one."""


def is_url(path: str) -> bool:
    """Whether a path is a URL, such as s3://bucket/folder."""
    return "://" in path


def is_pattern(path: str) -> bool:
    """Whether a path is a pattern such as in/*.csv, and not the name of a file."""
    return glob.has_magic(path) and not Path(path).exists()


def local_path(path: str) -> Path | None:
    """The absolute path of a local file, from a path or file:// URL; None for other URLs."""
    if not is_url(path):
        return Path(path).expanduser().absolute()
    protocol, _, rest = path.partition("://")
    return Path(rest) if protocol == "file" else None


def open_folder(path: str) -> Folder:
    """A folder for results, on the disk or in an object store; it need not exist."""
    local = local_path(path)
    return _RemoteFolder(path) if local is None else _LocalFolder(local)


def find_tables(dataset: str) -> list[StoredFile]:
    """The tables that a path, pattern, folder or URL names, ordered by name.

    Of a folder, these are the csv, tsv, jsonl and parquet files in it and its sub-folders;
    names that begin with a dot or underscore are other programs' own.

    Raises:
        DatasetError: there is none, or the place cannot be read.
        InputError: the URL's protocol is not known.
    """
    local = local_path(dataset)
    try:
        found = _find_remote(dataset) if local is None else _find_local(local)
    except PerplexityDetectorError:
        raise
    except Exception as error:  # libraries of object stores raise errors of their own
        raise DatasetError(f"{dataset} cannot be listed: {_reason(error)}.", "dataset") from error
    if not found:
        raise DatasetError(
            f"There is no table at {dataset}",
            "dataset",
            "name a csv, tsv, jsonl or parquet file, a folder of them or a pattern",
        )
    return sorted(found, key=lambda file: file.url)


@contextmanager
def open_stored(file: StoredFile) -> Iterator[IO[bytes]]:
    """Open a file that was found before, as a file on this machine's disk.

    The last one that was fetched from an object store is kept, for shards come in order.

    Raises:
        DatasetError: it cannot be read, or is not the same any more.
    """
    local = local_path(file.url)
    if local is None:
        yield _fetched(file)
        return
    with _errors_of_reading(file):
        _require_same(file, _stored_locally(local))
        stream = local.open("rb")
    with stream:
        yield stream


@contextmanager
def open_in_place(file: StoredFile) -> Iterator[IO[bytes]]:
    """Open a file to read some of its bytes, where it is.

    Raises:
        DatasetError: as `open_stored`.
    """
    if local_path(file.url) is not None:
        with open_stored(file) as stream:
            yield stream
        return
    with _errors_of_reading(file):
        fs, path = _file_system(file.url)
        _require_same(file, _stored(file.url, fs.info(path)))
        with fs.open(path, "rb") as stream:
            yield stream


@lru_cache(maxsize=1)
def _fetched(file: StoredFile) -> IO[bytes]:
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the cache lets it go
    with open_in_place(file) as stream:
        shutil.copyfileobj(stream, copy, 1 << 20)
    copy.seek(0)
    return copy


def _require_same(file: StoredFile, now: StoredFile) -> None:
    if now != file:
        raise DatasetError(
            f"{file.url} is not the file any more that the run began with",
            "output",
            "name another folder for the results of the new one",
        )


@contextmanager
def _errors_of_reading(file: StoredFile) -> Iterator[None]:
    try:
        yield
    except PerplexityDetectorError:
        raise
    except Exception as error:  # libraries of object stores raise errors of their own
        raise DatasetError(f"{file.url} cannot be read: {_reason(error)}.", "dataset") from error


# --- this machine's disk --------------------------------------------------------------------


class _LocalFolder:
    """A folder on this machine's disk, or one that is mounted there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = str(path)

    def read(self, name: str) -> bytes | None:
        with self._errors("read"):
            try:
                return (self.path / name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        with self._errors("written"), self._unfinished(name, content) as unfinished:
            replace_file(unfinished, self.path / name)

    def create(self, name: str, content: bytes) -> bool:
        with self._errors("written"), self._unfinished(name, content) as unfinished:
            try:
                os.link(unfinished, self.path / name)
            except FileExistsError:
                return False
            except OSError:  # a file system without links
                if (self.path / name).exists():
                    return False
                replace_file(unfinished, self.path / name)
            return True

    def names(self, folder: str = "") -> list[str]:
        with self._errors("read"):
            try:
                entries = [one.name for one in os.scandir(self.path / folder) if one.is_file()]
            except FileNotFoundError:
                return []
        return sorted(entries)

    def delete(self, name: str) -> None:
        with self._errors("written"):
            (self.path / name).unlink(missing_ok=True)

    def clean(self) -> None:
        """Delete what processes that were killed have left."""
        with suppress(OSError):
            for leftover in (self.path / _UNFINISHED).iterdir():
                if time.time() - leftover.stat().st_mtime > _LEFTOVER_SECONDS:
                    leftover.unlink()

    @contextmanager
    def _unfinished(self, name: str, content: bytes) -> Iterator[Path]:
        """Write a file under a name of its own, in a folder on the same file system."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path / _UNFINISHED / uuid.uuid4().hex
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # a link must not be there before its content
            yield unfinished
        finally:
            unfinished.unlink(missing_ok=True)

    @contextmanager
    def _errors(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _unusable(self.url, done, error) from error


def _find_local(path: Path) -> list[StoredFile]:
    if path.is_file():
        return [_stored_locally(path)]
    folder = path.is_dir()
    pattern = f"{glob.escape(str(path))}/**" if folder else str(path)
    names = glob.iglob(pattern, recursive=True)  # noqa: PTH207 - a pattern can be absolute
    found = []
    for name in names:
        if folder and not _is_table(os.path.relpath(name, path)):
            continue
        with suppress(FileNotFoundError):  # a link that leads nowhere
            status = os.stat(name)  # noqa: PTH116 - once for each of very many files
            if stat.S_ISREG(status.st_mode):
                found.append(_as_stored(name, status))
    return found


def _stored_locally(path: Path) -> StoredFile:
    return _as_stored(str(path), path.stat())


def _as_stored(path: str, status: os.stat_result) -> StoredFile:
    return StoredFile(path, status.st_size, f"{status.st_mtime_ns:x}")


# --- object stores --------------------------------------------------------------------------


class _RemoteFolder:
    """A folder of an object store: each file is one put."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._fs, self._path = _file_system(self.url)

    def read(self, name: str) -> bytes | None:
        with self._errors("read"):
            try:
                content: bytes = self._fs.cat_file(self._full(name))
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes) -> None:
        with self._errors("written"):
            self._fs.pipe_file(self._full(name), content)

    def create(self, name: str, content: bytes) -> bool:
        with self._errors("written"):
            try:
                self._fs.pipe_file(self._full(name), content, mode="create")
            except FileExistsError:
                return False
            return True

    def names(self, folder: str = "") -> list[str]:
        with self._errors("read"):
            self._fs.invalidate_cache()  # other machines write here
            try:
                found = self._fs.ls(self._full(folder), detail=True)
            except FileNotFoundError:
                return []
        return sorted(
            PurePosixPath(one["name"]).name for one in found if one["type"] != "directory"
        )

    def delete(self, name: str) -> None:
        with self._errors("written"), suppress(FileNotFoundError):
            self._fs.rm_file(self._full(name))

    def _full(self, name: str) -> str:
        return f"{self._path}/{name}".rstrip("/")

    @contextmanager
    def _errors(self, done: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # libraries of object stores raise errors of their own
            raise _unusable(self.url, done, error) from error


def _find_remote(url: str) -> list[StoredFile]:
    fs, path = _file_system(url)
    fs.invalidate_cache()
    found = fs.find(path, detail=True)
    if not found and glob.has_magic(path):
        found = fs.glob(path, detail=True)
    elif path not in found:
        beginning = f"{path.rstrip('/')}/"
        found = {
            name: info for name, info in found.items() if _is_table(name.removeprefix(beginning))
        }
    return [
        _stored(fs.unstrip_protocol(name), info)
        for name, info in found.items()
        if info["type"] == "file"
    ]


def _stored(url: str, info: dict[str, Any]) -> StoredFile:
    tags = [str(info[key]).strip('"') for key in _ETAGS if info.get(key)]
    return StoredFile(url, int(info["size"]), tags[0] if tags else "")


def _file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the path in it."""
    import fsspec

    protocol = url.partition("://")[0]
    if protocol not in _EXTRAS:
        raise InputError(
            f"{url} begins with a protocol that is not known", hint="use s3://, gs:// or file://"
        )
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        extra = _EXTRAS[protocol]
        raise InputError(
            f"{protocol}:// needs the extra {extra}",
            hint=f"pip install 'perplexity-detector[{extra}]'",
        ) from error
    return fs, str(path)


# --- both -----------------------------------------------------------------------------------


def _is_table(name: str) -> bool:
    """Whether a name below a folder is that of a table, and not another program's own."""
    path = PurePosixPath(name.replace(os.sep, "/"))
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not hidden and bool(suffixes) and suffixes[-1] in FORMATS


def _unusable(url: str, done: str, error: Exception) -> InputError:
    return InputError(
        f"{url} cannot be {done} ({_reason(error)})", "output", "name another place for the results"
    )


def _reason(error: Exception) -> str:
    """The reason of an exception, in one short line."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(reason).split())[:200].rstrip(".")
