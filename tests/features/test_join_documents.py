"""Documents read one by one, joined to one document."""

import numpy as np
import pytest

from perplexity_detector.features.document import Document, join_documents, select_sentences
from perplexity_detector.features.extractor import FeatureExtractor

TEXTS = [
    "We went to the lake. Was it cold? Yes!",
    "Dr. Who said that 7 of 10 swans left...",
    "Then, at 14:30, they came back. Nobody knew why.",
]


@pytest.fixture(scope="module")
def extractor(tiny_llama):
    families = ["perplexity", "contrast", "representation", "stylometry"]
    return FeatureExtractor(families, lm=str(tiny_llama)).fit(
        [*TEXTS, "A fourth one. It is by a model."], [0, 0, 1, 1]
    )


@pytest.fixture(scope="module")
def documents(extractor):
    return extractor.read_documents(TEXTS)


def test_tokens_keep_their_characters_and_statistics(documents):
    joined = join_documents(documents)
    assert joined.text == " ".join(TEXTS)
    assert joined.token_count == sum(one.token_count for one in documents)
    for name in ("statistics", "tokens"):
        offsets = getattr(joined, name).offsets
        found = [joined.text[start:end] for start, end in offsets]
        expected = [
            one.text[start:end] for one in documents for start, end in getattr(one, name).offsets
        ]
        assert found == expected
    surprisal = np.concatenate([one.statistics.surprisal for one in documents])
    np.testing.assert_array_equal(joined.statistics.surprisal, surprisal)


def test_mean_states_are_weighted_by_tokens(documents):
    joined = join_documents(documents)
    tokens = [int(one.states.tokens.sum()) for one in documents]
    expected = np.average([one.states.mean() for one in documents], axis=0, weights=tokens)
    np.testing.assert_allclose(joined.states.mean(), expected, rtol=1e-5, atol=1e-6)


def test_one_document_joined_is_itself(extractor, documents):
    ours, theirs = extractor.transform_documents([join_documents(documents[:1]), documents[0]])
    np.testing.assert_array_equal(ours, theirs)


def test_its_sentences_can_be_selected(extractor, documents):
    joined = join_documents(documents)
    first = np.arange(len(joined.sentences)) < len(documents[0].sentences)
    selected = select_sentences(joined, first)
    assert selected.text == documents[0].text
    np.testing.assert_array_equal(selected.statistics.surprisal, documents[0].statistics.surprisal)


def test_texts_without_tokens():
    joined = join_documents([Document(""), Document("Two words.")])
    assert joined.text == " Two words."
    assert joined.token_count == 0
