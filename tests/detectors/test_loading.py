"""A detector and its language model are loaded at once, each a single time."""

import threading
from pathlib import Path

import pytest

from perplexity_detector.detectors.loading import load_detector
from perplexity_detector.errors import LanguageModelError
from perplexity_detector.lm import scorer_cache
from perplexity_detector.lm.reading_options import ReadingOptions
from tests.labelled import light_detector, two_styles


@pytest.fixture(autouse=True)
def nothing_loaded():
    wait()
    scorer_cache.load_scorer.cache_clear()


def wait():
    for thread in threading.enumerate():
        if thread.name == "loading":
            thread.join()


def loads():
    return scorer_cache.load_scorer.cache_info().misses


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_loads_in_the_background_is_what_the_detector_reads_with(
    smollm2_folder, tmp_path, precision
):
    detector = load_detector(tmp_path, "fast", precision=precision, cache=str(tmp_path / "cache"))
    wait()
    assert loads() == 1
    assert detector.extractor_.scorer().scorer.precision == precision
    assert loads() == 1


def test_who_asks_while_it_loads_gets_the_same(tiny_gpt2):
    options = ReadingOptions(lm=str(tiny_gpt2))
    scorer_cache.load_in_background(options)
    assert scorer_cache.shared_scorer(options) is scorer_cache.shared_scorer(options)
    wait()
    assert loads() == 1


def test_a_missing_language_model_is_told_when_it_is_asked_for(tmp_path, capfd):
    options = ReadingOptions(lm=str(tmp_path / "none"))
    scorer_cache.load_in_background(options)
    wait()
    assert capfd.readouterr().err == ""
    with pytest.raises(LanguageModelError):
        scorer_cache.shared_scorer(options)


def test_a_detector_that_reads_no_tokens_loads_none(tmp_path):
    texts, labels = two_styles(40)
    folder = light_detector().fit(texts, labels).save_pretrained(tmp_path / "light")
    detector = load_detector(Path(tmp_path), str(folder))
    wait()
    assert detector.predict(texts[:2]).shape == (2,)
    assert loads() == 0
