"""Long documents: which windows are read, when they settle a verdict, what stays as it was."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from perplexity_detector.classifier import long_documents
from perplexity_detector.classifier.long_documents import (
    FIRST_LOOK,
    LONG_WORDS,
    MAX_SHARE,
    WINDOW_WORDS,
    WindowSample,
    is_settled,
    jackknife_interval,
    looks,
    window_documents,
    windows_of,
)
from perplexity_detector.classifier.verdicts import (
    GENERATED,
    HUMAN,
    MIXED,
    NO_PROSE,
    OUTLIER,
    UNCERTAIN,
)
from perplexity_detector.text import canonicalise, crop, words
from tests.labelled import (
    detector_of_documents,
    light_detector,
    long_document,
    small_detector,
    two_styles,
)


@pytest.fixture(scope="module")
def detector():
    return detector_of_documents()


def values(one):
    return (
        one.probability, one.raw_score, one.verdict, one.note, one.n_words, one.n_words_read,
        one.generated_threshold, one.human_threshold, one.flags, tuple(one.features),
    )  # fmt: skip


# --- windows --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 60), max_size=150))
def test_windows_are_whole_sentences_of_equal_length(lengths):
    text = canonicalise(" ".join(" ".join(["word"] * n) + "." for n in lengths))
    windows = windows_of(text)
    assert " ".join(windows) == text
    if len(windows) > 1:
        assert all(window.endswith(".") for window in windows)
        even = sum(lengths) / round(sum(lengths) / WINDOW_WORDS)
        # a window can end up to a sentence late, and the one after it begins there
        assert all(abs(len(words(window)) - even) < 60 for window in windows)


def test_a_sentence_without_end_is_one_window():
    text = " ".join(["word"] * 3000)
    assert windows_of(text) == [text]
    assert not WindowSample.of_text(text).is_of_long_document
    assert windows_of("") == [""]


def test_windows_of_a_document_that_was_read_include_start_middle_and_end(tiny_llama, essays):
    extractor = small_detector(tiny_llama, ["perplexity", "representation"]).extractor_
    text = " ".join(essays)
    (document,) = extractor.read_documents([text])
    windows = windows_of(document.text)
    found = window_documents(document)
    middle = windows[(len(windows) - 1) // 2]
    assert [one.text for one in found][:: FIRST_LOOK // 2] == [windows[0], middle, windows[-1]]
    assert len(found) == FIRST_LOOK
    # what was read of the whole is kept of each window
    read = [document.text.index(one.text) for one in found]
    for start, one in zip(read, found, strict=True):
        inside = (document.statistics.offsets[:, 1] > start) & (
            document.statistics.offsets[:, 1] <= start + len(one.text)
        )
        np.testing.assert_array_equal(
            one.statistics.surprisal, document.statistics.surprisal[inside]
        )
    assert window_documents(found[0]) == [found[0]]
    assert len(window_documents(replace(document, states=document.states.over_text()))) == 1


@pytest.mark.parametrize(("outliers", "expected"), [(5, True), (3, True), (2, False), (0, False)])
def test_a_long_document_is_an_outlier_only_if_most_windows_are(
    detector, monkeypatch, outliers, expected
):
    tables = []

    def is_outlier(_, table):
        tables.append(table)
        return np.arange(len(table)) < (outliers if len(table) > 1 else 1)

    monkeypatch.setattr(type(detector), "is_outlier", is_outlier)
    documents, features = detector.extract([long_document(1)])
    assert detector.outliers(documents, features).tolist() == [expected]
    assert [len(table) for table in tables] == [1, FIRST_LOOK]
    # a text as long as the training texts is what its features say
    documents, features = detector.extract([crop(long_document(1), WINDOW_WORDS)])
    assert detector.outliers(documents, features).tolist() == [True]


@given(st.integers(0, 3000))
def test_looks_begin_at_start_middle_and_end_and_halve_the_gaps(n_windows):
    found = looks(n_windows)
    read = [index for look in found for index in look]
    assert len(set(read)) == len(read) <= MAX_SHARE * n_windows
    assert set(read) <= set(range(n_windows))
    if found:
        assert {0, (n_windows - 1) // 2, n_windows - 1} <= set(found[0])
        assert len(found[0]) == FIRST_LOOK
        gaps = np.diff(sorted(read))
        assert gaps.max() - gaps.min() <= 1
    else:
        assert n_windows < FIRST_LOOK / MAX_SHARE


# --- intervals ------------------------------------------------------------------------------


def without_each(values):
    return np.array([np.delete(values, index).mean() for index in range(len(values))])


def test_the_interval_of_a_mean_is_the_usual_one():
    values = np.random.default_rng(0).normal(size=9)
    expected = stats.t(8, values.mean(), stats.sem(values)).interval(0.95)
    np.testing.assert_allclose(
        jackknife_interval(values.mean(), without_each(values), 1.0, 0.95), expected
    )
    half = jackknife_interval(values.mean(), without_each(values), 0.5, 0.95)
    np.testing.assert_allclose(np.ptp(half), np.ptp(np.array(expected)) * np.sqrt(0.5))
    assert jackknife_interval(1.0, without_each(values), 0.0, 0.95) == (1.0, 1.0)


@pytest.mark.parametrize("n_windows", [10, 40])
def test_intervals_hold_what_all_windows_would_show(n_windows):
    draw = np.random.default_rng(1)
    (first, *_) = looks(n_windows)
    unread = 1 - len(first) / n_windows
    held = []
    for _ in range(1500):
        # neighbours are alike, and the text changes as it goes on
        drift = draw.normal() * np.linspace(-1, 1, n_windows)
        population = draw.normal() + drift + draw.normal(size=n_windows)
        read = population[first]
        low, high = jackknife_interval(read.mean(), without_each(read), unread, 0.95)
        held.append(low <= population.mean() <= high)
    # two standard errors of a share of 0.95 among so many
    assert np.mean(held) >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / len(held))


def test_a_verdict_is_settled_on_one_side_of_each_threshold():
    def settled(verdict, human, generated, spread=0.1):
        ends = spread * np.array([0, -1, 1, -1, 1])
        margins = np.column_stack([human + ends, generated + ends])
        return is_settled(verdict, margins, 0.9, 0.95)

    assert settled(GENERATED, 4.0, 2.0)
    assert settled(HUMAN, -2.0, -4.0)
    assert settled(UNCERTAIN, 2.0, -2.0)
    assert not settled(GENERATED, 2.1, 0.1)
    assert not settled(MIXED, 4.0, 2.0)
    assert not settled(HUMAN, -0.1, -2.1)
    assert not settled(UNCERTAIN, 0.1, -2.0)
    assert not settled(UNCERTAIN, 2.0, -0.1)
    # without a threshold nothing is settled by it
    assert not settled(UNCERTAIN, 2.0, -np.inf)
    assert not settled(GENERATED, 2.0, np.nan)


# --- documents ------------------------------------------------------------------------------


@pytest.mark.parametrize(("label", "verdict"), [(0, HUMAN), (1, GENERATED)])
def test_a_clear_document_is_settled_by_the_first_look(detector, label, verdict):
    text = long_document(label)
    (one,) = detector.assess_texts([text])
    assert (one.verdict, one.note) == (verdict, "")
    assert one.n_words == len(words(text))
    windows = windows_of(canonicalise(text))
    (first, *_) = looks(len(windows))
    sample = " ".join(windows[index] for index in first)
    assert one.n_words_read == len(words(sample)) < 0.3 * one.n_words
    # it is assessed as the text of these windows
    (as_text,) = detector.assess_whole([sample])
    assert (one.probability, one.raw_score) == (as_text.probability, as_text.raw_score)
    assert detector.reasons([one]) == detector.reasons([as_text])
    (whole,) = detector.assess_whole([text])
    assert one.verdict == whole.verdict


def test_a_document_whose_windows_differ_is_read_further(detector):
    halves = " ".join(long_document(label, 4000) for label in (0, 1))
    (one,) = detector.assess_texts([halves])
    (clear,) = detector.assess_texts([long_document(0, 8000)])
    assert one.n_words_read > clear.n_words_read


def test_what_the_windows_leave_open_is_read_whole(detector, monkeypatch):
    monkeypatch.setattr(long_documents, "CONFIDENCE", 1 - 1e-12)
    texts = [long_document(1, mixed=0.49), "Short.", long_document(0, mixed=0.49)]
    found, whole = detector.assess_texts(texts), detector.assess_whole(texts)
    assert [values(one) for one in found] == [values(one) for one in whole]
    assert all(one.n_words_read == one.n_words for one in found)


def test_documents_are_sampled_independently_of_each_other(detector):
    texts = [long_document(label, n, seed) for label, n, seed in ((0, 2500, 1), (1, 9000, 2))]
    texts += [long_document(0, 5000, 3, mixed=0.49), *two_styles(4)[0]]
    together = [values(one) for one in detector.assess_texts(texts)]
    alone = [values(detector.assess_texts([text])[0]) for text in texts]
    assert together == alone
    assert [values(one) for one in detector.assess_texts(texts[::-1])] == together[::-1]


def test_short_texts_are_read_as_before(detector, monkeypatch):
    texts = [*two_styles(4)[0], long_document(0, LONG_WORDS - 100), ""]
    whole = [values(one) for one in detector.assess_whole(texts)]
    monkeypatch.setattr(WindowSample, "next_look", lambda _: pytest.fail("it was sampled"))
    assert [values(one) for one in detector.assess_texts(texts)] == whole


def test_an_exhaustive_detector_reads_everything(detector, monkeypatch):
    text = long_document(1)
    assert light_detector().exhaustive
    monkeypatch.setattr(detector, "exhaustive", True)
    (one,) = detector.assess_texts([text])
    assert values(one) == values(detector.assess_whole([text])[0])
    assert one.n_words_read == one.n_words


def test_explanations_and_thresholds_come_from_all_of_a_text(detector):
    text = long_document(1)
    explained = detector.explain(text)
    (whole,) = detector.assess_whole([text])
    assert explained.probability == whole.probability
    assert explained.words == len(words(text))
    assert detector.assess([text], whole=True)["words_read"].tolist() == [explained.words]


def test_a_sample_unlike_the_training_texts_settles_nothing(detector, monkeypatch):
    monkeypatch.setattr(type(detector), "is_outlier", lambda _, rows: np.ones(len(rows), bool))
    (one,) = detector.assess_texts([long_document(1)])
    assert (one.verdict, one.note) == (UNCERTAIN, OUTLIER)
    assert one.n_words_read == one.n_words


def test_where_no_threshold_keeps_the_rate_everything_is_read():
    strict = light_detector(fpr=0.001).fit(*two_styles(60))
    strict.exhaustive = False
    (one,) = strict.assess_texts([long_document(1)])
    assert one.n_words_read == one.n_words
    assert one.verdict == UNCERTAIN


def test_other_forms_than_prose_need_not_be_read_whole(detector):
    verse = "\n".join(["we ran far out to sea", "and saw it go by"] * 400) + "."
    verse = verse.replace("by\n", "by.\n")
    (one,) = detector.assess_texts([verse])
    assert (one.verdict, one.note) == (UNCERTAIN, NO_PROSE)
    assert one.n_words_read < one.n_words


def test_what_the_language_model_reads_of_windows_is_all_there_is(tiny_llama, essays, monkeypatch):
    made = small_detector(tiny_llama, ["perplexity", "representation", "stylometry"], depth=1.0)
    made.set_params(fpr=0.3)
    made.exhaustive = False
    made.outlier_detector_ = None  # beginnings of essays are all that it knows
    monkeypatch.setattr(long_documents, "is_settled", lambda *_: True)
    text = " ".join(essays)
    (one,) = made.assess_texts([text])
    windows = windows_of(canonicalise(text))
    (first, *_) = looks(len(windows))
    read = made.read_documents([windows[index] for index in first])
    assert one.n_tokens == sum(document.token_count for document in read)
    assert one.n_words_read == sum(len(document.words) for document in read)
    assert np.isfinite(one.raw_score)
    assert len(made.reasons([one])[0]) > 0
