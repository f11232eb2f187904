"""The engine loads no more than its answers need, and gives the reasons of the command line."""

import io

import pandas as pd
import pytest

from perplexity_detector.explanation.explainable import SEPARATOR
from perplexity_detector.lm.scorer_cache import load_scorer
from perplexity_detector.service.engine import Engine
from perplexity_detector.service.settings import Settings
from tests.labelled import detector_of_documents, long_document, small_detector
from tests.service.serving import listening


@pytest.fixture(scope="module")
def shallow(tiny_llama):
    """A detector that runs half of its language model's blocks, as the shipped `fast`."""
    return small_detector(tiny_llama, ["stylometry", "contrast", "representation"], depth=0.5)


@pytest.fixture
def loaded():
    """The number of language models loaded since the test began."""
    load_scorer.cache_clear()
    yield lambda: load_scorer.cache_info().misses
    load_scorer.cache_clear()


def test_the_whole_language_model_is_loaded_for_the_first_explanation(
    shallow, loaded, tmp_path, texts
):
    with listening(lambda: Engine(shallow, "shallow"), Settings(), tmp_path) as client:
        assert client.post("/v1/predict", json={"texts": texts}).status_code == 200
        assert client.post("/v1/features", json={"texts": texts}).status_code == 200
        assert loaded() == 1
        first = client.post("/v1/explain", json={"text": texts[0]}).json()
        assert first["tokens"]
        assert loaded() == 2
        client.post("/v1/explain", json={"text": texts[1]})
        assert loaded() == 2


def test_a_detector_that_runs_the_whole_language_model_loads_it_once(
    tiny_llama, loaded, tmp_path, texts
):
    deep = small_detector(tiny_llama, ["stylometry", "rank"])
    with listening(lambda: Engine(deep, "deep"), Settings(), tmp_path) as client:
        assert loaded() == 1
        client.post("/v1/explain", json={"text": texts[0]})
        assert loaded() == 1


def test_every_front_end_gives_the_same_reasons(here, detector, tmp_path, texts):
    frame = pd.DataFrame({"id": [f"t{number}" for number in range(len(texts))], "text": texts})
    csv = frame.to_csv(index=False)
    (tmp_path / "rows.csv").write_text(csv)
    saved = detector.save_pretrained(tmp_path / "light")
    code, shown, err = here("predict", "rows.csv", "--details", "--show", f"--detector={saved}")
    assert code == 0, err
    command = pd.read_csv(tmp_path / "data" / "results.csv", keep_default_na=False)["why"].tolist()
    assert all(command)
    table = " ".join(shown.split())  # whose lines are wrapped
    assert all(" ".join(why.split()) in table for why in command)

    with listening(lambda: Engine(detector, "light"), Settings(), tmp_path) as client:
        answer = client.post("/v1/predict", json={"texts": texts}).json()
        assert [one["why"] for one in answer["results"]] == command
        file = client.post("/v1/files?format=csv", content=csv.encode()).content
        assert pd.read_csv(io.BytesIO(file))["why"].tolist() == command
        for text, why in zip(texts, command, strict=True):
            explanation = client.post("/v1/explain", json={"text": text}).json()
            assert SEPARATOR.join(explanation["reasons"]) == why


def test_a_sample_of_a_long_document_is_predicted_and_all_of_it_explained():
    engine = Engine(detector_of_documents(), "light")
    text = long_document(1)
    (one,) = engine.predictions([text])
    assert one["words_read"] < one["words"] == 3960
    assert engine.provenance()["settings"]["exhaustive"] is False
    (explained,) = engine.explanations([text])
    assert explained.words == one["words"]
    assert explained.provenance.settings["exhaustive"] is True
    assert engine.provenance(exhaustive=True)["settings"]["exhaustive"] is True
    # thresholds are set by all of each text
    (row,) = engine.rows_by_last([text])
    assert row["words_read"] == row["words"]
    assert row["probability"] == explained.probability
    engine.detector.exhaustive = True
    (whole,) = engine.predictions([text])
    assert whole["words_read"] == whole["words"]
    assert whole["probability"] == round(explained.probability, 6)
