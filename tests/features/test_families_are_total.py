"""Every family gives a full row of finite numbers for any text and any statistics."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perplexity_detector.features import registry
from perplexity_detector.features.document import Document
from perplexity_detector.lm.token_statistics import TokenStatistics

FAMILIES = list(registry.FAMILIES.values())
READABLE = "One fish. Two fish, red fish! don't you \U0001f600 know 42?.. i've I'm THE (end) - ok;"


@st.composite
def documents(draw):
    text = draw(st.text(max_size=120) | st.text(READABLE, max_size=300))
    n = draw(st.integers(0, 200))

    def column(lowest, highest):
        constant = st.floats(lowest, highest, width=32).map(lambda value: np.full(n, value))
        varied = arrays(np.float32, n, elements=st.floats(lowest, highest, width=32))
        return draw(constant | varied).astype(np.float32)

    edges = np.sort(draw(arrays(np.int32, n + 1, elements=st.integers(0, len(text)))))
    return Document(
        text,
        TokenStatistics(
            surprisal=column(0, 1024),
            rank=draw(arrays(np.int32, n, elements=st.integers(1, 2**31 - 1))),
            entropy=column(0, 16),
            variance=column(0, 1024),
            offsets=np.stack([edges[:-1], edges[1:]], axis=1),
        ),
    )


@settings(deadline=None)
@given(documents())
def test_any_document_gives_finite_numbers_without_a_warning(document):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for family in FAMILIES:
            values = family.compute(document)
            assert list(values) == list(family.labels)
            bad = {name: value for name, value in values.items() if not math.isfinite(value)}
            assert not bad, family.name


@pytest.mark.parametrize("text", ["", "word", "\U0001f600", "...", "42", "a" * 5000, "?! " * 50])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_odd_texts_without_statistics_too(family, text):
    values = family.compute(Document(text))
    assert list(values) == list(family.labels)
    assert all(math.isfinite(value) for value in values.values())
    if not text or (family.requires == "statistics" and family.name != "burstiness"):
        assert set(values.values()) == {0.0}


def test_names_and_labels_are_unique():
    names = [name for family in FAMILIES for name in family.feature_names]
    labels = [label for family in FAMILIES for label in family.labels.values()]
    assert len(set(names)) == len(names)
    assert len(set(labels)) == len(labels)
