"""Fingerprint of a language model's folder: weights, configuration and tokenizer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from perplexity_detector.errors import LanguageModelError

_WEIGHTS = ("*.safetensors", "*.bin")
#: What decides how a text is read, besides the weights.
_SETTINGS = (
    "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model", "spiece.model",
)  # fmt: skip
#: Fields of these files that change when the same model is saved again.
_NOT_HASHED = {"transformers_version", "_name_or_path"}
#: The names of the builtin model, the same for both forms in which a folder may have it: the
#: present one; that of the earlier form, with its bytes in another order; and that of the weights
#: alone in that form, until version 0.3 a model's whole name.
_BUILTIN = (
    "sha256:6661010bccf7ae1d0baad55d6c4fe4788607cbfcbb928057b2dda8c8516591a6",
    "sha256:74b95a3566d303a21d1ed96c9409895a3d3178f98a047db12cb2a5a87938ce2e",
    "sha256:6319cefef8f5f9356e52258853be9b507ba4eec291c3c1c77a16a4d9102a8f34",
)

#: SHA-256 of the builtin model's tokenizer.json -> that of what it says, which takes longer to find
#: than the weights take to hash: 0.16 s and 0.06 s.
_CONTENT = {
    "7d27c493c729a66ecefc837280b05d948b1ed50d130eebdbf911b1b36cf38ed7": (
        "b8184c9863eb79d2c80ec9e290722b24e71de8e106ff9a6b0a9b47ac9d38d50a"
    )
}


def fingerprints(folder: Path) -> tuple[str, ...]:
    """The names by which detectors know the model in a folder, `sha256:...`, the present one first.

    The last is that of version 0.3 and earlier, of the weights alone. The builtin model has its
    former names only as a whole, with the configuration and tokenizer that belong to its weights.

    Raises:
        LanguageModelError: there are no weights.
        OSError, ValueError: a file cannot be read.
    """
    weights = hashlib.sha256()
    files = sorted(file for pattern in _WEIGHTS for file in folder.glob(pattern))
    if not files:
        raise LanguageModelError(f"{folder} has no weights (*.safetensors or *.bin).", "lm")
    for file in files:
        for block in _blocks(file):
            weights.update(block)
    whole = hashlib.sha256(weights.digest())
    for name in _SETTINGS:
        if (folder / name).is_file():
            whole.update(name.encode() + _content(folder / name))
    present, former = f"sha256:{whole.hexdigest()}", f"sha256:{weights.hexdigest()}"
    if present in _BUILTIN:
        return _BUILTIN
    return (present,) if former in _BUILTIN else (present, former)


def is_known(names: tuple[str, ...]) -> bool:
    """Whether the last of a model's fingerprints stands for the whole model as it is."""
    return names == _BUILTIN


def is_same_model(name: str | None, other: str | None) -> bool:
    """Whether two fingerprints are of one model: the builtin one has several."""
    return name == other or {name, other} <= set(_BUILTIN)


def _content(file: Path) -> bytes:
    """What a file says; of JSON not how it is written, which differs between versions."""
    written = file.read_bytes()
    digest = hashlib.sha256(written)
    if file.suffix != ".json":
        return digest.digest()
    if (known := _CONTENT.get(digest.hexdigest())) is not None:
        return bytes.fromhex(known)
    values = _canonical(json.loads(written.decode("utf-8")))
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).digest()


def _canonical(value: Any) -> Any:
    """Without what is absent or off, which other versions leave out; merges in the older form."""
    if isinstance(value, list):
        return [_canonical(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {
        name: _canonical(one)
        for name, one in value.items()
        if name not in _NOT_HASHED and one is not None and one is not False and one not in ([], {})
    }
    if isinstance(kept.get("merges"), list):
        kept["merges"] = [one if isinstance(one, str) else " ".join(one) for one in kept["merges"]]
    return kept


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            yield block
