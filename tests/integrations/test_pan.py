"""PAN's task as a user runs it, and its measures."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, fbeta_score

from benchmarks.boards.pan_baselines import halves_cosine, ppmd, tfidf_svm, without_close_calls
from benchmarks.boards.pan_measures import pan_measures
from perplexity_detector.detectors.text_detector import TextDetector
from tests.cli.running import MODEL, run
from tests.labelled import light_detector, two_styles

TEXTS, LABELS = two_styles(40, seed=5)


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    fitted = light_detector(fpr=0.1).fit(*two_styles(160))
    return fitted.save_pretrained(tmp_path_factory.mktemp("detector") / "model")


@pytest.fixture
def task(tmp_path):
    """A folder as TIRA mounts it: two files, with one row that has no text."""
    folder = tmp_path / "input"
    folder.mkdir()
    rows = [{"id": f"r{n}", "text": text} for n, text in enumerate(TEXTS)]
    write(folder / "a.jsonl", rows[:30])
    write(folder / "b.jsonl", [*rows[30:], {"id": "empty", "text": None}])
    return folder


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_run(task, detector, tmp_path):
    done = run(MODEL, "pan", task, tmp_path / "out", f"--detector={detector}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answers = read(tmp_path / "out" / "predictions.jsonl")
    assert [set(answer) for answer in answers] == [{"id", "label"}] * 41
    assert [answer["id"] for answer in answers] == [f"r{n}" for n in range(40)] + ["empty"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["predictions.jsonl"]

    assessed = TextDetector.from_pretrained(detector).assess(TEXTS, why=False)
    labels = np.array([answer["label"] for answer in answers])
    verdicts = [*assessed["verdict"], "uncertain"]
    assert {"uncertain", "generated", "human"} <= set(verdicts)
    sides = np.sign(labels - 0.5)
    expected = [{"human": -1, "uncertain": 0, "generated": 1}[verdict] for verdict in verdicts]
    np.testing.assert_array_equal(sides, expected)
    answered = sides[:40] != 0
    np.testing.assert_array_equal(labels[:40][answered], assessed["probability"][answered])
    assert f"41 texts, {(sides == 0).sum()} of them unanswered" in done.stderr
    assert "line 11 (id empty): no text" in done.stderr


def test_a_run_that_answers_everything(task, detector, here, tmp_path):
    code, _, err = here("pan", task, "out", f"--detector={detector}", "--abstain=False")
    assert code == 0, err
    labels = [answer["label"] for answer in read(tmp_path / "out" / "predictions.jsonl")]
    assert labels.count(0.5) == 1  # the row without a text


def test_verdicts_decide_the_side_where_thresholds_lie_elsewhere(task, detector, here, tmp_path):
    """At a rate of a half, some texts below one half are called generated."""
    code, _, err = here("pan", task, "out", f"--detector={detector}", "--fpr=0.5")
    assert code == 0, err
    labels = [answer["label"] for answer in read(tmp_path / "out" / "predictions.jsonl")]
    assert math.nextafter(0.5, 1) in labels


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "has no file *.jsonl"),
        ("", "is empty"),
        ('{"id": 1, "label": 0}\n', "has no column 'text'"),
        ("not json\n", "JSON"),
        ('{"id": 1, "text": "\udce9"}\n', "is not utf-8"),
    ],
)
def test_what_cannot_be_answered(content, sentence, detector, here, tmp_path):
    (tmp_path / "input").mkdir()
    if content is not None:
        (tmp_path / "input" / "dataset.jsonl").write_text(content, "utf-8", "surrogateescape")
    code, _, err = here("pan", "input", "out", f"--detector={detector}")
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err
    assert "--" not in err  # a hint at an option that the command lacks
    assert not list(tmp_path.glob("out/*"))


# --- the measures ---------------------------------------------------------------------------


def test_measures_worked_out_by_hand():
    truth = np.array([1, 1, 1, 0, 0])
    labels = np.array([0.9, 0.5, 0.2, 0.6, 0.1])
    found = pan_measures(truth, labels)
    # of six pairs .9 wins two, .5 one and .2 one
    assert found.auc == pytest.approx(4 / 6)
    assert found.brier == pytest.approx(1 - (0.01 + 0.25 + 0.64 + 0.36 + 0.01) / 5)
    assert found.c_at_1 == pytest.approx((2 + 1 * 2 / 5) / 5)
    assert found.f1 == pytest.approx(2 * 1 / (2 * 1 + 1 + 2))
    assert found.f05u == pytest.approx(1.25 / (1.25 + 0.25 * 2 + 1))
    assert found.mean == pytest.approx(np.mean(found[:5]))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1).filter(lambda p: p != 0.5)), min_size=1))
def test_where_everything_is_answered_the_measures_are_the_usual_ones(pairs):
    truth, labels = (np.array(values) for values in zip(*pairs, strict=True))
    found = pan_measures(truth, labels)
    assert found.c_at_1 == pytest.approx(accuracy_score(truth, labels > 0.5))
    if truth.any() or (labels > 0.5).any():
        assert found.f05u == pytest.approx(fbeta_score(truth, labels > 0.5, beta=0.5))
    assert all(0 <= value <= 1 or np.isnan(value) for value in found)


def test_leaving_a_wrong_answer_out_is_better_than_giving_it():
    truth = np.array([1, 0, 1, 0])
    wrong, unanswered = np.array([0.9, 0.1, 0.9, 0.9]), np.array([0.9, 0.1, 0.9, 0.5])
    for measure in ("auc", "brier", "c_at_1", "f05u", "mean"):
        assert getattr(pan_measures(truth, unanswered), measure) > getattr(
            pan_measures(truth, wrong), measure
        )


# --- the baselines --------------------------------------------------------------------------


def test_the_svm_learns_the_words():
    texts, labels = two_styles(80)
    found = tfidf_svm(texts, labels, TEXTS)
    assert pan_measures(np.array(LABELS), found).auc > 0.8


def test_halves_that_are_alike_tell_of_each_other():
    half = "The quick brown fox jumps over the lazy dog, and then it sleeps all day. " * 4
    other = "Sphinx of black quartz, judge my vow; how vexingly quick daft zebras run! " * 4
    assert halves_cosine(half + half) > halves_cosine(half + other)
    labels = ppmd([half + half, half + other] * 10, [1, 0] * 10, [half + half, half + other])
    assert labels[0] > labels[1]


def test_close_calls_are_left_unanswered():
    found = without_close_calls(np.array([0.46, 0.44, 0.54, 0.56]), 0.05)
    assert found.tolist() == [0.5, 0.44, 0.5, 0.56]
