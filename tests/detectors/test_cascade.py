"""A detector with an early exit: the rule, and that what it saves changes nothing."""

import numpy as np
import pytest

from perplexity_detector.classifier import long_documents
from perplexity_detector.classifier.passages import PassageDetector
from perplexity_detector.classifier.provenance import detector_sha256
from perplexity_detector.detectors import cascade
from perplexity_detector.detectors.cascade import CascadeDetector
from perplexity_detector.detectors.loading import find_detector, load_detector
from perplexity_detector.errors import ArtefactError, InputError
from perplexity_detector.features.document import Document
from perplexity_detector.text import crop
from tests.labelled import light_detector, two_styles


@pytest.fixture(scope="module")
def auto(smollm2_folder, tmp_path_factory):
    return load_detector(tmp_path_factory.mktemp("data"), "auto", device="cpu")


@pytest.fixture(scope="module")
def texts(essays):
    written = [crop(text, 80) for text in (*essays[:4], essays[5])]
    return [*written, "", "Hi there.", "1 2 3 4 " * 40]


@pytest.fixture(scope="module")
def assessed(auto, texts):
    return auto.assess_texts(texts)


def values(one):
    return one.verdict, one.note, one.settled_early


def assert_alike(found, expected):
    assert [values(one) for one in found] == [values(one) for one in expected]
    np.testing.assert_allclose(
        [one.probability for one in found], [one.probability for one in expected], atol=1e-3
    )


def test_both_exits_are_used(auto, assessed):
    assert isinstance(auto, CascadeDetector)
    assert auto.first_.extractor_.depth < auto.extractor_.depth == 1
    # both ways occur among these texts
    assert len({one.settled_early for one in assessed}) == 2


def test_reading_to_the_end_gives_the_same(auto, texts, assessed):
    assert_alike(auto._assess_at_the_end(texts), assessed)


def test_texts_leave_independently_of_each_other(auto, texts, assessed):
    assert_alike([auto.assess_texts([text])[0] for text in texts], assessed)


def test_the_rest_of_the_language_model_is_loaded_where_a_text_goes_on(
    auto, texts, assessed, monkeypatch
):
    def load():
        raise AssertionError("it is loaded")

    monkeypatch.setattr(auto.extractor_, "scorer", load)
    early = [text for text, one in zip(texts, assessed, strict=True) if one.settled_early]
    assert all(one.settled_early for one in auto.assess_texts(early))
    with pytest.raises(AssertionError, match="it is loaded"):
        auto.assess_texts(texts)


def test_a_text_too_long_to_pause_is_read_to_the_end(auto, texts, assessed, monkeypatch):
    monkeypatch.setattr(cascade, "PAUSED_CHARACTERS", len(texts[4]))
    monkeypatch.setattr(cascade, "CHUNK_TEXTS", 2)
    assert_alike(auto.assess_texts(texts), assessed)


def test_a_text_with_marked_passages_is_read_to_the_end(auto, texts, assessed, monkeypatch):
    everything = PassageDetector(1.0, 0.0, -50.0, 0.01, 0.001, 10.0, 2.0)
    monkeypatch.setattr(auto.first_, "passage_detector_", everything)
    by_first = [one.settled_early and one.verdict == "human" for one in assessed]
    assert any(by_first)
    for was_early, one in zip(by_first, auto.assess_texts(texts), strict=True):
        assert not (was_early and one.settled_early)


def test_long_documents_are_read_whole(auto, texts, assessed, monkeypatch, tmp_path):
    monkeypatch.setattr(long_documents, "assess", lambda *_: pytest.fail("they are sampled"))
    assert_alike(auto.assess_texts(texts[:2]), assessed[:2])
    with pytest.raises(InputError, match="auto reads all of long documents"):
        load_detector(tmp_path, "auto", exhaustive=False, device="cpu")
    assert not load_detector(tmp_path, "fast", exhaustive=False, device="cpu").exhaustive


def test_where_nothing_leaves_early_the_last_detector_decides(auto, texts, monkeypatch):
    monkeypatch.setattr(cascade, "FIRST_FNR", 0.0)
    monkeypatch.setattr(cascade, "FIRST_FPR_SHARE", 1e-9)
    found = auto.assess_texts(texts)
    assert not any(one.settled_early for one in found)
    alone = auto.last.assess_texts(texts)
    assert_alike(found, alone)
    np.testing.assert_allclose(
        [one.generated_threshold for one in found], [one.generated_threshold for one in alone]
    )


def test_only_verdicts_leave_early(assessed):
    for one in assessed:
        assert one.verdict != "uncertain" or not one.settled_early


def test_raw_scores_are_calibrated_log_odds(assessed):
    for one in assessed:
        assert 1 / (1 + np.exp(-one.raw_score)) == pytest.approx(one.probability)


def test_reasons_and_explanations_are_those_of_the_detector_that_decided(auto, texts, assessed):
    reasons = auto.reasons(assessed)
    for number in range(4):
        explained = auto.explain(texts[number], detector="auto")
        one = assessed[number]
        assert explained.verdict == one.verdict
        assert list(explained.reasons) == reasons[number]
        assert explained.fpr == auto.fpr
        assert explained.provenance.detector_sha256 == detector_sha256(auto)
        families = {family.name for family in explained.families}
        assert ("perplexity" in families) is not one.settled_early


def test_it_is_found_by_its_hash(auto, tmp_path):
    found = find_detector(tmp_path, detector_sha256(auto), device="cpu")
    assert isinstance(found, CascadeDetector)
    assert detector_sha256(auto.last) != detector_sha256(auto)


# --- the false-positive rate ----------------------------------------------------------------


@pytest.fixture(scope="module")
def light():
    """Two detectors that read no language model, as a cascade: the first one sees less."""
    texts, labels = two_styles(600, mixed=0.44)
    whole = light_detector().fit(texts, labels)
    made = CascadeDetector(whole.extractor)
    made.__dict__.update(vars(whole))
    made.first_ = light_detector(n_estimators=3).fit(texts, labels)
    return made


@pytest.mark.parametrize("fpr", [0.05, 0.2])
def test_people_are_flagged_at_the_rate_at_most(light, fpr):
    light.set_params(fpr=fpr)
    texts, labels = two_styles(1200, seed=5, mixed=0.44)
    documents = [Document(text) for text in texts]
    early = light._assess_first(texts, documents)
    late = light._assess_last(texts, documents, light.compute_features(documents))
    people = np.array(labels) == 0
    flagged = np.array(
        [
            a.is_flagged if a.settled_early else b.is_flagged
            for a, b in zip(early, late, strict=True)
        ]
    )
    settled = np.array([one.settled_early for one in early])
    assert 0.02 < settled.mean() < 0.98
    # three standard errors of the rate among 600 people, and of the thresholds that 300 set
    error = np.sqrt(fpr * (1 - fpr) * (1 / 600 + 1 / 300))
    assert flagged[people].mean() <= fpr + 3 * error
    assert flagged[~people].mean() > 2 * flagged[people].mean()


# --- what a cascade refuses -----------------------------------------------------------------


def test_it_is_not_trained_saved_or_recalibrated_as_one(auto, tmp_path, essays):
    with pytest.raises(ArtefactError, match="save its detectors"):
        auto.save_pretrained(tmp_path / "auto")
    with pytest.raises(InputError, match="train its two detectors"):
        auto.fit(["a", "b"], [0, 1])
    with pytest.raises(InputError, match="recalibrate its two detectors"):
        auto.recalibrate_scores(np.linspace(0, 1, 200), np.full(200, 300))
    assert type(auto.last).__name__ == "TextDetector"
    auto.last.save_pretrained(tmp_path / "last")


def test_both_detectors_read_with_the_same_language_model(light, tmp_path):
    light.first_.save_pretrained(tmp_path / "first")
    with pytest.raises(InputError, match="the same language model"):
        CascadeDetector.from_pretrained("standard", first=tmp_path / "first")
