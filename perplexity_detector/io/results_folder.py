"""A folder of results: a part for each shard, and records of what is done.

Next to the parts, the folder `_shards` holds what the run needs:

- `manifest.parquet` lists the shards and what the results depend on;
- `results.meta.json` says what detailed results were made with, as next to those in one file;
- `commits/0000012.json` names the part of a shard, once it is written;
- `attempts/0000012.json` counts the attempts at a shard, and at ranges of its rows, that have
  not ended; `pieces/` holds the results of such ranges;
- `unfinished/`, on a disk, holds files before they are renamed.

Programs that read folders of parquet files pass over names that begin with an underscore.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from itertools import chain, groupby
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.io.results_metadata import MetadataWriter
from perplexity_detector.io.results_writer import ResultsWriter, check_same_run
from perplexity_detector.io.shards import Manifest
from perplexity_detector.io.storage import Folder, local_path, open_folder
from perplexity_detector.version import __version__

_MANIFEST = "_shards/manifest.parquet"
_METADATA = "_shards/results.meta.json"
_COMMITS = "_shards/commits"
_ATTEMPTS = "_shards/attempts"
_PIECES = "_shards/pieces"
_PART = re.compile(r"part-(\d{7,})-[0-9a-f]{16}\.parquet")
#: The column of the hash of each text, which detailed results in shards have. It is no column of
#: a merged csv, but goes to the file next to it.
TEXT_SHA256 = "text_sha256"
#: Parts that are read at the same time.
_THREADS = 16
#: Shards that are handed to the threads together, so that not all of very many wait in memory.
_CHECKED_TOGETHER = 1024
#: Shards that a message names.
_MAX_NAMED = 10
_TYPES = {"i": pa.int64(), "u": pa.int64(), "f": pa.float64()}


@dataclass(frozen=True)
class Commit:
    """That a shard is written, and where.

    Attributes:
        shard: its index.
        part: name of the file of its results.
        rows: number of results.
        sha256: of the file.
        seconds: that it took.
        machine: that wrote it.
        problems: rows that could not be read or scored.
        verdicts: verdict -> how many; empty where there are none.
        time: when it was written, in UTC, ISO 8601, to the second.
        package_version: of perplexity-detector, there.
    """

    shard: int
    part: str
    rows: int
    sha256: str
    seconds: float
    machine: str
    problems: int = 0
    verdicts: Mapping[str, int] = field(default_factory=dict)
    time: str = ""
    package_version: str = ""


@dataclass(frozen=True)
class Check:
    """What was found in a folder of results.

    Attributes:
        shards: number of shards in the manifest.
        rows: number of results in parts that are whole.
        missing: shards without a part.
        damaged: shards whose part is not what was written.
        doubled: parts that no commit names; the shard of each has another, or none yet.
    """

    shards: int
    rows: int
    missing: Sequence[int]
    damaged: Sequence[int]
    doubled: Sequence[str]

    @property
    def is_whole(self) -> bool:
        """Whether every shard has its one part."""
        return not (self.missing or self.damaged or self.doubled)


class ResultsFolder:
    """A folder of results that many machines write at the same time.

    A shard may be computed more than once; the first commit counts. A part's name holds the hash
    of its bytes, so those who compute the same write the same file.

    Args:
        place: path or URL.

    Attributes:
        place: as given.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._folder: Folder = open_folder(place)

    # --- the manifest -----------------------------------------------------------------------

    def manifest(self) -> Manifest | None:
        """The manifest, if a run has begun.

        Raises:
            ArtefactError: it is damaged.
        """
        content = self._folder.read(_MANIFEST)
        return None if content is None else Manifest.from_bytes(content, self.place)

    def require_manifest(self) -> Manifest:
        """The manifest.

        Raises:
            InputError: there is none.
        """
        manifest = self.manifest()
        if manifest is None:
            raise InputError(
                f"{self.place} holds no results in shards", "output", "name the folder of a run"
            )
        return manifest

    def begin(self, manifest: Manifest) -> Manifest:
        """Begin a run, or join one that another machine has begun meanwhile.

        Raises:
            InputError: the results there depend on other values.
        """
        if self._folder.create(_MANIFEST, manifest.to_bytes()):
            return manifest
        there = self.require_manifest()
        check_same_run(self.place, manifest.values(), there.values())
        return there

    def write_provenance(self, provenance: Mapping[str, Any]) -> None:
        """Write what the results are made with, unless another machine has; values for JSON."""
        content = json.dumps({"provenance": dict(provenance)}, indent=1) + "\n"
        self._folder.create(_METADATA, content.encode())

    def provenance(self) -> dict[str, Any] | None:
        """What the results are made with; None if it was not written.

        Raises:
            ArtefactError: it is damaged.
        """
        content = self._folder.read(_METADATA)
        try:
            found = None if content is None else json.loads(content)["provenance"]
        except (KeyError, TypeError, ValueError) as error:
            raise ArtefactError(
                f"{_METADATA} in {self.place} is damaged",
                hint="delete it, and resume the run, which writes it again",
            ) from error
        return found

    # --- parts and commits ------------------------------------------------------------------

    def committed(self) -> set[int]:
        """The shards that are written."""
        return {int(name.partition(".")[0]) for name in self._folder.names(_COMMITS)}

    def commit(self, index: int) -> Commit | None:
        """The commit of a shard; None if there is none that can be read."""
        content = self._folder.read(_record(_COMMITS, index))
        try:
            return None if content is None else Commit(**json.loads(content))
        except (TypeError, ValueError):
            return None

    def write(
        self,
        shard: int,
        results: pd.DataFrame,
        columns: Sequence[str],
        seconds: float,
        machine: str,
    ) -> Commit:
        """Write the part of a shard, then its commit, unless another was faster.

        Args:
            shard: its index.
            results: its rows, in order.
            columns: those that are written; verdicts and problems are counted in any case.
            seconds: that it took to compute them.
            machine: that computed them.

        Returns:
            The commit that counts.
        """
        content = to_parquet(results[list(columns)])
        digest = hashlib.sha256(content).hexdigest()
        part = f"part-{shard:07d}-{digest[:16]}.parquet"
        problems = int((results["problem"] != "").sum()) if "problem" in results else 0
        verdicts = Counter(results["verdict"]) if "verdict" in results else {}
        commit = Commit(
            shard, part, len(results), digest, round(seconds, 3), machine, problems,
            dict(verdicts), datetime.now(timezone.utc).isoformat(timespec="seconds"), __version__,
        )  # fmt: skip
        self._folder.write(part, content)
        record = json.dumps(asdict(commit)).encode()
        if not self._folder.create(_record(_COMMITS, shard), record):
            other = self.commit(shard)
            if other is None:  # a record that is damaged
                self._folder.write(_record(_COMMITS, shard), record)
            elif other.part != part:  # another machine, which rounds otherwise
                self._folder.delete(part)
            commit = other or commit
        return commit

    def read(self, commit: Commit) -> pa.Table:
        """The results of a shard.

        Raises:
            ArtefactError: its part is missing or damaged.
        """
        content = self._folder.read(commit.part)
        if content is None or hashlib.sha256(content).hexdigest() != commit.sha256:
            raise ArtefactError(
                f"{commit.part} in {self.place} is {'missing' if content is None else 'damaged'}",
                hint="repair the folder with `shards check --repair`, then resume the run",
            )
        return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)

    # --- attempts at shards that stop the program -------------------------------------------

    def attempts(self, index: int) -> dict[str, int]:
        """Attempts at ranges of a shard's rows that have not ended: `start-stop` -> how many."""
        content = self._folder.read(_record(_ATTEMPTS, index))
        try:
            counts = {} if content is None else json.loads(content)
        except ValueError:
            return {}
        return counts if isinstance(counts, dict) else {}

    def count_attempt(self, index: int, rows: range, change: int = 1) -> None:
        """Count an attempt that begins, before it does; or, by -1, one that has ended."""
        counts = Counter(self.attempts(index))
        counts[_key(rows)] += change
        self._folder.write(_record(_ATTEMPTS, index), json.dumps(dict(counts)).encode())

    def attempts_at(self, index: int, rows: range) -> int:
        """Number of attempts at a range of rows that have not ended."""
        return self.attempts(index).get(_key(rows), 0)

    def write_piece(self, index: int, rows: range, results: pd.DataFrame) -> None:
        """Keep the results of a range of a shard's rows."""
        self._folder.write(_piece(index, rows), to_parquet(results))

    def piece(self, index: int, rows: range) -> pd.DataFrame | None:
        """The results of a range of a shard's rows, if they are kept."""
        content = self._folder.read(_piece(index, rows))
        return None if content is None else pd.read_parquet(io.BytesIO(content))

    def forget_attempts(self, index: int) -> None:
        """Delete the attempts at a shard that is written."""
        self._folder.delete(_record(_ATTEMPTS, index))

    def forget_pieces(self, index: int) -> None:
        """Delete the pieces of a shard that is written."""
        beginning = f"{index:07d}-"
        for name in self._folder.names(_PIECES):
            if name.startswith(beginning):
                self._folder.delete(f"{_PIECES}/{name}")

    # --- afterwards -------------------------------------------------------------------------

    def check(self, repair: bool = False) -> Check:
        """Find what is missing, damaged or doubled; every part is read.

        Args:
            repair: delete parts that are damaged or doubled, so that a run that is resumed
                writes what is then missing.

        Raises:
            InputError: the folder holds no run.
        """
        manifest = self.require_manifest()
        lengths = manifest.lengths
        # before the commits: a part that comes meanwhile is not taken for one too many
        doubled = {name for name in self._folder.names() if _PART.fullmatch(name)}
        committed = self.committed()
        indices = [index for index in range(len(manifest)) if index in committed]
        damaged, rows = {}, 0
        for index, commit, whole in self._checked(indices, lengths):
            if commit is not None:
                doubled.discard(commit.part)
            if whole:
                rows += lengths[index]
            else:
                damaged[index] = commit
        missing = [index for index in range(len(manifest)) if index not in committed]
        found = Check(len(manifest), rows, missing, list(damaged), sorted(doubled))
        if repair:
            self._remove(damaged, found.doubled)
        return found

    def _checked(
        self, indices: Sequence[int], lengths: Sequence[int]
    ) -> Iterator[tuple[int, Commit | None, bool]]:
        """Each of some shards, its commit, and whether its part is whole."""

        def check(index: int) -> tuple[int, Commit | None, bool]:
            commit = self.commit(index)
            return index, commit, self._is_whole(commit, lengths[index])

        with ThreadPoolExecutor(_THREADS) as pool:
            for begin in range(0, len(indices), _CHECKED_TOGETHER):
                yield from pool.map(check, indices[begin : begin + _CHECKED_TOGETHER])

    def merge(self, output: str) -> int:
        """Join the results of all shards in a csv, in the order of the dataset.

        Next to detailed results goes what they were made with, as `pipelines.predict` writes it.

        Returns:
            Number of rows.

        Raises:
            InputError: a shard is missing, or a file cannot be written.
            ArtefactError: a part or a record is damaged.
        """
        manifest = self.require_manifest()
        committed = self.committed()
        missing = [index for index in range(len(manifest)) if index not in committed]
        if missing:
            raise InputError(
                f"{self.place} is not whole, {describe_shards(missing, len(manifest))} missing",
                "output",
                "resume its run first",
            )
        provenance = self.provenance()
        parts = self._parts(len(manifest))
        first = next(parts)
        columns = [str(name) for name in first if name != TEXT_SHA256]
        with MetadataWriter(output) as metadata, ResultsWriter(output, columns) as results:
            if provenance is not None and results.is_file:
                metadata.begin({"provenance": provenance})
            for part in chain([first], parts):
                results.write(part)
                if provenance is not None and results.is_file:
                    hashes = part[TEXT_SHA256].astype(object).where(part[TEXT_SHA256].notna(), None)
                    metadata.add_texts(part["id"], hashes)
            return results.rows

    def _parts(self, shards: int) -> Iterator[pd.DataFrame]:
        """The results of all shards, those of some together."""
        with ThreadPoolExecutor(_THREADS) as pool:
            for begin in range(0, shards, _THREADS):
                together = range(begin, min(begin + _THREADS, shards))
                tables = pool.map(self._committed_results, together)
                # a frame for those of one form: a small part makes as much of it as a large one
                for _, alike in groupby(tables, key=lambda table: table.schema):
                    yield pa.concat_tables(alike).to_pandas()

    def _committed_results(self, index: int) -> pa.Table:
        commit = self.commit(index)
        if commit is None:
            raise ArtefactError(
                f"The record of shard {index} in {self.place} is damaged",
                hint="repair the folder with `shards check --repair`, then resume the run",
            )
        return self.read(commit)

    def _is_whole(self, commit: Commit | None, rows: int) -> bool:
        if commit is None or commit.rows != rows:
            return False
        content = self._folder.read(commit.part)
        return content is not None and hashlib.sha256(content).hexdigest() == commit.sha256

    def _remove(self, damaged: Mapping[int, Commit | None], doubled: Sequence[str]) -> None:
        for index, commit in damaged.items():
            self._folder.delete(_record(_COMMITS, index))  # first: a commit without part is worse
            if commit is not None:
                self._folder.delete(commit.part)
        for name in doubled:
            self._folder.delete(name)


def is_results_folder(place: str) -> bool:
    """Whether a path on this machine is a folder with results in shards."""
    local = local_path(place)
    return local is not None and (local / _MANIFEST).is_file()


def describe_shards(indices: Sequence[int], total: int) -> str:
    """Some shards of a run, for a message.

    Example:
        >>> describe_shards([3], 40), describe_shards([0, 2], 40)
        ('shard 3 of 40 is', '2 of 40 shards (0, 2) are')
    """
    if len(indices) == 1:
        return f"shard {indices[0]} of {total} is"
    named = ", ".join(map(str, indices[:_MAX_NAMED]))
    more = ", ..." if len(indices) > _MAX_NAMED else ""
    return f"{len(indices)} of {total} shards ({named}{more}) are"


def to_parquet(results: pd.DataFrame) -> bytes:
    """A frame as a parquet file; equal frames give equal bytes."""
    arrays = [_array(results[name]) for name in results]
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays, names=list(results)), buffer, compression="zstd")
    return buffer.getvalue()


def _array(column: pd.Series) -> pa.Array:
    """A column as numbers or strings, whatever its values are; NaN or None is a missing value."""
    kind = _TYPES.get(column.dtype.kind)
    if kind is not None:
        return pa.array(column, kind, from_pandas=True)
    # an id can hold half a surrogate pair, which UTF-8 lacks
    written = [
        None if pd.isna(one) else str(one).encode("utf-8", "backslashreplace").decode()
        for one in column
    ]
    return pa.array(written, pa.string())


def _record(folder: str, index: int) -> str:
    return f"{folder}/{index:07d}.json"


def _key(rows: range) -> str:
    return f"{rows.start}-{rows.stop}"


def _piece(index: int, rows: range) -> str:
    return f"{_PIECES}/{index:07d}-{_key(rows)}.parquet"
