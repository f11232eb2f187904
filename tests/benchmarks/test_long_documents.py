"""Documents made of a small corpus, and the figures of made-up findings."""

import numpy as np
import pandas as pd
import pytest
import zstandard

from benchmarks.quality.long_document_tables import long_documents as table
from benchmarks.quality.long_document_tables import long_documents_joined
from benchmarks.quality.long_documents import figures
from benchmarks.quality.long_documents_joined import documents as joined
from benchmarks.quality.long_texts import BOTH, INSERTED, LENGTHS, SKIPPED, insert, long_documents
from perplexity_detector.text import words


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    book = " ".join(f"Word number {n}." for n in range(4000))
    packed = zstandard.ZstdCompressor().compress(f"{book}<|endoftext|>Short.".encode())
    (folder / "books.txt.zst").write_bytes(packed)
    rows = [
        {
            "id": f"{source}{n}", "text": f"{source} {n} " * 100, "source": source,
            "generator": generator, "generated": generated, "split": split,
        }
        for source, generator, generated, count in (("a", "human", 0, 30), ("b", "m1", 1, 15))
        for split in ("train", "test")
        for n in (range(count) if split == "test" else range(count, 2 * count))
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(folder / "corpus.parquet")
    return long_documents(folder / "corpus.parquet", folder)


def test_documents_have_their_length_and_one_writer(documents):
    by_one = documents[documents["writer"] != BOTH]
    assert sorted(zip(by_one["kind"], by_one["length"], strict=True)) == [
        ("a, human", 2500), ("a, human", 2500), ("a, human", 5000), ("b, m1", 2500),
        ("books", 2500), ("books", 5000), ("books", 10_000),
    ]  # fmt: skip
    for one in by_one.itertuples():
        assert 0.9 * one.length <= len(words(one.text)) <= 1.1 * one.length
        source = one.kind.split(",")[0]
        assert source == "books" or set(one.text.split()[::2]) == {source}
    assert documents["id"].is_unique
    assert documents["paired"].all()


def test_texts_that_were_trained_on_are_left_out(documents):
    chosen = (documents["kind"] == "a, human") & (documents["writer"] != BOTH)
    numbers = {int(one) for text in documents[chosen]["text"] for one in text.split()[1::2]}
    assert max(numbers) < 30


def test_an_excerpt_begins_after_the_first_pages(documents):
    chosen = (documents["kind"] == "books") & (documents["writer"] != BOTH)
    (start,) = documents[chosen & (documents["length"] == LENGTHS[0])]["text"]
    assert start.split()[:3] == f"number {SKIPPED // 3}. Word".split()


def test_a_passage_by_a_model_is_inserted_into_some(documents):
    both = documents[documents["writer"] == BOTH]
    assert len(both)
    assert set(both["generated"]) == {0}
    for one in both.itertuples():
        share = one.text.split().count("b") / (len(one.text.split()) / 2)
        assert 0.4 * INSERTED <= share <= INSERTED
    host = "One. Two. Three. Four."
    places = {insert(host, "Passage here.", number).index("Passage") for number in range(8)}
    assert places <= {0, 5, 10, 17}
    assert len(places) > 2
    assert insert(host, "Here.", 0) == f"Here. {host}"


def test_joined_documents_are_of_one_source():
    rows = [
        {"source": source, "generated": generated, "text": f"{source}{generated} number {n}."}
        for source, generated in (("a", 0), ("b", 0), ("b", 1))
        for n in range(30)
    ]
    found = joined(pd.DataFrame(rows))
    assert sorted((one["writer"], one["kind"], one["length"]) for one in found) == [
        (writer, kind, size)
        for writer, kind in (("both", "a"), ("both", "b"), ("models", "b"), ("people", "a"),
                             ("people", "b"))
        for size in (15, 15, 30)
    ]  # fmt: skip
    for one in found:
        by_models = [window.split()[0] == "b1" for window in one["windows"]]
        expected = {"people": 0, "models": one["length"], "both": round(0.1 * one["length"])}
        assert sum(by_models) == expected[one["writer"]]
        # a passage is in one piece
        assert one["writer"] != "both" or np.abs(np.diff(by_models)).sum() <= 2
    assert len({one["id"] for one in found}) == len(found)


def found(generated, sampled, whole, words_read=1000):
    def way(outcome, words_read, seconds):
        verdict, log_odds = outcome
        return {
            "log_odds": log_odds, "verdict": verdict, "note": "", "words": 5000,
            "words_read": words_read, "seconds": seconds,
        }  # fmt: skip

    return {
        "id": "x", "kind": "essays", "generated": generated, "length": 5000, "paired": True,
        "writer": "models" if generated else "people",
        "precision": "bfloat16", "sampled": way(sampled, words_read, 1.0),
        "whole": way(whole, 5000, 10.0),
    }  # fmt: skip


@pytest.fixture
def record():
    rows = [
        found(0, ("human", -3.0), ("human", -3.1)),
        found(0, ("uncertain", 1.0), ("uncertain", 1.0), words_read=5000),
        found(1, ("generated", 4.0), ("generated", 4.5)),
        found(1, ("uncertain", 0.5), ("generated", 3.0)),
    ]
    further = {**found(0, ("generated", 5.0), ("human", 0.0)), "paired": False}
    del further["whole"]
    found_of_all = figures([*rows, further])
    return {"detectors": {"fast": found_of_all}, "joined": {"fast": found_of_all}}


def test_a_sample_is_compared_with_the_whole(record):
    found = record["detectors"]["fast"]
    models, people = found["lengths"]
    assert (people["writer"], people["documents"], people["settled"]) == ("people", 2, 0.5)
    assert (people["verdicts_changed"], models["verdicts_changed"]) == (0, 0.5)
    assert (models["flags_lost"], models["flags_gained"]) == (0.5, 0)
    assert models["times_faster"] == 10
    assert found["all"]["sampled"]["auroc"] == 0.75
    assert found["all"]["whole"]["auroc"] == 1
    # the further one counts among all people
    assert (found["people"]["sampled"]["documents"], found["people"]["sampled"]["flagged"]) == (
        3,
        1,
    )
    assert found["people"]["whole"]["documents"] == 2
    assert found["kinds"] == {"essays": {"documents": 3, "flagged": 1}}


def test_the_tables(record):
    assert table(record).splitlines()[2] == (
        "| `fast` | models | 5,000 | 2 | 100.0% | 1,000 | 1.0 s | 10.0 s | 50.0% | 50.0% | 100.0% "
        "| 50.0% | 0.0% | 0.0% | 0.0% |"
    )
    text = long_documents_joined(record)
    assert "| models | 5,000 | 2 | 100.0% | 1,000 | 50.0% |" in text
    assert "25.0% of the verdicts change, 25.0% from `generated` and 0.0% to it" in text
    assert "Of 3 documents by people that share no text, 1 by a sample" in text
    assert long_documents_joined({**record, "joined": {}})
