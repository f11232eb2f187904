"""What a language model said, on disk by hash of text and model: reading again costs nothing."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from tqdm import tqdm

from perplexity_detector.errors import InputError
from perplexity_detector.lm.outputs import ModelOutput, TokenIds
from perplexity_detector.lm.pooling import PooledStates
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.token_statistics import TokenStatistics

#: Hashed into the folder's name: raise it when what a file holds changes, and older files are
#: never read.
CACHE_VERSION = 2
#: Texts per file of the cache: what is lost at most when a run is stopped.
SHARD_TEXTS = 64
#: Seconds after which a file that is not whole is one whose writer was killed.
STALE_SECONDS = 3600.0
_Opener = Callable[[Path], Any]
_HALVES = ("surprisal", "entropy", "variance")


class _Place(NamedTuple):
    """Where a text lies in a shard: its tokens, its sentences."""

    shard: Path
    tokens: slice
    sentences: slice


class CachedScorer:
    """A scorer that keeps what it has read in a folder.

    Everything but ranks is kept in half precision: 10 bytes a token, and for each layer of hidden
    states 2 bytes a number; offsets are made anew. All values pass through half precision,
    whether they come from the cache or not, so that a table does not depend on what was cached.
    Files are written under names of their own and renamed: processes that share the folder do not
    disturb each other. A text that was read for less than is asked now is read again.

    Args:
        scorer: reads what the folder lacks.
        folder: made if missing.
    """

    def __init__(self, scorer: LanguageModelScorer, folder: str | Path) -> None:
        self.scorer = scorer
        self.fingerprint = scorer.fingerprint
        self.precision = scorer.precision
        identity = f"cache={CACHE_VERSION} {scorer.identity}"
        model = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self.folder = Path(folder) / model
        #: what a shard holds (`statistics`, `states_8`, ...) -> text -> where
        self._known: dict[str, dict[bytes, _Place]] = {}
        try:
            self._index_folder()
        except OSError as error:
            raise InputError(
                f"The cache cannot be kept in {folder} ({error.strerror})",
                "cache",
                "choose another folder",
            ) from error

    def layer_at(self, share: float) -> int:
        """As LanguageModelScorer.layer_at."""
        return self.scorer.layer_at(share)

    def tokens(self, texts: Sequence[str]) -> list[TokenIds]:
        """As LanguageModelScorer.tokens."""
        return self.scorer.tokens(texts)

    def score(self, texts: Sequence[str], progress: bool = False) -> list[TokenStatistics]:
        """As LanguageModelScorer.score; only texts not seen before are read, and counted."""
        read = self.read(texts, progress=progress)
        return [reading.statistics for reading in read if reading.statistics is not None]

    def read(
        self,
        texts: Sequence[str],
        layers: Sequence[int] = (),
        statistics: bool = True,
        progress: bool = False,
    ) -> list[ModelOutput]:
        """As LanguageModelScorer.read; only what is not known is read, and counted."""
        layers = tuple(layers)
        try:
            self._read_missing(texts, layers, statistics, progress)
            return self._look_up(texts, layers, statistics)
        except (SafetensorError, OSError):
            # somebody cleared the folder since it was learned
            self._index_folder()
            self._read_missing(texts, layers, statistics, progress)
            return self._look_up(texts, layers, statistics)

    def contains(
        self, texts: Sequence[str], layers: Sequence[int] = (), statistics: bool = True
    ) -> list[bool]:
        """Whether all that is wanted of each text is known, so that it need not be read."""
        wanted = [f"states_{layer}" for layer in layers]
        if statistics:
            wanted.append("statistics")
        known = [self._known.get(name, {}) for name in wanted]
        return [all(key in places for places in known) for key in map(_key, texts)]

    def _read_missing(
        self, texts: Sequence[str], layers: tuple[int, ...], statistics: bool, progress: bool
    ) -> None:
        held = self.contains(texts, layers, statistics)
        missing = {_key(text): text for text, known in zip(texts, held, strict=True) if not known}
        unread = list(missing.items())
        with tqdm(total=len(unread), unit=" texts", disable=None if progress else True) as bar:
            for first in range(0, len(unread), SHARD_TEXTS):
                part = unread[first : first + SHARD_TEXTS]
                read = self.scorer.read([text for _, text in part], layers, statistics)
                self._index_shard(self._write([key for key, _ in part], read))
                bar.update(len(part))

    def _look_up(
        self, texts: Sequence[str], layers: tuple[int, ...], statistics: bool
    ) -> list[ModelOutput]:
        encodings = self.scorer.encode(texts) if statistics else []
        # shards are mapped into memory, and no longer than it takes to look the texts up
        opened = lru_cache(_open)
        return [
            ModelOutput(
                self._statistics(key, encodings[i].offsets, opened) if statistics else None,
                self._states(key, layers, opened) if layers else None,
            )
            for i, key in enumerate(map(_key, texts))
        ]

    def _statistics(
        self, key: bytes, offsets: Sequence[tuple[int, int]], opened: _Opener
    ) -> TokenStatistics:
        place = self._known["statistics"][key]
        tensors = opened(place.shard)
        surprisal, entropy, variance = (
            _cut(tensors, name, place.tokens).astype(np.float32) for name in _HALVES
        )
        rank = _cut(tensors, "rank", place.tokens)
        spans = np.asarray(offsets, np.int32).reshape(-1, 2)
        return TokenStatistics(surprisal, rank, entropy, variance, spans)

    def _states(self, key: bytes, layers: tuple[int, ...], opened: _Opener) -> PooledStates:
        means = []
        for layer in layers:
            place = self._known[f"states_{layer}"][key]
            tensors = opened(place.shard)
            means.append(_cut(tensors, f"states_{layer}", place.sentences))
            tokens = _cut(tensors, "sentence_tokens", place.sentences)
        return PooledStates(layers, np.stack(means), tokens)

    def _write(self, keys: list[bytes], read: list[ModelOutput]) -> Path:
        arrays = {"keys": np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32)}
        statistics = [one.statistics for one in read if one.statistics is not None]
        states = [one.states for one in read if one.states is not None]
        none = [0] * len(keys)
        arrays["lengths"] = np.array([len(one) for one in statistics] or none, np.int64)
        arrays["sentences"] = np.array([len(one.tokens) for one in states] or none, np.int64)
        if statistics:
            arrays["rank"] = np.concatenate([one.rank for one in statistics])
            for name in _HALVES:
                arrays[name] = _half(np.concatenate([getattr(one, name) for one in statistics]))
        if states:
            arrays["sentence_tokens"] = np.concatenate([one.tokens for one in states])
            for place, layer in enumerate(states[0].layers):
                means = np.concatenate([one.means[place] for one in states])
                arrays[f"states_{layer}"] = _half(means)
        temporary = self.folder / f"{uuid.uuid4().hex}.part"
        save_file(arrays, temporary)
        return temporary.replace(temporary.with_suffix(".safetensors"))

    def _index_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._known.clear()
        for left in self.folder.glob("*.part"):
            with suppress(OSError):  # its writer may be renaming it just now
                if time.time() - left.stat().st_mtime > STALE_SECONDS:
                    left.unlink()
        for shard in sorted(self.folder.glob("*.safetensors")):
            self._index_shard(shard)

    def _index_shard(self, shard: Path) -> None:
        """Note which texts a shard holds; a damaged one is left, and its texts are read again."""
        try:
            tensors = _open(shard)
            shapes = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118
            keys = tensors.get_tensor("keys")
            tokens = np.cumsum(np.append(0, tensors.get_tensor("lengths")))
            sentences = np.cumsum(np.append(0, tensors.get_tensor("sentences")))
        except (SafetensorError, OSError):
            return
        held = _parts(shapes, int(tokens[-1]), int(sentences[-1]))
        for text, key in enumerate(keys if held else ()):
            place = _Place(
                shard,
                slice(int(tokens[text]), int(tokens[text + 1])),
                slice(int(sentences[text]), int(sentences[text + 1])),
            )
            name = key.tobytes()  # one object for all parts: there may be millions of texts
            for part in held:
                self._known.setdefault(part, {})[name] = place


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _parts(shapes: dict[str, list[int]], tokens: int, sentences: int) -> list[str]:
    """What a shard holds for all its texts, of arrays as long as they should be."""
    if not shapes["keys"][:1] == shapes["lengths"] == shapes["sentences"]:
        return []
    parts = []
    if all(shapes.get(name) == [tokens] for name in ("rank", *_HALVES)):
        parts.append("statistics")
    if shapes.get("sentence_tokens") == [sentences]:
        parts += [
            name
            for name, shape in shapes.items()
            if name.startswith("states_") and shape[:1] == [sentences]
        ]
    return parts


def _cut(tensors: Any, name: str, rows: slice) -> np.ndarray:
    """Rows of an array in a shard."""
    if rows.start == rows.stop:  # safetensors cuts no empty slice off an array's end
        return np.asarray(tensors.get_tensor(name)[:0])
    return np.asarray(tensors.get_slice(name)[rows])


def _open(shard: Path) -> Any:
    return safe_open(shard, framework="numpy")


def _half(values: np.ndarray) -> np.ndarray:
    """Half precision; what is too large for it becomes its largest number."""
    most = np.finfo(np.float16).max
    return np.asarray(np.clip(values, -most, most), np.float16)
