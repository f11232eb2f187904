"""Results of a language model on disk, by hash of text and model, so that no text is read twice."""

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
#: Texts per file; at most this many are lost when a run is stopped.
SHARD_TEXTS = 64
#: Age in seconds after which an unfinished file is one whose writer was killed.
STALE_SECONDS = 3600.0
_Opener = Callable[[Path], Any]
_FLOAT_COLUMNS = ("surprisal", "entropy", "variance")


class _Place(NamedTuple):
    """Where a text is in a shard: its rows in the arrays of tokens and of sentences."""

    shard: Path
    tokens: slice
    sentences: slice


class CachedScorer:
    """A scorer that caches its results in a folder.

    Everything but ranks is stored in half precision: 10 bytes per token, and 2 bytes per number
    of the hidden states of each layer. Offsets are computed again. All values pass through half
    precision, whether they come from the cache or not, so that results do not depend on what was
    cached. Files are written under unique names and renamed, so processes can share the folder.
    A text is read again if more is requested than was cached.

    Args:
        scorer: reads texts that are not in the cache.
        folder: made if missing.

    Raises:
        InputError: the folder cannot be made or read.
    """

    def __init__(self, scorer: LanguageModelScorer, folder: str | Path) -> None:
        self.scorer = scorer
        self.fingerprints = scorer.fingerprints
        self.fingerprint = scorer.fingerprint
        self.precision = scorer.precision
        identity = f"cache={CACHE_VERSION} {scorer.identity}"
        model = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self.folder = Path(folder) / model
        #: kind of result (`statistics`, `states_8`, ...) -> hash of a text -> its place
        self._known: dict[str, dict[bytes, _Place]] = {}
        try:
            self._index_folder()
        except OSError as error:
            raise self._not_kept(error) from error

    def layer_at(self, share: float) -> int:
        """As LanguageModelScorer.layer_at."""
        return self.scorer.layer_at(share)

    def tokens(self, texts: Sequence[str]) -> list[TokenIds]:
        """As LanguageModelScorer.tokens."""
        return self.scorer.tokens(texts)

    def score(self, texts: Sequence[str], progress: bool = False) -> list[TokenStatistics]:
        """As LanguageModelScorer.score; the bar counts only texts that are not cached."""
        outputs = self.read(texts, progress=progress)
        return [one.statistics for one in outputs if one.statistics is not None]

    def read(
        self,
        texts: Sequence[str],
        layers: Sequence[int] = (),
        statistics: bool = True,
        progress: bool = False,
    ) -> list[ModelOutput]:
        """As LanguageModelScorer.read; the bar counts only texts that are not cached."""
        layers = tuple(layers)
        try:
            self._read_missing(texts, layers, statistics, progress)
            return self._look_up(texts, layers, statistics)
        except (SafetensorError, OSError):
            # the folder was cleared since it was indexed
            self._index_folder()
            self._read_missing(texts, layers, statistics, progress)
            return self._look_up(texts, layers, statistics)

    def contains(
        self, texts: Sequence[str], layers: Sequence[int] = (), statistics: bool = True
    ) -> list[bool]:
        """Whether everything requested of each text is cached."""
        wanted = [f"states_{layer}" for layer in layers]
        if statistics:
            wanted.append("statistics")
        known = [self._known.get(name, {}) for name in wanted]
        return [all(key in places for places in known) for key in map(_key, texts)]

    def _read_missing(
        self, texts: Sequence[str], layers: tuple[int, ...], statistics: bool, progress: bool
    ) -> None:
        known = self.contains(texts, layers, statistics)
        # a dict, so that a text that occurs twice is read once
        by_key = {
            _key(text): text for text, is_known in zip(texts, known, strict=True) if not is_known
        }
        missing = list(by_key.items())
        with tqdm(total=len(missing), unit=" texts", disable=None if progress else True) as bar:
            for first in range(0, len(missing), SHARD_TEXTS):
                chunk = missing[first : first + SHARD_TEXTS]
                outputs = self.scorer.read([text for _, text in chunk], layers, statistics)
                self._index_shard(self._write([key for key, _ in chunk], outputs))
                bar.update(len(chunk))

    def _look_up(
        self, texts: Sequence[str], layers: tuple[int, ...], statistics: bool
    ) -> list[ModelOutput]:
        encodings = self.scorer.encode(texts) if statistics else []
        # shards are mapped into memory only during this look-up
        open_once = lru_cache(_open)
        return [
            ModelOutput(
                self._statistics(key, encodings[i].offsets, open_once) if statistics else None,
                self._states(key, layers, open_once) if layers else None,
            )
            for i, key in enumerate(map(_key, texts))
        ]

    def _statistics(
        self, key: bytes, offsets: Sequence[tuple[int, int]], open_shard: _Opener
    ) -> TokenStatistics:
        place = self._known["statistics"][key]
        tensors = open_shard(place.shard)
        surprisal, entropy, variance = (
            _rows(tensors, name, place.tokens).astype(np.float32) for name in _FLOAT_COLUMNS
        )
        rank = _rows(tensors, "rank", place.tokens)
        spans = np.asarray(offsets, np.int32).reshape(-1, 2)
        return TokenStatistics(surprisal, rank, entropy, variance, spans)

    def _states(self, key: bytes, layers: tuple[int, ...], open_shard: _Opener) -> PooledStates:
        means = []
        for layer in layers:
            place = self._known[f"states_{layer}"][key]
            tensors = open_shard(place.shard)
            means.append(_rows(tensors, f"states_{layer}", place.sentences))
            tokens = _rows(tensors, "sentence_tokens", place.sentences)
        return PooledStates(layers, np.stack(means), tokens)

    def _write(self, keys: list[bytes], outputs: list[ModelOutput]) -> Path:
        arrays = {"keys": np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32)}
        statistics = [one.statistics for one in outputs if one.statistics is not None]
        states = [one.states for one in outputs if one.states is not None]
        zeros = [0] * len(keys)
        arrays["lengths"] = np.array([len(one) for one in statistics] or zeros, np.int64)
        arrays["sentences"] = np.array([len(one.tokens) for one in states] or zeros, np.int64)
        if statistics:
            arrays["rank"] = np.concatenate([one.rank for one in statistics])
            for name in _FLOAT_COLUMNS:
                arrays[name] = _half(np.concatenate([getattr(one, name) for one in statistics]))
        if states:
            arrays["sentence_tokens"] = np.concatenate([one.tokens for one in states])
            for index, layer in enumerate(states[0].layers):
                means = np.concatenate([one.means[index] for one in states])
                arrays[f"states_{layer}"] = _half(means)
        temporary = self.folder / f"{uuid.uuid4().hex}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)  # it may have been cleared
            save_file(arrays, temporary)
            return temporary.replace(temporary.with_suffix(".safetensors"))
        except (SafetensorError, OSError) as error:
            with suppress(OSError):
                temporary.unlink()
            raise self._not_kept(error) from error

    def _not_kept(self, error: Exception) -> InputError:
        reason = getattr(error, "strerror", None) or str(error)
        return InputError(
            f"The cache cannot be kept in {self.folder.parent} ({reason})",
            "cache",
            "choose another folder, or free some room",
        )

    def _index_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._known.clear()
        for unfinished in self.folder.glob("*.part"):
            with suppress(OSError):  # its writer may be renaming it just now
                if time.time() - unfinished.stat().st_mtime > STALE_SECONDS:
                    unfinished.unlink()
        for shard in sorted(self.folder.glob("*.safetensors")):
            self._index_shard(shard)

    def _index_shard(self, shard: Path) -> None:
        """Record which texts a shard holds; texts of a damaged one will be read again."""
        try:
            tensors = _open(shard)
            names = tensors.keys()
            shapes = {name: tensors.get_slice(name).get_shape() for name in names}
            keys = tensors.get_tensor("keys")
            tokens = np.cumsum(np.append(0, tensors.get_tensor("lengths")))
            sentences = np.cumsum(np.append(0, tensors.get_tensor("sentences")))
        except (SafetensorError, OSError):
            return
        kinds = _complete_kinds(shapes, int(tokens[-1]), int(sentences[-1]))
        for text, key in enumerate(keys if kinds else ()):
            place = _Place(
                shard,
                slice(int(tokens[text]), int(tokens[text + 1])),
                slice(int(sentences[text]), int(sentences[text + 1])),
            )
            text_hash = key.tobytes()  # one object for all kinds: there may be millions of texts
            for kind in kinds:
                self._known.setdefault(kind, {})[text_hash] = place


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _complete_kinds(shapes: dict[str, list[int]], tokens: int, sentences: int) -> list[str]:
    """Kinds of result of which a shard has every array, each of the right length."""
    if not shapes["keys"][:1] == shapes["lengths"] == shapes["sentences"]:
        return []
    kinds = []
    if all(shapes.get(name) == [tokens] for name in ("rank", *_FLOAT_COLUMNS)):
        kinds.append("statistics")
    if shapes.get("sentence_tokens") == [sentences]:
        kinds += [
            name
            for name, shape in shapes.items()
            if name.startswith("states_") and shape[:1] == [sentences]
        ]
    return kinds


def _rows(tensors: Any, name: str, rows: slice) -> np.ndarray:
    """Rows of an array in a shard."""
    if rows.start == rows.stop:  # safetensors refuses an empty slice at an array's end
        return np.asarray(tensors.get_tensor(name)[:0])
    return np.asarray(tensors.get_slice(name)[rows])


def _open(shard: Path) -> Any:
    return safe_open(shard, framework="numpy")


def _half(values: np.ndarray) -> np.ndarray:
    """Half precision; values out of its range are clipped to it."""
    largest = np.finfo(np.float16).max
    return np.asarray(np.clip(values, -largest, largest), np.float16)
