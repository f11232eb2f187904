"""What a family sees of a text, and what it hands on."""

import math

from perplexity_detector.features.document import Document
from perplexity_detector.features.family import Family


def test_a_token_belongs_to_the_sentence_of_its_last_character(document_of):
    document = document_of([1, 2, 3, 4, 5], tokens=["One", " two", ".", " Three", "."])
    assert [list(tokens) for tokens in document.tokens_by_sentence] == [[0, 1, 2], [3, 4]]


def test_tokens_of_space_between_sentences_belong_to_none(document_of):
    document = document_of([1, 2, 3], tokens=["One.", "  ", "Two."])
    assert [list(tokens) for tokens in document.tokens_by_sentence] == [[0], [2]]


def test_sentences_without_words_or_tokens_are_left_out(document_of):
    document = document_of([1, 1], tokens=["Yes. ", "?! No."])
    assert document.words_by_sentence == [["Yes"], ["No"]]
    assert Document("One. Two.").tokens_by_sentence == []
    assert Document("").words_by_sentence == []


def test_values_follow_the_labels_and_are_finite():
    family = Family(
        name="odd",
        version=1,
        labels={"b": "second", "a": "first"},
        compute=lambda document: {"a": math.inf, "b": len(document.text)},
        requires="text",
    )
    assert family.feature_names == ["odd_b", "odd_a"]
    assert family.values(Document("xyz")) == [3.0, 0.0]
