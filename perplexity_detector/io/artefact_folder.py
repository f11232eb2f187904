"""Read and write artefact folders: files, and a config.json with their hashes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from perplexity_detector.errors import ArtefactError
from perplexity_detector.io.atomic import recover_folder, replace_folder

CONFIG = "config.json"
#: Folder of the shipped detectors.
PRETRAINED = Path(__file__).parents[1] / "pretrained"
#: The one of them with which the cascade begins.
CASCADE_FIRST = "auto/first"
_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
#: Where two folders cannot swap names, one is missing for much less than this while replaced.
_REPLACING_SECONDS = 0.05


class Artefact(NamedTuple):
    """The content of an artefact folder.

    Attributes:
        path: the folder.
        config: its config.json, hashes included.
        files: content of every file that config.json lists, by name.
    """

    path: Path
    config: dict[str, Any]
    files: dict[str, bytes]


def read(folder: str | Path) -> Artefact:
    """Read a folder, or a shipped one by name; nothing in it is executed.

    What several shipped detectors learned alike lies in the folder of one of them.

    Returns:
        The files of a single save: if the folder was replaced meanwhile, it is read again.

    Raises:
        ArtefactError: there is no artefact, or a file is missing or altered.
    """
    while True:
        before = _identity(folder)
        try:
            return _read_once(find(folder))
        except ArtefactError:
            if before is None:
                time.sleep(_REPLACING_SECONDS)
            if _identity(folder) == before:
                raise


def write(folder: Path, config: Mapping[str, Any], files: Mapping[str, bytes]) -> Path:
    """Write a folder under a temporary name, then rename it, replacing an earlier artefact.

    Args:
        folder: where to write.
        config: plain values; the hashes of the files are added.
        files: content by name.

    Raises:
        ArtefactError: the folder cannot be written, or holds other files.
    """
    with _replacing(folder, "written") as new:
        new.mkdir()
        for name, content in files.items():
            (new / name).write_bytes(content)
        hashes = {name: _sha256(files[name]) for name in sorted(files)}
        (new / CONFIG).write_bytes(to_json({**config, "sha256": hashes}))
    return folder


def publish(folder: Path, target: Path) -> None:
    """Copy an artefact folder to the place from which it is loaded, completely or not at all.

    Raises:
        ArtefactError: the target cannot be written, or holds other files.
    """
    with _replacing(target, "published") as new:
        shutil.copytree(folder, new)


def exists(folder: Path) -> bool:
    """Whether a folder holds an artefact; checks twice, in case it is being replaced."""
    if not (folder / CONFIG).is_file():
        time.sleep(_REPLACING_SECONDS)
    return (folder / CONFIG).is_file()


def is_artefact(folder: Path) -> bool:
    """Whether a folder's config.json is that of an artefact: a language model's has no hashes."""
    return bool(_hashes(folder))


def recover(folder: Path) -> None:
    """Put back an artefact that a killed process had moved away and not yet replaced."""
    with contextlib.suppress(OSError):
        recover_folder(folder, _prefix(folder))


def find(folder: str | Path) -> Path:
    """Return the folder itself, or the shipped detector of that name.

    Raises:
        ArtefactError: neither exists.
    """
    with contextlib.suppress(RuntimeError, ValueError):  # no such user; a name with a null byte
        for path in (Path(folder).expanduser(), PRETRAINED / str(folder)):
            if (path / CONFIG).is_file():
                return path
    shipped = sorted(path.name for path in PRETRAINED.glob("*") if is_artefact(path))
    raise ArtefactError(
        f"There is no detector in {folder} (no {CONFIG})",
        hint="train one, or use a shipped one ({shipped})",
        shipped=", ".join(shipped) or "none",
    )


def is_repository(name: str | Path) -> bool:
    """Whether this is `user/name` of a hub, and not the path of anything here.

    Example:
        >>> is_repository("ada/detector"), is_repository("./detector"), is_repository("fast")
        (True, False, False)
    """
    if not _REPOSITORY.fullmatch(str(name)):
        return False
    return not Path(str(name).partition("/")[0]).exists()


def check_place(folder: Path) -> None:
    """Check that writing a folder would replace nothing but an artefact.

    Raises:
        ArtefactError: there is a file, or a folder with other files.
    """
    try:
        found = sorted(file.name for file in folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise ArtefactError(
            f"{folder} cannot be a detector's folder ({error.strerror}); choose another place."
        ) from error
    known = {CONFIG, *_hashes(folder)}
    # names with a leading dot are the operating system's, such as .DS_Store
    if others := [name for name in found if name not in known and not name.startswith(".")]:
        raise ArtefactError(
            f"{folder} holds other things than a detector ({others[0]}); choose a new folder."
        )


def to_json(values: object) -> bytes:
    """Convert plain values to JSON; NumPy's numbers become plain ones."""
    # a parameter taken from a grid can be a NumPy number
    text = json.dumps(values, indent=1, allow_nan=False, default=lambda value: value.tolist())
    return (text + "\n").encode()


def _read_once(path: Path) -> Artefact:
    config = _read_config(path)
    files = {}
    for name, digest in _hashes(path).items():
        for file in (path / name, *_shared_files(path, name)):
            files[name] = file.read_bytes() if file.is_file() else b""
            if _sha256(files[name]) == digest:
                break
        else:
            raise missing_file(path / name)
    return Artefact(path, config, files)


def _shared_files(path: Path, name: str) -> list[Path]:
    """Files of this name in other folders of the package, for one that is in the package too."""
    if not path.resolve().is_relative_to(PRETRAINED.resolve()):
        return []
    return sorted(PRETRAINED.rglob(name))


def missing_file(file: Path) -> ArtefactError:
    """Return the error for a file that is missing or altered."""
    return ArtefactError(
        f"{file} is missing or not what was saved; train the detector again, or copy the whole "
        "folder again."
    )


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ArtefactError(
            f"{path / CONFIG} cannot be read ({error}); train the detector again."
        ) from error
    return config if isinstance(config, dict) else {}


def _hashes(path: Path) -> dict[str, Any]:
    """Return the hashes in config.json by file name; none if it cannot be read."""
    try:
        hashes = _read_config(path).get("sha256")
    except ArtefactError:
        return {}
    if not isinstance(hashes, dict):
        return {}
    # a name with a path could point outside the folder
    return {name: digest for name, digest in hashes.items() if PurePath(name).name == name}


@contextmanager
def _replacing(folder: Path, done: str) -> Iterator[Path]:
    """Yield a path for a new folder, which replaces the old one at the end of the block."""
    check_place(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        recover_folder(folder, _prefix(folder))
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=_prefix(folder)) as temporary:
            new = Path(temporary) / "new"
            yield new
            replace_folder(new, folder)
    except OSError as error:
        raise ArtefactError(
            f"The detector cannot be {done} to {folder}: {error.strerror or error}."
        ) from error


def _prefix(folder: Path) -> str:
    """With which the names of a folder's working folders begin."""
    return f".{folder.name}-"


def _identity(folder: str | Path) -> tuple[int, int] | None:
    """Tells a folder from the one that replaces it; None without a folder."""
    try:
        status = Path(folder).expanduser().stat()
    except (OSError, RuntimeError, ValueError):
        return None
    return status.st_ino, status.st_ctime_ns


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
