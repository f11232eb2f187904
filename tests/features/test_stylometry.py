"""Family `stylometry`: its parts by hand."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_detector.features.document import Document
from perplexity_detector.features.style.function_words import (
    connective_at,
    function_word_rates,
    undo_contraction,
)
from perplexity_detector.features.style.punctuation import punctuation_rates
from perplexity_detector.features.style.readability import readability_indices, syllables
from perplexity_detector.features.style.sentences import passives, sentence_shape
from perplexity_detector.features.style.vocabulary import (
    repeated_share,
    vocabulary_richness,
    windowed_richness,
    yules_k,
)
from perplexity_detector.features.stylometry import FAMILY
from perplexity_detector.text import words


def style(text):
    return FAMILY.compute(Document(text))


def marks(text):
    return punctuation_rates(text, words(text))


@given(st.text(alphabet="a-. i'1é\n", max_size=12))
def test_marks_with_a_place_are_counted_by_what_stands_around_them(text):
    total = len(words(text))
    if not total:
        return
    found = marks(text)
    padded = f" {text} "
    around = [padded[place : place + 3] for place in range(len(text))]
    hyphens = sum(two[1] == "-" and (two[0] + two[2]).replace("_", "a").isalnum() for two in around)
    assert found["hyphens"] == 100 * hyphens / total
    lower_i = sum(
        three[1] == "i"
        and not (is_word(three[0]) or three[0] in "'.-")
        and not (is_word(three[2]) or three[2] in ".-")
        for three in around
    )
    assert found["lower_case_i"] == 100 * lower_i / total
    alone = sum(run in ("-", "--") for run in text.split())
    within = sum(len(re.findall("--(?=.)", run[1:])) for run in text.split() if run != "--")
    if "---" not in text:
        assert found["dashes"] == 100 * (alone + within) / total


def is_word(character):
    return character == "_" or character.isalnum()


# --- the family -----------------------------------------------------------------------------


def test_an_empty_text_is_all_zero():
    assert list(style("")) == list(FAMILY.labels)
    assert set(style("").values()) == {0.0}


TEXT = (
    "However, we weren't sure about the old map; it was drawn in 1920, maybe by a sailor. "
    "We asked Anna, Tom and Ruth. They laughed! She said that the island, in fact, had moved. "
)


@pytest.mark.parametrize("times", [3, 9])
def test_nothing_counts_how_long_the_text_is(times):
    once, again = style(TEXT * 3), style(TEXT * 3 * times)
    near_the_ends = {"repeated_bigrams", "repeated_trigrams", "repeated_openings", "yules_k"}
    windows = {"moving_type_token_ratio", "moving_hapax_share"}
    for name, value in once.items():
        if name not in near_the_ends | windows:
            assert again[name] == pytest.approx(value), name
    for name in windows:
        assert again[name] == pytest.approx(once[name], rel=0.1)


# --- sentences ------------------------------------------------------------------------------


def test_sentences_by_hand():
    values = sentence_shape(
        [
            words("However we met Anna"),
            words("She and I left"),
            words("the rain fell"),
            words("She slept"),
            words("In the end I'm fine"),
        ]
    )
    assert values["sentence_length"] == pytest.approx(18 / 5)
    assert values["sentence_length_longest"] == 5
    assert values["short_sentences"] == 1
    assert values["long_sentences"] == 0
    assert values["opens_with_connective"] == pytest.approx(2 / 5)
    assert values["opens_with_coordinator"] == 0
    assert values["opens_with_pronoun"] == pytest.approx(2 / 5)
    assert values["opens_with_article"] == pytest.approx(1 / 5)
    assert values["opens_in_lower_case"] == pytest.approx(1 / 5)
    assert values["repeated_openings"] == pytest.approx(1 / 5)
    assert values["capitals_within"] == pytest.approx(1 / 13)


def test_a_sentence_that_opens_with_a_contraction_opens_with_its_pronoun():
    values = sentence_shape([["It's", "late"], ["But", "why"], ["x"] * 31])
    assert values["opens_with_pronoun"] == pytest.approx(1 / 3)
    assert values["opens_with_coordinator"] == pytest.approx(1 / 3)
    assert values["long_sentences"] == pytest.approx(1 / 3)


def test_passives_are_counted():
    assert passives(words("the cake was eaten and is being praised")) == 2
    assert passives(words("he was happy to have asked")) == 0
    assert sentence_shape([words("it was made by us")])["passives"] == 20


# --- vocabulary -----------------------------------------------------------------------------


def test_distinct_words_are_all_types_and_all_hapaxes():
    distinct = [f"w{i}" for i in range(120)]
    assert windowed_richness(distinct, 50) == (1, 1)
    assert yules_k(distinct) == 0
    assert repeated_share(distinct, 2, 100) == 0


def test_one_word_again_and_again_is_one_type():
    assert windowed_richness(["so"] * 60, 50) == (1 / 50, 0)
    assert yules_k(["so"] * 100) == pytest.approx(1e4 * (100**2 - 100) / 100**2)


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=40), st.integers(1, 45))
def test_moving_windows_are_what_counting_each_would_give(sample, window):
    window = min(window, len(sample))
    runs = [sample[i : i + window] for i in range(len(sample) - window + 1)]
    types = sum(len(set(run)) for run in runs) / (window * len(runs))
    single = sum(sum(run.count(word) == 1 for word in run) for run in runs)
    expected = (types, single / (window * len(runs)))
    assert windowed_richness(sample, window) == pytest.approx(expected)


def test_yules_k_by_hand():
    # V_1 = 2, V_2 = 1, N = 4: 10^4 (1 * 2 + 4 * 1 - 4) / 16
    assert yules_k(["a", "b", "b", "c"]) == 1250


def test_repeated_runs_by_hand():
    sample = words("the cat saw the cat run")
    assert repeated_share(sample, 2, reach=100) == pytest.approx(1 / 5)
    assert repeated_share(sample, 2, reach=3) == pytest.approx(1 / 5)
    assert repeated_share(sample, 2, reach=2) == 0
    assert repeated_share(sample, 3, reach=100) == 0
    assert repeated_share(["one"], 2, reach=100) == 0


def test_lengths_and_endings_by_hand():
    values = vocabulary_richness(["nation", "kindness", "quickly", "thing", "reconsideration"])
    assert values["word_length"] == pytest.approx((6 + 8 + 7 + 5 + 15) / 5)
    assert values["long_words"] == pytest.approx(3 / 5)
    assert values["very_long_words"] == pytest.approx(1 / 5)
    assert values["ending_tion"] == 40
    assert values["ending_ness"] == 20
    assert values["ending_ly"] == 20
    assert values["ending_ing"] == 0  # a thing is not doing anything
    assert values["abstract_nouns"] == 60


# --- readability ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("the", 1),
        ("cake", 1),
        ("whole", 1),
        ("table", 2),
        ("walked", 1),
        ("wanted", 2),
        ("agreed", 2),
        ("banana", 3),
        ("well-known", 2),
        ("readability", 5),
        ("42", 1),
        ("日本", 1),
    ],
)
def test_syllables(word, expected):
    assert syllables(word) == expected


def test_readability_by_hand():
    # 6 words, 2 sentences, 10 syllables, 1 word of three or more, 27 letters
    sample = words("the dog ate bananas very quickly")
    assert [syllables(word) for word in sample] == [1, 1, 1, 3, 2, 2]
    values = readability_indices(sample, 2)
    y, letters = 10 / 6, 27 / 6
    assert values["flesch_reading_ease"] == pytest.approx(206.835 - 1.015 * 3 - 84.6 * y)
    assert values["flesch_kincaid_grade"] == pytest.approx(0.39 * 3 + 11.8 * y - 15.59)
    assert values["gunning_fog"] == pytest.approx(0.4 * (3 + 100 / 6))
    assert values["automated_readability"] == pytest.approx(4.71 * letters + 1.5 - 21.43)
    assert values["coleman_liau"] == pytest.approx(0.0588 * 450 - 0.296 * 100 / 3 - 15.8)
    assert values["syllables_per_word"] == pytest.approx(y)
    assert values["complex_words"] == pytest.approx(1 / 6)


# --- punctuation and slips ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("commas", "one, two, three", 2),
        ("semicolons", "one; two", 1),
        ("colons", "one: two", 1),
        ("dashes", "one - two--three well-known", 2),
        ("hyphens", "a well-known one - two", 1),
        ("parentheses", "one (two) (three)", 2),
        ("exclamations", "one! two!!", 3),
        ("questions", "one? two", 1),
        ("apostrophes", "it's John's", 2),
        ("quotes", '"one" two', 2),
        ("ellipses", "well... no. yes..", 2),
        ("comma_and", "one, and two, andy", 1),
        ("triples", "red, white, and blue", 1),
        ("triples", "red and blue, then green", 0),
        ("space_before_mark", "one , two !", 2),
        ("space_before_mark", "one ... .5 two", 0),
        ("no_space_after_mark", "one,two.Three four, five", 2),
        ("contractions", "don't it's John's we'll", 3),
        ("missing_apostrophes", "dont we cant", 2),
        ("lower_case_i", "i think i'm I x-i i.e.", 2),
    ],
)
def test_marks_per_hundred_words(name, text, count):
    assert marks(text)[name] == pytest.approx(100 * count / len(words(text)))


def test_digits_and_capitals_are_shares():
    assert marks("ab 12")["digits"] == pytest.approx(2 / 5)
    assert marks("NO I am OK")["upper_case_words"] == pytest.approx(2 / 4)


# --- function words -------------------------------------------------------------------------


def test_function_words_by_hand():
    sample = words("the dog can't see me but we've seen it")
    values = function_word_rates(sample)
    one = 100 / 9
    assert values["word_the"] == pytest.approx(one)
    assert values["word_can"] == pytest.approx(one)
    assert values["word_not"] == pytest.approx(one)
    assert values["articles"] == pytest.approx(one)
    assert values["modals"] == pytest.approx(one)
    assert values["negations"] == pytest.approx(one)
    assert values["first_person_singular"] == pytest.approx(one)
    assert values["first_person_plural"] == pytest.approx(one)
    assert values["third_person"] == pytest.approx(one)
    assert values["coordinators"] == pytest.approx(one)
    # dog, see and seen, of ten parts
    assert values["content_words"] == pytest.approx(3 / 10)


def test_connectives_of_several_words_count_once():
    sample = words("first of all it rained on the other hand it was warm however")
    values = function_word_rates(sample)
    one = 100 / len(sample)
    assert values["connectives_ordering"] == pytest.approx(one)
    assert values["connectives_contrasting"] == pytest.approx(2 * one)
    assert values["connectives"] == pytest.approx(3 * one)
    assert connective_at(["in", "the", "house"], 0) is None


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("won't", ["will", "not"]),
        ("couldn't", ["could", "not"]),
        ("they've", ["they"]),
        ("o'clock", ["o"]),
        ("tree", ["tree"]),
    ],
)
def test_contractions_are_undone(word, parts):
    assert undo_contraction(word) == parts
