"""Disguises of texts: what each changes, how much of it, and what the canonical form undoes."""

import hashlib
import subprocess
import sys
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.augmentation.attacks import (
    ATTACKS,
    Edit,
    apply_edits,
    attack,
    sample_fraction,
    seeded_random,
    takes_an,
)
from perplexity_detector.augmentation.word_tables import (
    HOMOGLYPHS,
    MISSPELLINGS,
    SIMPLER_WORDS,
    SPELLINGS,
    SYNONYMS,
)
from perplexity_detector.errors import InputError
from perplexity_detector.text import canonicalise, sentence_spans

UNDONE = ["homoglyph", "zero_width_space", "whitespace", "insert_paragraphs"]
PROSE = "The cat sat on a mat. In 1984, an old man saw it! Did the colour of it matter? No, it did."

words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
numbers = st.integers(0, 99_999).map(str)
sentences = st.builds(
    lambda first, rest, end: " ".join([first.capitalize(), *rest]) + end,
    words,
    st.lists(words | numbers | words.map(lambda word: f"({word}),"), min_size=1, max_size=12),
    st.sampled_from([".", "!", "?", '."', "..."]),
)
prose = st.lists(sentences, max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("homoglyph", "a cope fly", "а соре flу"),
        ("zero_width_space", "no!", "n\u200bo\u200b!\u200b"),
        ("whitespace", "two words", "two  words"),
        ("upper_lower", "'home'", "'Home'"),
        ("upper_lower", "ÉTÉ 7", "éTÉ 7"),
        ("case_flips", "7 é!", "7 É!"),
        ("article_deletion", "The patterns", "Patterns"),
        ("article_deletion", "She ate an apple", "She ate apple"),
        ("article_deletion", "Plan-a of Ana, a", "Plan-a of Ana, a"),
        ("alternative_spelling", "Colour TV, the CENTER", "Color TV, the CENTRE"),
        ("alternative_spelling", "She realized it organise", "She realised it organize"),
        ("misspelling", "Believe", "Beleive"),
        ("synonym", "Enormous", "Huge"),
        ("synonym", "a major", "a principal"),
        ("insert_paragraphs", "One two. Three.", "One two.\n\nThree."),
        ("insert_paragraphs", "One two.\nThree.", "One two.\nThree."),
        ("shuffle_sentences", "One two. Three!", "Three! One two."),
        ("shuffle_sentences", "One.\n\nTwo?", "Two?\n\nOne."),
    ],
)
def test_what_an_attack_does(name, text, expected):
    assert expected in {attack(text, name, seed) for seed in range(10)}


def test_an_article_fits_the_word_after_it():
    forms = {attack("It was a big one", "synonym", seed) for seed in range(20)}
    assert forms == {"It was a large one", "It was a huge one"}
    forms = {attack("AN IMPORTANT one, An important one", "synonym", seed) for seed in range(30)}
    assert "A MAJOR one, An important one" in forms
    assert "AN IMPORTANT one, A significant one" in forms
    assert [takes_an(word) for word in ("hour", "union", "uncle", "once", "oil", "")] == [
        *(True, False, True, False, True, False)
    ]


def test_a_number_keeps_its_length_and_loses_its_digits():
    changed = {attack("In 1905", "number", seed) for seed in range(50)}
    assert len(changed) > 30
    for text in changed:
        assert text.startswith("In ") and len(text) == 7
        assert all(new != old for new, old in zip(text[3:], "1905", strict=True))
        assert text[3] != "0"


@pytest.mark.parametrize(
    ("name", "unit", "count_of_changed"),
    [
        ("upper_lower", "house ", {"House ": 10}),
        ("case_flips", "hold ", {"H": 10, "O": 10, "L": 10, "D": 10}),
        ("whitespace", "a ", {"  ": 40}),
        ("article_deletion", "the house ", {"the ": 100}),
        ("number", "77 ", {"77 ": 100}),
        ("alternative_spelling", "colour ", {"color ": 200}),
        ("misspelling", "achieve ", {"acheive ": 40}),
        ("synonym", "company ", {"company ": 100}),
        ("insert_paragraphs", "So. ", {"\n\n": 100}),
    ],
)
def test_the_share_of_candidates(name, unit, count_of_changed):
    attacked = attack(unit * 200 + "So.", name)
    found = sum(map(attacked.count, count_of_changed))
    assert found == pytest.approx(sum(count_of_changed.values()), abs=1)


def test_half_of_the_sentences_change_places_and_none_is_lost():
    text = " ".join(f"Word{number}." for number in range(40))
    shuffled = attack(text, "shuffle_sentences")
    assert sorted(shuffled.split()) == sorted(text.split())
    moved = [new for new, old in zip(shuffled.split(), text.split(), strict=True) if new != old]
    assert len(moved) == 20


# --- what the canonical form undoes ---------------------------------------------------------


@pytest.mark.parametrize("name", UNDONE)
@settings(deadline=None, max_examples=40)
@given(text=prose, seed=st.integers(0, 99))
def test_the_canonical_form_undoes_it(name, text, seed):
    assert canonicalise(attack(text, name, seed)) == canonicalise(text)


@pytest.mark.parametrize("name", UNDONE)
def test_the_canonical_form_undoes_it_in_essays(name, essays):
    for essay in essays:
        attacked = attack(essay, name)
        assert attacked != essay
        assert canonicalise(attacked) == canonicalise(essay)


def test_the_canonical_form_undoes_most_flips_of_case(essays):
    flipped = left = 0
    for essay in map(canonicalise, essays):
        attacked = attack(essay, "case_flips")
        flipped += _different_words(attacked, essay)
        left += _different_words(canonicalise(attacked), essay)
    assert left < 0.3 * flipped  # what is left are first letters


def _different_words(one, other):
    return sum(a != b for a, b in zip(one.split(), other.split(), strict=True))


def test_every_homoglyph_is_known_to_the_canonical_form():
    for latin, others in HOMOGLYPHS.items():
        assert all(not other.isascii() for other in others)
        assert {canonicalise(other + "b") for other in others} == {latin + "b"}


# --- any text -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ATTACKS)
@settings(deadline=None, max_examples=40)
@given(text=st.text(max_size=60) | st.text("aAn the1. \n\ud800é😀я", max_size=60))
def test_no_text_is_too_odd(name, text):
    attacked = attack(text, name)
    assert attacked == attack(text, name)
    if not text.strip():
        assert attacked.strip("\u200b ") == text.strip(" ") or name == "zero_width_space"


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_to_change(name):
    assert attack("", name) == ""
    if name != "zero_width_space":
        assert attack("北京。", name) == "北京。"


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("unit", ["a ", "The centre, 7. ", "x", "a" + " " * 99, "😀\ud800"])
def test_a_hundred_thousand_characters_take_no_time(name, unit):
    text = unit * (100_000 // len(unit))
    start = time.process_time()
    attack(text, name)
    assert time.process_time() - start < 2


def test_an_unknown_name():
    with pytest.raises(InputError, match=r'no attack "magic"; choose one of homoglyph, .*synonym'):
        attack("text", "magic")


# --- chance ---------------------------------------------------------------------------------


def test_the_same_in_another_process():
    code = (
        "import sys, hashlib; from perplexity_detector.augmentation.attacks import ATTACKS, attack;"
        "texts = '|'.join(attack(sys.argv[1], name, 3) for name in ATTACKS);"
        "print(hashlib.sha256(texts.encode()).hexdigest())"
    )
    here = "|".join(attack(PROSE, name, 3) for name in ATTACKS)
    command = [sys.executable, "-c", code, PROSE]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert there == hashlib.sha256(here.encode()).hexdigest()


def test_the_seed_the_name_and_the_text_decide():
    assert seeded_random(0, "a", "b").random() == seeded_random(0, "a", "b").random()
    values = {
        seeded_random(*parts).random() for parts in [(0, "a", "b"), (1, "a", "b"), (0, "ab", "")]
    }
    assert len(values) == 3
    assert seeded_random(0, "number", "text").randrange(10**6) == 219289
    assert len({attack(PROSE, "case_flips", seed) for seed in range(5)}) == 5


@given(st.lists(st.integers()), st.floats(0, 1), st.integers(0, 9))
def test_some_of(candidates, share, seed):
    chosen = sample_fraction(list(enumerate(candidates)), share, Random(seed))
    assert chosen == sorted(set(chosen))
    assert set(chosen) <= set(enumerate(candidates))
    assert len(chosen) == max(min(1, len(candidates)), round(share * len(candidates)))


def test_edits():
    assert apply_edits("abcd", [Edit(0, 1, "A"), Edit(2, 2, "-"), Edit(3, 4, "")]) == "Ab-c"
    assert apply_edits("abcd", [Edit(0, 3, "x"), Edit(1, 2, "lost"), Edit(3, 3, "y")]) == "xyd"


# --- tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [SPELLINGS, MISSPELLINGS, SYNONYMS, SIMPLER_WORDS])
def test_tables_change_words_and_are_in_lower_case(table):
    assert len(table) > 80
    for word, others in table.items():
        assert word == word.lower() and others and word not in others and all(others)
        assert len(set(others)) == len(others)


def test_spellings_are_undone_by_spelling_again(essays):
    once = attack("The colour of the THEATER in the neighbourhood", "alternative_spelling")
    assert once == "The color of the THEATRE in the neighborhood"
    assert len(SPELLINGS) % 2 == 0
    for essay in essays:
        twice = attack(attack(essay, "alternative_spelling"), "alternative_spelling")
        assert twice == essay


def test_sentences_are_the_librarys():
    text = "Dr. Who left. He ran."
    assert len(sentence_spans(text)) == 2
    assert attack(text, "shuffle_sentences") == "He ran. Dr. Who left."
