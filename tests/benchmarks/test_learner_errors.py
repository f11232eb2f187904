"""Errors of learners: what each kind puts into a text, how often, and nothing else."""

import difflib
import hashlib
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.quality.learner_errors import ERRORS, with_errors
from perplexity_detector.errors import InputError

KINDS = ["articles", "agreement", "tense", "prepositions", "spelling", "simpler_words", "all"]
PROSE = (
    "My grandfather was a baker. He goes to the market in the morning, because he likes people. "
    "I think it is a significant and essential part of life. We didn't know the answer."
)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("articles", "The dog barked.", {"Dog barked."}),
        ("articles", "I saw an owl.", {"I saw owl.", "I saw a owl."}),
        ("articles", "It is a dog.", {"It is dog.", "It is the dog."}),
        ("articles", "It is a lot.", {"It is lot."}),
        ("articles", "I love most of life.", {"I love most of the life."}),
        ("articles", "Life goes on.", {"The life goes on."}),
        ("articles", "Lifelong, theory", {"Lifelong, theory"}),
        ("agreement", "She watches him.", {"She watch him."}),
        ("agreement", "He tries it.", {"He try it."}),
        ("agreement", "Everybody has one.", {"Everybody have one."}),
        ("agreement", "They go home.", {"They goes home."}),
        ("agreement", "We study.", {"We studies."}),
        ("agreement", "The buildings are old.", {"The buildings is old."}),
        ("agreement", "There are two.", {"There is two."}),
        ("agreement", "Do they go?", {"Do they go?"}),
        (
            "agreement",
            "Let people go, help it always, I am",
            {"Let people go, help it always, I am"},
        ),
        ("tense", "She ran.", {"She run.", "She runned."}),
        ("tense", "I was ill.", {"I am ill."}),
        ("tense", "My uncle spoke.", {"My uncle speak.", "My uncle speaked."}),
        ("tense", "He didn't go.", {"He didn't went."}),
        ("tense", "They work.", {"They worked."}),
        ("tense", "It has said, if I were the used", {"It has said, if I were the used"}),
        ("prepositions", "It depends on me.", {"It depends of me.", "It depends from me."}),
        ("prepositions", "I listen to him.", {"I listen him."}),
        ("prepositions", "In the box", {"On the box", "At the box"}),
        ("prepositions", "We discuss the plan.", {"We discuss about the plan."}),
        ("prepositions", "It is time to go.", {"It is time for go."}),
        ("prepositions", "He came in, at last.", {"He came in, at last."}),
        ("spelling", "Because", {"Becouse", "Becaus", "Becose", "Becuase", "Becasue"}),
        ("spelling", "a rattling sound", {"a ratling sound", "a rattling sound"}),
        ("spelling", "a merciful Committee", {"a mercifull Committee"}),
        ("simpler_words", "Numerous ideas", {"Many ideas"}),
        ("simpler_words", "an enormous dog", {"a very big dog"}),
    ],
)
def test_what_an_error_looks_like(kind, text, expected):
    found = {with_errors(text, kind, seed, rate=0.01) for seed in range(40)}
    assert found <= expected
    assert len(found) == len(expected) or kind == "spelling"


@pytest.mark.parametrize("kind", KINDS)
def test_essays_get_about_as_many_errors_as_asked(kind, essays):
    assert list(ERRORS) == KINDS
    per_word = [_changes(essay, with_errors(essay, kind)) / len(essay.split()) for essay in essays]
    few, many = {
        "articles": (1 / 20, 1 / 12),
        "spelling": (1 / 20, 1 / 12),
        "all": (1 / 30, 1 / 15),
    }.get(kind, (1 / 400, 1 / 12))
    assert few < sum(per_word) / len(per_word) < many
    assert max(per_word) < 1 / 8
    fewer = [_changes(essay, with_errors(essay, kind, rate=1 / 60)) for essay in essays]
    assert sum(fewer) < sum(_changes(essay, with_errors(essay, kind)) for essay in essays)


def _changes(before, after):
    matcher = difflib.SequenceMatcher(None, before.split(), after.split(), autojunk=False)
    return sum(tag != "equal" for tag, *_ in matcher.get_opcodes())


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(text=st.text(max_size=60) | st.text("aAn the he goes.' \n\ud800é😀я", max_size=60))
def test_no_text_is_too_odd(kind, text):
    assert with_errors(text, kind) == with_errors(text, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_fits(kind):
    for text in ("", " \n", "北京。", "😀", "Xyz!"):
        assert with_errors(text, kind) == text


def test_an_unknown_kind():
    with pytest.raises(
        InputError, match=r'no kind of error "magic"; choose one of articles, .*all'
    ):
        with_errors("text", "magic")


def test_the_same_in_another_process():
    code = (
        "import sys, hashlib; from benchmarks.quality.learner_errors import ERRORS, with_errors;"
        "texts = '|'.join(with_errors(sys.argv[1], kind, 3) for kind in ERRORS);"
        "print(hashlib.sha256(texts.encode()).hexdigest())"
    )
    here = "|".join(with_errors(PROSE, kind, 3) for kind in ERRORS)
    command = [sys.executable, "-c", code, PROSE]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert there == hashlib.sha256(here.encode()).hexdigest()
    assert len({with_errors(PROSE, "all", seed) for seed in range(5)}) > 1
