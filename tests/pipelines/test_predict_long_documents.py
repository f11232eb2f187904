"""Datasets with long documents: what results say of them, and that the bytes are the same."""

import json
from itertools import islice

import pandas as pd
import pytest

from perplexity_detector.errors import DatasetError, InputError
from perplexity_detector.io.datasets import read_chunks
from perplexity_detector.io.results_folder import ResultsFolder
from perplexity_detector.io.shards import Dataset
from perplexity_detector.pipelines import shards
from perplexity_detector.pipelines.predict import predict
from perplexity_detector.pipelines.predict_task import PredictTask
from perplexity_detector.pipelines.reports import ReportsFolder
from tests.labelled import detector_of_documents, long_document, two_styles


@pytest.fixture(scope="module")
def detector():
    return detector_of_documents()


@pytest.fixture
def path(tmp_path):
    texts = [long_document(0), two_styles(1)[0][0], long_document(1, 6000), long_document(0, 2500)]
    frame = pd.DataFrame({"id": ["long", "short", "longer", "last"], "text": texts})
    frame.to_csv(tmp_path / "texts.csv", index=False)
    return tmp_path / "texts.csv"


def run(path, detector, output, chunk_rows=64, **options):
    list(predict(read_chunks(path, chunk_rows=chunk_rows), detector, output, True, **options))
    return output.read_bytes()


@pytest.fixture
def exhaustive(detector, monkeypatch):
    monkeypatch.setattr(detector, "exhaustive", True)
    return detector


def test_the_results_say_what_was_read(path, detector, tmp_path):
    output = tmp_path / "results.csv"
    run(path, detector, output)
    rows = pd.read_csv(output)
    assert rows["words"].tolist() == [4020, 60, 6000, 2520]
    assert rows["words_read"][1] == 60
    assert (rows["words_read"] < rows["words"]).tolist() == [True, False, True, True]
    metadata = json.loads((tmp_path / "results.meta.json").read_text())
    assert metadata["provenance"]["settings"]["exhaustive"] is False


def test_an_exhaustive_run_says_so(path, exhaustive, tmp_path):
    output = tmp_path / "results.csv"
    run(path, exhaustive, output)
    rows = pd.read_csv(output)
    assert rows["words_read"].tolist() == rows["words"].tolist()
    metadata = json.loads((tmp_path / "results.meta.json").read_text())
    assert metadata["provenance"]["settings"]["exhaustive"] is True


def test_chunks_shards_and_resuming_do_not_change_the_bytes(path, detector, tmp_path):
    expected = run(path, detector, tmp_path / "whole.csv")
    assert run(path, detector, tmp_path / "single.csv", chunk_rows=1) == expected
    output = tmp_path / "resumed.csv"

    def interrupted():
        yield from islice(read_chunks(path, chunk_rows=1), 2)
        raise DatasetError("Damaged.")

    with pytest.raises(DatasetError):
        list(predict(interrupted(), detector, output, True))
    assert run(path, detector, output, chunk_rows=1, resume=True) == expected
    in_shards = str(tmp_path / "parts")
    task = PredictTask(detector)
    shards.begin(Dataset(str(path)), in_shards, task, shard_rows=64)
    (commit,) = shards.compute(in_shards, lambda: task, [0])
    assert commit.rows == 4
    plain, merged = tmp_path / "plain.csv", tmp_path / "merged.csv"
    list(predict(read_chunks(path), detector, plain))
    ResultsFolder(in_shards).merge(str(merged))
    assert merged.read_bytes() == plain.read_bytes()


def test_a_run_that_samples_is_not_continued_by_one_that_does_not(
    path, detector, tmp_path, monkeypatch
):
    output = tmp_path / "results.csv"

    def interrupted():
        yield from islice(read_chunks(path, chunk_rows=1), 2)
        raise DatasetError("Damaged.")

    with pytest.raises(DatasetError):
        list(predict(interrupted(), detector, output))
    monkeypatch.setattr(detector, "exhaustive", True)
    with pytest.raises(InputError, match="exhaustive"):
        list(predict(read_chunks(path, chunk_rows=1), detector, output, resume=True))


def test_rows_agree_with_their_reports(path, detector, tmp_path):
    output = tmp_path / "results.csv"
    reports = ReportsFolder(tmp_path / "reports", detector, "light")
    run(path, detector, output, reports=reports)
    rows = pd.read_csv(output)
    assert rows["words_read"].tolist() == rows["words"].tolist()
    assert not detector.exhaustive  # as it was
    expected = [detector.explain(text).probability for text in pd.read_csv(path)["text"]]
    assert rows["generated"].tolist() == pytest.approx(expected, abs=1e-6)
