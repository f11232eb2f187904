"""Token statistics on disk by hash of text and model: a second reading costs nothing."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from perplexity_detector.errors import InputError
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.statistics import TokenStatistics

#: Texts per file of the cache: what is lost at most when a run is stopped.
SHARD_TEXTS = 64


class CachedScorer:
    """A scorer that keeps what it has read in a folder.

    Surprisal, entropy and variance are kept in half precision and ranks as int32, 10 bytes a
    token; offsets are made anew. All values pass through half precision, whether they come from
    the cache or not, so that a table does not depend on what was cached. Files are written under
    names of their own and renamed: processes that share the folder do not disturb each other.

    Args:
        scorer: reads what the folder lacks.
        folder: made if missing.
    """

    def __init__(self, scorer: LanguageModelScorer, folder: str | Path) -> None:
        self.scorer = scorer
        self.fingerprint = scorer.fingerprint
        model = hashlib.sha256(scorer.identity.encode()).hexdigest()[:16]
        self.folder = Path(folder) / model
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"The cache cannot be kept in {folder} ({error.strerror}); choose another folder."
            ) from error
        self._known: dict[str, TokenStatistics] = {}
        for shard in sorted(self.folder.glob("*.safetensors")):
            self._read(shard)

    def score(self, texts: Sequence[str], progress: bool = False) -> list[TokenStatistics]:
        """As LanguageModelScorer.score; only texts not seen before are read, and counted."""
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        missing = {
            key: text for key, text in zip(keys, texts, strict=True) if key not in self._known
        }
        wanted = list(missing.items())
        with tqdm(total=len(wanted), unit=" texts", disable=None if progress else True) as bar:
            for first in range(0, len(wanted), SHARD_TEXTS):
                shard = wanted[first : first + SHARD_TEXTS]
                read = self.scorer.score([text for _, text in shard])
                self._write([key for key, _ in shard], read)
                bar.update(len(shard))
        encodings = self.scorer.encode(texts)
        return [
            TokenStatistics(
                known.surprisal,
                known.rank,
                known.entropy,
                known.variance,
                np.asarray(encoding.offsets, np.int32).reshape(-1, 2),
            )
            for known, encoding in zip((self._known[key] for key in keys), encodings, strict=True)
        ]

    def _write(self, keys: list[str], read: list[TokenStatistics]) -> None:
        arrays: dict[str, np.ndarray] = {
            "keys": np.frombuffer(bytes.fromhex("".join(keys)), np.uint8).reshape(-1, 32),
            "lengths": np.array([len(one) for one in read], np.int64),
            "rank": np.concatenate([one.rank for one in read]),
            **{
                name: np.concatenate([getattr(one, name) for one in read]).astype(np.float16)
                for name in ("surprisal", "entropy", "variance")
            },
        }
        temporary = self.folder / f"{uuid.uuid4().hex}.part"
        save_file(arrays, temporary)
        shard = temporary.with_suffix(".safetensors")
        temporary.replace(shard)
        self._read(shard)

    def _read(self, shard: Path) -> None:
        try:
            arrays = load_file(shard)
            ends = np.cumsum(arrays["lengths"])
        except (SafetensorError, OSError, KeyError):
            return  # damaged: its texts are read again
        for key, first, last in zip(arrays["keys"], ends - arrays["lengths"], ends, strict=True):
            self._known[key.tobytes().hex()] = TokenStatistics(
                arrays["surprisal"][first:last].astype(np.float32),
                arrays["rank"][first:last],
                arrays["entropy"][first:last].astype(np.float32),
                arrays["variance"][first:last].astype(np.float32),
                np.zeros((0, 2), np.int32),
            )
