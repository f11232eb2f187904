"""Convert arrays in a nested mapping to bytes in the safetensors format, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import safetensors.numpy


def to_bytes(nested: Mapping[str, Mapping[str, np.ndarray]]) -> bytes:
    """Serialise arrays, each under the name `outer.inner`; an outer name has no dot."""
    return safetensors.numpy.save(
        {
            f"{outer}.{inner}": np.ascontiguousarray(array)
            for outer, named in nested.items()
            for inner, array in named.items()
        }
    )


def from_bytes(content: bytes) -> dict[str, dict[str, np.ndarray]]:
    """The inverse of `to_bytes`; an outer name without arrays is lost.

    Raises:
        SafetensorError: it is not in that format.
        ValueError: an array holds NaN, which none is saved with.
    """
    nested: dict[str, dict[str, np.ndarray]] = {}
    for full_name, array in safetensors.numpy.load(content).items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise ValueError(f"{full_name} is not a number")
        outer, _, inner = full_name.partition(".")
        nested.setdefault(outer, {})[inner] = array
    return nested
