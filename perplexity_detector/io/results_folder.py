"""A folder of results: a part for each shard, and records of what is done.

Beside the parts, the folder `_shards` holds what the run needs:

- `manifest.parquet` lists the shards and what the results depend on;
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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.io.results_writer import ResultsWriter, check_same_run
from perplexity_detector.io.shards import Manifest
from perplexity_detector.io.storage import Folder, local_path, open_folder

_MANIFEST = "_shards/manifest.parquet"
_COMMITS = "_shards/commits"
_ATTEMPTS = "_shards/attempts"
_PIECES = "_shards/pieces"
_PART = re.compile(r"part-(\d{7,})-[0-9a-f]{16}\.parquet")
#: Parts that are read at the same time to be checked.
_CHECKING_THREADS = 8
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
    """

    shard: int
    part: str
    rows: int
    sha256: str
    seconds: float
    machine: str
    problems: int = 0
    verdicts: Mapping[str, int] = field(default_factory=dict)


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
            shard, part, len(results), digest, round(seconds, 3), machine, problems, dict(verdicts)
        )
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

    def read(self, commit: Commit) -> pd.DataFrame:
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
        return pd.read_parquet(io.BytesIO(content))

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
        """Delete attempts and pieces of a shard that is written."""
        self._folder.delete(_record(_ATTEMPTS, index))
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
        with ThreadPoolExecutor(_CHECKING_THREADS) as pool:
            indices = sorted(self.committed() & set(range(len(manifest))))
            commits = dict(zip(indices, pool.map(self.commit, indices), strict=True))
            states = pool.map(lambda one: self._is_whole(one[1], lengths[one[0]]), commits.items())
            damaged = [index for index, whole in zip(commits, states, strict=True) if not whole]
        named = {commit.part for commit in commits.values() if commit is not None}
        doubled = [
            name for name in self._folder.names() if _PART.fullmatch(name) and name not in named
        ]
        missing = [index for index in range(len(manifest)) if index not in commits]
        rows = sum(lengths[index] for index in commits) - sum(lengths[index] for index in damaged)
        if repair:
            self._remove(damaged, commits, doubled)
        return Check(len(manifest), rows, missing, damaged, doubled)

    def merge(self, output: str) -> int:
        """Join the results of all shards in a csv, in the order of the dataset.

        Returns:
            Number of rows.

        Raises:
            InputError: a shard is missing, or the file cannot be written.
            ArtefactError: a part is damaged.
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
        parts = self._parts(range(len(manifest)))
        first = next(parts)
        with ResultsWriter(output, list(first.columns)) as results:
            results.write(first)
            for part in parts:
                results.write(part)
            return results.rows

    def _parts(self, indices: Iterable[int]) -> Iterator[pd.DataFrame]:
        for index in indices:
            commit = self.commit(index)
            if commit is None:
                raise ArtefactError(
                    f"The record of shard {index} in {self.place} is damaged",
                    hint="repair the folder with `shards check --repair`, then resume the run",
                )
            yield self.read(commit)

    def _is_whole(self, commit: Commit | None, rows: int) -> bool:
        if commit is None or commit.rows != rows:
            return False
        content = self._folder.read(commit.part)
        return content is not None and hashlib.sha256(content).hexdigest() == commit.sha256

    def _remove(
        self, damaged: Sequence[int], commits: Mapping[int, Commit | None], doubled: Sequence[str]
    ) -> None:
        for index in damaged:
            self._folder.delete(_record(_COMMITS, index))  # first: a commit without part is worse
            if (commit := commits[index]) is not None:
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
    """A column as numbers or strings, whatever its values are; NaN is a missing value."""
    kind = _TYPES.get(column.dtype.kind)
    if kind is not None:
        return pa.array(column, kind, from_pandas=True)
    # an id can hold half a surrogate pair, which UTF-8 lacks
    written = [str(one).encode("utf-8", "backslashreplace").decode() for one in column]
    return pa.array(written, pa.string())


def _record(folder: str, index: int) -> str:
    return f"{folder}/{index:07d}.json"


def _key(rows: range) -> str:
    return f"{rows.start}-{rows.stop}"


def _piece(index: int, rows: range) -> str:
    return f"{_PIECES}/{index:07d}-{_key(rows)}.parquet"
