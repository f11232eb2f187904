import csv
import hashlib
import json
import logging
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perplexity_detector.classifier.disguise import find_flags
from perplexity_detector.classifier.provenance import Provenance
from perplexity_detector.errors import DatasetError, InputError
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.io.datasets import read_chunks
from perplexity_detector.io.documents import SCAN
from perplexity_detector.io.row_problems import MAX_SHOWN, ProblemReport
from perplexity_detector.pipelines.predict import (
    CHUNK_ROWS,
    CHUNK_ROWS_GPU,
    DETAILS,
    MISSING_PROBABILITY,
    RAW_SCORE,
    chunk_rows,
    predict,
    score,
    use_worker_processes,
    write_features,
)
from tests.labelled import LIGHT, light_detector, two_styles

TEXTS, _ = two_styles(6, seed=1)


@pytest.fixture(scope="module")
def detector():
    return light_detector(fpr=0.1).fit(*two_styles(160))


@pytest.fixture
def write(tmp_path):
    def write_rows(rows, name="rows.csv"):
        path = tmp_path / name
        if name.endswith(".jsonl"):
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            pd.DataFrame(rows).to_csv(path, index=False)
        return path

    return write_rows


@pytest.fixture
def reported(caplog):
    caplog.set_level(logging.INFO)
    return lambda level: [
        record.getMessage() for record in caplog.records if record.levelno == level
    ]


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_id_and_probability_are_written(write, detector, tmp_path):
    path = write([{"id": f"r{n}", "text": text} for n, text in enumerate(TEXTS)])
    output = tmp_path / "results.csv"
    (results,) = predict(read_chunks(path), detector, output)
    assert output.read_text().splitlines()[0] == "id,generated"
    written = rows_of(output)
    assert [row["id"] for row in written] == ["r0", "r1", "r2", "r3", "r4", "r5"]
    expected = detector.predict_proba(TEXTS)[:, 1]
    np.testing.assert_allclose([float(row["generated"]) for row in written], expected, atol=5e-7)
    assert list(results.columns) == [*DETAILS[:2], RAW_SCORE, *DETAILS[2:]]
    assert results["why"].tolist() == [""] * 6  # nobody asked


def test_details(write, detector, tmp_path):
    path = write([{"id": n, "text": text} for n, text in enumerate(TEXTS)])
    (results,) = predict(read_chunks(path), detector, tmp_path / "results.csv", details=True)
    assert (tmp_path / "results.csv").read_text().splitlines()[0] == ",".join(DETAILS)
    assessed = detector.assess(TEXTS)
    for column in ("verdict", "words", "words_read", "tokens", "why"):
        assert results[column].tolist() == assessed[column].tolist()
    assert [row["why"] for row in rows_of(tmp_path / "results.csv")] == assessed["why"].tolist()


def test_details_hold_the_sentences_of_the_flags(write, detector, tmp_path):
    disguised = TEXTS[0].replace("a", "\u0430").replace("e", "e\u200b")
    flags = find_flags(disguised)
    assert len(flags) == 2
    path = write([{"id": "a", "text": TEXTS[0]}, {"id": "b", "text": disguised}])
    list(predict(read_chunks(path), detector, tmp_path / "results.csv", details=True))
    plain, odd = rows_of(tmp_path / "results.csv")
    assert (plain["flags"], odd["flags"]) == ("", "; ".join(flag.sentence for flag in flags))
    assert plain["generated"] == odd["generated"]


def test_reasons_can_be_found_and_not_written(write, detector, tmp_path):
    path = write([{"id": "a", "text": TEXTS[0]}])
    (results,) = predict(read_chunks(path), detector, tmp_path / "results.csv", why=True)
    assert results["why"][0]
    assert (tmp_path / "results.csv").read_text().count(",") == 2


def test_raw_scores_are_not_rounded(write, detector, tmp_path):
    path = write([{"id": n, "text": text} for n, text in enumerate([*TEXTS, ""])])
    output = tmp_path / "results.csv"
    list(predict(read_chunks(path), detector, output, raw=True))
    *rows, unread = rows_of(output)
    assert list(unread) == ["id", "generated", "raw_score"]
    assert (unread["generated"], unread["raw_score"]) == ("0.5", "")
    probabilities = detector.predict_proba(TEXTS)[:, 1]
    assert [float(row["generated"]) for row in rows] == probabilities.tolist()
    scores = detector.decision_function(TEXTS)
    assert [float(row["raw_score"]) for row in rows] == scores.tolist()
    assert any(value != round(value, 6) for value in probabilities)

    list(predict(read_chunks(path), detector, output, raw=True, details=True))
    assert list(rows_of(output)[0]) == ["id", "generated", "raw_score", *DETAILS[2:]]


def test_what_the_results_were_made_with(write, detector, tmp_path):
    texts = [*TEXTS, ""]
    path = write([{"id": f"r{n}", "text": text} for n, text in enumerate(texts)])
    output = tmp_path / "results.csv"
    chunks = read_chunks(path, chunk_rows=2)
    list(predict(chunks, detector, output, details=True, name="light"))
    metadata = json.loads((tmp_path / "results.meta.json").read_text())
    assert list(metadata) == ["provenance", "texts", "results_sha256"]
    ours = Provenance.of(detector, "light").to_dict()
    assert metadata["provenance"] | {"time": ours["time"]} == ours
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in TEXTS]
    assert metadata["texts"] == [
        {"id": f"r{n}", "text_sha256": digest} for n, digest in enumerate([*hashes, None])
    ]
    assert metadata["results_sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "results.csv", "results.meta.json", "rows.csv"
    ]  # fmt: skip


def test_results_without_details_have_no_metadata(write, detector, tmp_path):
    path = write([{"id": "a", "text": TEXTS[0]}])
    list(predict(read_chunks(path), detector, tmp_path / "results.csv"))
    list(predict(read_chunks(path), detector, "/dev/null", details=True))
    assert not list(tmp_path.glob("*.json"))
    assert not Path("/dev/null.meta.json").exists()


def test_metadata_after_a_failure_and_a_resumed_run(write, detector, tmp_path):
    path = write([{"id": f"r{n}", "text": text} for n, text in enumerate(TEXTS)])
    output, metadata = tmp_path / "results.csv", tmp_path / "results.meta.json"
    metadata.write_text("earlier")

    def interrupted():
        yield from islice(read_chunks(path, chunk_rows=2), 2)
        raise DatasetError("Damaged.")

    with pytest.raises(DatasetError):
        list(predict(interrupted(), detector, output, details=True))
    assert metadata.read_text() == "earlier"
    assert not list(tmp_path.glob("*.meta.json.part"))
    chunks = read_chunks(path, chunk_rows=2)
    (scored,) = predict(chunks, detector, output, details=True, resume=True)
    assert len(scored) == 2
    found = json.loads(metadata.read_text())
    assert [text["id"] for text in found["texts"]] == [f"r{n}" for n in range(6)]
    assert found["results_sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()


def test_metadata_that_cannot_be_written(write, detector, tmp_path):
    path = write([{"id": "a", "text": TEXTS[0]}])
    (tmp_path / "results.meta.json.part").mkdir()
    with pytest.raises(InputError, match=r"results\.meta\.json cannot be written"):
        list(predict(read_chunks(path), detector, tmp_path / "results.csv", details=True))
    assert not (tmp_path / "results.csv").exists()


def test_rows_with_problems_keep_their_place(detector, tmp_path, reported):
    path = tmp_path / "rows.csv"
    path.write_text(f'id,text\na,"{TEXTS[0]}"\nb,\nc,one,two\nd,"{TEXTS[1]}"\n')
    (results,) = predict(read_chunks(path), detector, tmp_path / "results.csv", details=True)
    written = rows_of(tmp_path / "results.csv")
    assert [row["id"] for row in written] == ["a", "b", "c", "d"]
    for row, problem in ((written[1], "no text"), (written[2], "3 fields instead of 2")):
        assert row == {
            "id": row["id"], "generated": "0.5", "verdict": "uncertain", "words": "0",
            "words_read": "0", "tokens": "0", "passages": "0", "share_generated": "",
            "share_low": "", "share_high": "", "why": "", "note": "", "flags": "",
            "problem": problem,
        }  # fmt: skip
    assert results["generated"].tolist()[::3] == pytest.approx(
        detector.predict_proba(TEXTS[:2])[:, 1], abs=5e-7
    )
    assert reported(logging.WARNING) == [
        "line 3 (id b): no text",
        "line 4 (id c): 3 fields instead of 2",
    ]


def test_a_chunk_of_nothing_but_problems(detector, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(f"id,text\na,\nb,\nc,{TEXTS[0]}\n")
    frames = list(predict(read_chunks(path, chunk_rows=2), detector, tmp_path / "results.csv"))
    assert [len(frame) for frame in frames] == [2, 1]
    assert [row["generated"] for row in rows_of(tmp_path / "results.csv")][:2] == ["0.5", "0.5"]


def test_ids_that_are_hard_to_write(write, detector, tmp_path):
    ids = ["\ud800x", 'say "a, b"', "two\nlines", "", "0012", "é"]
    path = write([{"id": i, "text": t} for i, t in zip(ids, TEXTS, strict=True)], "rows.jsonl")
    list(predict(read_chunks(path), detector, tmp_path / "results.csv", details=True))
    found = [row["id"] for row in rows_of(tmp_path / "results.csv")]
    assert found == ["\\ud800x", 'say "a, b"', "two\nlines", "line-4", "0012", "é"]
    assert write_features(read_chunks(path), FeatureExtractor(LIGHT), tmp_path / "f.csv") == 6
    assert [row["id"] for row in rows_of(tmp_path / "f.csv")] == found


def test_thousands_of_rows_come_in_order_a_chunk_at_a_time(detector, tmp_path):
    path = tmp_path / "rows.csv"
    ids = [f"row {number * 7919 % 3000}" for number in range(3000)]
    texts = [TEXTS[number % 2][: 30 + number % 5] for number in range(3000)]
    pd.DataFrame({"id": ids, "text": texts}).to_csv(path, index=False)
    read = []

    def watched():
        for chunk in read_chunks(path):
            read.append(len(chunk))
            yield chunk

    output = tmp_path / "results.csv"
    frames = predict(watched(), detector, output)
    assert len(next(frames)) == 256
    assert read == [256]  # nothing is read ahead
    assert not output.exists()
    sizes = [len(frame) for frame in frames]
    assert sizes == [256] * 10 + [184]
    written = pd.read_csv(output)
    assert written["id"].tolist() == ids
    # like texts have like probabilities, wherever they stand
    by_text = written["generated"].groupby(pd.Series(texts)).nunique()
    assert (by_text == 1).all()
    assert by_text.size == 10


def test_a_failure_leaves_earlier_results(detector, tmp_path):
    output = tmp_path / "results.csv"
    output.write_text("earlier\n")

    def chunks():
        yield pd.DataFrame({"id": ["a"], "text": [TEXTS[0]], "line": [2], "problem": [""]})
        raise DatasetError("Damaged.")

    with pytest.raises(DatasetError):
        write_features(chunks(), FeatureExtractor(LIGHT), output)
    assert output.read_text() == "earlier\n"
    assert [file.name for file in tmp_path.iterdir()] == ["results.csv"]
    with pytest.raises(DatasetError):
        list(predict(chunks(), detector, output))
    assert output.read_text() == "earlier\n"  # the rows so far lie in a file next to it
    assert (tmp_path / "results.csv.part").read_text().startswith("id,generated\na,")


def test_features_of_each_row(detector, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(f"id,text\na,{TEXTS[0]}\nb,\nc,{TEXTS[1]}\n")
    extractor = FeatureExtractor(LIGHT)
    assert write_features(read_chunks(path), extractor, tmp_path / "features.csv") == 3
    table = pd.read_csv(tmp_path / "features.csv", index_col="id")
    assert list(table.columns) == list(extractor.get_feature_names_out())
    np.testing.assert_allclose(table.loc[["a", "c"]], extractor.transform(TEXTS[:2]), rtol=1e-12)
    assert table.loc["b"].isna().all()


def test_many_problems_are_named_in_the_log_alone(reported):
    def chunk(lines):
        return pd.DataFrame({"line": lines, "id": "x", "problem": "no text"})

    assert MAX_SHOWN == 10
    with ProblemReport() as report:
        report.add(chunk(range(2, 10)))
        report.add(chunk(range(10, 15)))
    assert len(reported(logging.WARNING)) == 11
    assert reported(logging.WARNING)[9] == "line 11 (id x): no text"
    assert reported(logging.WARNING)[10] == "13 rows have problems; the log lists all of them."
    assert reported(logging.INFO) == [f"line {line} (id x): no text" for line in (12, 13, 14)]


def test_few_problems_need_no_count(reported):
    with ProblemReport() as report:
        report.add(pd.DataFrame({"line": [2], "id": ["x"], "problem": ["no text"]}))
    assert reported(logging.WARNING) == ["line 2 (id x): no text"]


def test_silent_where_there_is_no_terminal(write, detector, tmp_path, capsys):
    list(predict(read_chunks(write([{"text": TEXTS[0]}])), detector, tmp_path / "a.csv"))
    assert capsys.readouterr() == ("", "")
    assert MISSING_PROBABILITY == 0.5


def test_a_gpu_is_given_many_rows_and_worker_processes(monkeypatch):
    extractor = FeatureExtractor(LIGHT)
    use_worker_processes(extractor)
    assert chunk_rows(extractor) == CHUNK_ROWS
    assert extractor.processes == 0
    monkeypatch.setattr(FeatureExtractor, "uses_gpu", lambda self: True)
    assert chunk_rows(extractor) == CHUNK_ROWS_GPU > CHUNK_ROWS
    assert extractor.processes == 0
    use_worker_processes(extractor)
    assert extractor.processes >= 1


def test_a_scan_is_uncertain_with_a_note():
    chunk = pd.DataFrame({"id": ["a.pdf"], "text": [""], "problem": [SCAN], "left_out": [{}]})
    (row,) = score(chunk, light_detector(), why=True).to_dict("records")
    assert (row["verdict"], row["note"]) == ("uncertain", "a scan: no text to read")
