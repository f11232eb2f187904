"""Family `compression`: size of the text under general-purpose compressors."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family
from perplexity_detector.features.series import ratio

#: Characters per piece, for the measure that does not depend on the length of the text.
PIECE_CHARACTERS = 500
#: A small dictionary is faster to set up, and texts fit in it.
_LZMA_FILTERS = [{"id": lzma.FILTER_LZMA1, "preset": 6, "dict_size": 1 << 16}]

LABELS = {
    "zlib": "bytes per character after zlib compression",
    "zlib_second_half": "cost of the second half once the first is known (zlib)",
    "zlib_novelty": "novelty of the second half against the first (zlib)",
    "lzma": "bytes per character after LZMA compression",
    "lzma_second_half": "cost of the second half once the first is known (LZMA)",
    "lzma_novelty": "novelty of the second half against the first (LZMA)",
    "zlib_piece": "bytes per character of short pieces after zlib compression",
}


def compression_features(document: Document) -> dict[str, float]:
    """Compressed size C of the UTF-8 text t in bytes, less that of no text (Jiang et al. 2023).

    Streams have no header or checksum; a half is half of the characters. In bytes per
    character, from 0, unless another unit is given; 0 for an empty text.

    - `zlib`, `lzma`: C(t) / characters. It falls as a text grows.
    - `zlib_piece`: mean of C / characters over consecutive pieces of 500 characters, the last
      one ignored if shorter; a shorter text is one piece. It does not fall as a text grows.
    - `zlib_second_half`, `lzma_second_half`: (C(t) - C(first half)) / characters of the second.
    - `zlib_novelty`, `lzma_novelty`: the same over C(second half) / characters of the second,
      without unit: about 0 if the second half repeats the first and about 1 if they share
      nothing; it can exceed 1 by a few per cent.
    """
    text = document.text
    if not text:
        return dict.fromkeys(LABELS, 0.0)
    zlib_features = _features("zlib", zlib_size, text)
    lzma_features = _features("lzma", lzma_size, text)
    n_pieces = max(1, len(text) // PIECE_CHARACTERS)
    pieces = [text[i * PIECE_CHARACTERS : (i + 1) * PIECE_CHARACTERS] for i in range(n_pieces)]
    by_piece = sum(zlib_size(piece) / len(piece) for piece in pieces) / n_pieces
    return {**zlib_features, **lzma_features, "zlib_piece": by_piece}


def _features(name: str, size: Callable[[str], int], text: str) -> dict[str, float]:
    first, second = text[: len(text) // 2], text[len(text) // 2 :]
    whole = size(text)
    added = max(0, whole - size(first))
    return {
        name: whole / len(text),
        f"{name}_second_half": added / len(second),
        f"{name}_novelty": ratio(added, size(second)),
    }


def zlib_size(text: str) -> int:
    """Bytes of the raw DEFLATE stream at level 9, less those of an empty text."""
    compressor = zlib.compressobj(level=9, wbits=-15)
    return len(compressor.compress(_encoded(text)) + compressor.flush()) - _ZLIB_EMPTY


def lzma_size(text: str) -> int:
    """Bytes of the raw LZMA1 stream, less those of an empty text."""
    return len(lzma.compress(_encoded(text), lzma.FORMAT_RAW, filters=_LZMA_FILTERS)) - _LZMA_EMPTY


def _encoded(text: str) -> bytes:
    # canonical text has no unpaired surrogates, but other text may
    return text.encode(errors="surrogatepass")


_ZLIB_EMPTY = 2
_LZMA_EMPTY = len(lzma.compress(b"", lzma.FORMAT_RAW, filters=_LZMA_FILTERS))


FAMILY = Family(
    name="compression",
    version=1,
    labels=LABELS,
    compute=compression_features,
    requires="text",
)
