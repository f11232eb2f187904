"""Some sentences of a document are a document, with all that was read of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.features.document import select_sentences
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.text import canonicalise

ESSAY = canonicalise(
    "We went to the lake. Was it cold? Yes! Dr. Who said that 7 of 10 swans (no, 8) left...\n\n"
    "Then, at 14:30, they came back."
)


@pytest.fixture(scope="module")
def extractor(tiny_llama):
    families = ["perplexity", "contrast", "representation", "stylometry"]
    texts = [ESSAY, "Some text. Other text.", "Words by a model. More words.", "A fourth one."]
    return FeatureExtractor(families, lm=str(tiny_llama)).fit(texts, [0, 0, 1, 1])


@pytest.fixture(scope="module")
def document(extractor):
    return extractor.read_documents([ESSAY])[0]


def test_all_sentences_are_the_document(extractor, document):
    whole = select_sentences(document, np.ones(len(document.sentences), bool))
    assert whole.text == document.text
    np.testing.assert_array_equal(whole.statistics.offsets, document.statistics.offsets)
    ours, theirs = extractor.transform_documents([document, whole])
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@settings(deadline=None)
@given(st.data())
def test_tokens_and_states_stay_with_their_sentences(document, data):
    count = len(document.sentences)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    part = select_sentences(document, chosen)
    kept = [one for one, keep in zip(document.sentences, chosen, strict=True) if keep]
    assert part.sentences == kept
    for tokens in (part.statistics, part.tokens):
        spelled = "".join(part.text[start:end] for start, end in tokens.offsets)
        # the space before a sentence goes with the token that carried it
        assert spelled.replace(" ", "") == part.text.replace(" ", "")
    assert len(part.states.tokens) == chosen.sum()
    said = [one for one, keep in zip(surprisals(document), chosen, strict=True) if keep]
    for ours, theirs in zip(surprisals(part), said, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def surprisals(document):
    return [document.statistics.surprisal[tokens] for tokens in document.tokens_by_sentence]


def test_no_sentence_is_an_empty_document(extractor, document):
    nothing = select_sentences(document, np.zeros(len(document.sentences), bool))
    assert nothing.text == ""
    assert nothing.token_count == 0
    assert np.isfinite(extractor.transform_documents([nothing])).all()


@pytest.mark.parametrize("text", ["", "One", "Hi. No", "👩‍👩‍👧‍👦 yes. 🎉!", "a. \ud800 b."])
def test_odd_documents(extractor, text):
    (document,) = extractor.read_documents([text])
    count = len(document.sentences)
    assert select_sentences(document, np.ones(count, bool)).text == document.text
    for left_out in range(count):
        part = select_sentences(document, np.arange(count) != left_out)
        assert np.isfinite(extractor.transform_documents([part])).all()
