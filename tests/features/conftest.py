"""Documents made by hand: tokens as written, with the statistics a test needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from perplexity_detector.features.document import Document
from perplexity_detector.lm.token_statistics import TokenStatistics

Numbers = Sequence[float] | np.ndarray


def _document(
    surprisal: Numbers = (),
    *,
    rank: Numbers | None = None,
    entropy: Numbers | None = None,
    variance: Numbers | None = None,
    tokens: Sequence[str] | None = None,
) -> Document:
    n = len(surprisal)
    tokens = ["x"] * n if tokens is None else tokens
    assert len(tokens) == n
    ends = np.cumsum([len(token) for token in tokens], dtype=np.int32)
    starts = ends - np.array([len(token) for token in tokens], np.int32)
    statistics = TokenStatistics(
        surprisal=np.array(surprisal, np.float32),
        rank=np.array(np.ones(n) if rank is None else rank, np.int32),
        entropy=np.array(np.zeros(n) if entropy is None else entropy, np.float32),
        variance=np.array(np.zeros(n) if variance is None else variance, np.float32),
        offsets=np.stack([starts, ends], axis=1).reshape(n, 2).astype(np.int32),
    )
    return Document("".join(tokens), statistics)


@pytest.fixture(scope="session")
def document_of() -> Callable[..., Document]:
    """Surprisals, and what else is given, -> a document; a token is "x" unless given."""
    return _document
