"""Some sentences of a document are a document, with all that was read of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.features.excerpt import excerpt
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
    return extractor.documents([ESSAY])[0]


def test_all_sentences_are_the_document(extractor, document):
    whole = excerpt(document, np.ones(len(document.sentences), bool))
    assert whole.text == document.text
    np.testing.assert_array_equal(whole.statistics.offsets, document.statistics.offsets)
    np.testing.assert_allclose(*extractor.table([document, whole]), rtol=1e-6)


@given(st.data())
def test_tokens_and_states_stay_with_their_sentences(document, data):
    count = len(document.sentences)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    part = excerpt(document, chosen)
    kept = [one for one, keep in zip(document.sentences, chosen, strict=True) if keep]
    assert part.sentences == kept
    spelled = {
        name: "".join(part.text[start:end] for start, end in tokens.offsets)
        for name, tokens in (("statistics", part.statistics), ("tokens", part.tokens))
    }
    assert spelled == dict.fromkeys(spelled, part.text)
    of = [tokens.size for tokens in document.tokens_by_sentence]
    assert [tokens.size for tokens in part.tokens_by_sentence] == [
        size for size, keep in zip(of, chosen, strict=True) if keep
    ]
    assert len(part.states.tokens) == chosen.sum()
    surprisals = [document.statistics.surprisal[tokens] for tokens in document.tokens_by_sentence]
    expected = [one for one, keep in zip(surprisals, chosen, strict=True) if keep]
    np.testing.assert_array_equal(
        part.statistics.surprisal, np.concatenate([np.zeros(0), *expected])
    )


def test_no_sentence_is_an_empty_document(extractor, document):
    nothing = excerpt(document, np.zeros(len(document.sentences), bool))
    assert nothing.text == ""
    assert nothing.token_count == 0
    assert np.isfinite(extractor.table([nothing])).all()


@pytest.mark.parametrize("text", ["", "One", "Hi. No", "👩‍👩‍👧‍👦 yes. 🎉!", "a. \ud800 b."])
def test_odd_documents(extractor, text):
    (document,) = extractor.documents([text])
    count = len(document.sentences)
    for left_out in range(count):
        part = excerpt(document, np.arange(count) != left_out)
        assert np.isfinite(extractor.table([part])).all()
