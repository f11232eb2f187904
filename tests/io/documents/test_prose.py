"""Lines become paragraphs."""

from perplexity_detector.io.documents.prose import join_lines, vocabulary, without_references

LINES = ["They walked on", "and on to", "the lake in", "the cold and", "wet north."] * 4


def joined(lines, others=LINES):
    return join_lines(lines, vocabulary([*others, *lines]))


def test_hyphens_of_a_text_that_is_not_hyphenated_stay():
    assert joined(["My great-", "grandmother sang."]) == "My great-grandmother sang."


def test_a_word_that_stands_elsewhere_in_the_text_becomes_whole():
    lines = ["A grand piano.", "It was grandiose.", "How grand-", "iose it was."]
    assert joined(lines).endswith("How grandiose it was.")


def test_words_of_a_hyphenated_text_become_whole_but_for_its_compounds():
    lines = ["an inter-", "national and", "compu-", "tational well-", "known but", "well-known one"]
    assert joined(lines, []) == "an international and computational well-known but well-known one"


def test_a_list_of_sources_ends_at_an_appendix():
    long = "A paragraph that is long."
    text = [long, "Works Cited", "Smith.", "Lee.", "Appendix A", "More."]
    assert without_references(text) == ([long, "Appendix A", "More."], 2)
    assert without_references(["Sources", "They were many.", "All were good."])[1] == 0
