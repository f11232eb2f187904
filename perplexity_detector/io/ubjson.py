"""Read universal binary JSON (ubjson.org), strictly: the part of it that XGBoost writes."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Marker of a type of numbers -> that type; all are big-endian.
_NUMBERS: dict[bytes, np.dtype[Any]] = {
    b"i": np.dtype(">i1"),
    b"U": np.dtype(">u1"),
    b"I": np.dtype(">i2"),
    b"l": np.dtype(">i4"),
    b"L": np.dtype(">i8"),
    b"d": np.dtype(">f4"),
    b"D": np.dtype(">f8"),
}
_CONSTANTS = {b"T": True, b"F": False, b"Z": None}
#: Deepest nesting; XGBoost's files have 6 levels.
_MAX_DEPTH = 16


def from_bytes(content: bytes) -> Any:
    """The value that a file holds.

    Returns:
        Plain values, and a NumPy array for each array of numbers of one type.

    Raises:
        ValueError: it is not valid, names a key twice, or goes on after its value.
    """
    reader = _Reader(content)
    value = reader.value(reader.take(1), 0)
    if reader.position != len(content):
        raise ValueError("there are bytes after the value")
    return value


class _Reader:
    """Reads values one after another; every size is checked against the bytes that are left."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.position = 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        end = self.position + size
        if size < 0 or end > len(self._content):
            raise ValueError("a value is longer than the file")
        taken = self._content[self.position : end]
        self.position = end
        return taken

    def value(self, marker: bytes, depth: int) -> Any:
        """The value that follows a marker."""
        if depth > _MAX_DEPTH:
            raise ValueError("values are nested too deeply")
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker in _NUMBERS:
            return self._numbers(marker, 1)[0].item()
        if marker == b"S":
            return self._string()
        if marker == b"{":
            return self._object(depth)
        if marker == b"[":
            return self._array(depth)
        raise ValueError(f"there is no type {marker!r}")

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (first := self.take(1)) != b"}":
            self.position -= len(first)
            name = self._string()
            if name in found:
                raise ValueError(f"{name} is named twice")
            found[name] = self.value(self.take(1), depth + 1)
        return found

    def _array(self, depth: int) -> Any:
        marker = self.take(1)
        if marker == b"$":
            of_type = self.take(1)
            if self.take(1) != b"#":
                raise ValueError("an array has a type and no length")
            return self._numbers(of_type, self._length())
        if marker == b"#":
            return [self.value(self.take(1), depth + 1) for _ in range(self._length())]
        values = []
        while marker != b"]":
            values.append(self.value(marker, depth + 1))
            marker = self.take(1)
        return values

    def _numbers(self, marker: bytes, count: int) -> np.ndarray:
        if marker not in _NUMBERS:
            raise ValueError(f"there are no numbers of type {marker!r}")
        kind = _NUMBERS[marker]
        return np.asarray(np.frombuffer(self.take(count * kind.itemsize), kind))

    def _length(self) -> int:
        marker = self.take(1)
        if marker not in _NUMBERS or _NUMBERS[marker].kind == "f":
            raise ValueError("a length is no whole number")
        return int(self._numbers(marker, 1)[0])

    def _string(self) -> str:
        return self.take(self._length()).decode()
