"""Features of essays of the sample are what they were, so that whoever quickens them may be sure.

If a family's version is raised, `python -m tests.features.test_values_of_the_sample` writes them
anew.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from perplexity_detector.features import (
    burstiness,
    curvature,
    diversity,
    entropy,
    perplexity,
    rank,
    spectrum,
    stylometry,
)
from perplexity_detector.features.document import Document
from perplexity_detector.lm.token_statistics import TokenStatistics
from perplexity_detector.text import canonicalise
from tests.labelled import sample

EXPECTED = Path(__file__).with_suffix(".json")
ESSAYS = (0, 20, 45)
FAMILIES = [
    one.FAMILY
    for one in (burstiness, curvature, diversity, entropy, perplexity, rank, spectrum, stylometry)
]


def document(essay):
    """An essay whose tokens are of four characters, with drawn statistics."""
    text, rng = canonicalise(sample()["text"][essay]), np.random.default_rng(essay)
    n = len(text) // 4
    starts = 4 * np.arange(n, dtype=np.int32)
    surprisal = rng.gamma(0.7, 4, n).astype(np.float32)
    spread = rng.gamma(2, 1.5, (2, n)).astype(np.float32)
    ranks = np.ceil(np.exp(surprisal)).clip(1, 49_152).astype(np.int32)
    offsets = np.stack([starts, starts + 4], axis=1)
    return Document(text, TokenStatistics(surprisal, ranks, spread[0], spread[1], offsets))


def values(essay):
    read = document(essay)
    return {
        name: value
        for family in FAMILIES
        for name, value in zip(family.feature_names, family.values(read), strict=True)
    }


@pytest.mark.parametrize("essay", ESSAYS)
def test_values_are_what_they_were(essay):
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))[str(essay)]
    # other processors and versions of numpy round sums in another way
    assert values(essay) == pytest.approx(expected, rel=1e-6, abs=1e-9)


if __name__ == "__main__":
    found = {str(essay): values(essay) for essay in ESSAYS}
    EXPECTED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
