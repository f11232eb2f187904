import pandas as pd
import pytest

from benchmarks.quality import auxiliary, samples
from benchmarks.quality.auxiliary import CONTINUED, SAMPLINGS, from_first_sentence, openings
from perplexity_detector.text import canonicalise


def rows_of(essays, attack="none", generated=0):
    return pd.DataFrame(
        {
            "id": [f"{source}-{attack}-{number}" for source in "ab" for number in range(6)],
            "text": [essays[number % len(essays)] for number in range(12)],
            "generated": generated,
            "domain": "essay",
            "generator": "human",
            "attack": attack,
            "prompt_id": [f"prompt-{number}" for number in range(12)],
            "source": [source for source in "ab" for _ in range(6)],
            "split": ["train", "valid", "test"] * 4,
        }
    )


def test_openings_are_human_and_never_of_the_test_split(essays):
    corpus = pd.concat([rows_of(essays), rows_of(essays, "other", generated=1)])
    chosen = openings(corpus, 6)
    assert chosen["source"].value_counts().to_dict() == {"a": 3, "b": 3}
    assert set(chosen["generated"]) == {0}
    assert "test" not in set(chosen["split"])


def test_a_text_that_begins_inside_a_sentence_loses_it():
    assert from_first_sentence("of a thing. It was new. It stayed.") == "It was new. It stayed."
    assert from_first_sentence("of a thing") == "of a thing"


@pytest.fixture
def files(smollm2_folder, essays, tmp_path, monkeypatch):
    monkeypatch.setattr(auxiliary, "BATCH", 2)
    monkeypatch.setattr(auxiliary, "NEW_TOKENS", (12, 16))
    rows_of(essays).to_csv(tmp_path / "corpus.csv", index=False)
    polished = rows_of(essays, "llm_polish_of_human", generated=1)
    polished.to_parquet(tmp_path / "polished.parquet")
    return str(tmp_path / "corpus.csv"), str(tmp_path / "auxiliary.parquet")


def test_openings_are_continued_and_a_stopped_run_resumes(files, essays, monkeypatch):
    corpus, output = files
    whole = auxiliary.continuations

    def stopped(texts, sampling, seed):
        if seed:
            raise KeyboardInterrupt
        return whole(texts, sampling, seed)

    monkeypatch.setattr(auxiliary, "continuations", stopped)
    with pytest.raises(KeyboardInterrupt):
        auxiliary.main(corpus, output, batches=2, per_attack=3)
    first = samples.auxiliary(output)
    monkeypatch.setattr(auxiliary, "continuations", whole)
    auxiliary.main(corpus, output, batches=2, per_attack=3)
    rows = samples.auxiliary(output)
    assert rows["source"].value_counts().to_dict() == {CONTINUED: 4, "llm_polish_of_human": 3}
    assert set(rows["origin"]) == {"a", "b"}
    assert set(rows["generated"]) == {1}
    assert not rows["calibration_mask"].any()
    assert rows["id"].is_unique
    continued = rows[rows["source"] == CONTINUED]
    assert continued["text"].tolist()[:2] == first["text"][first["source"] == CONTINUED].tolist()
    assert continued["generator"].nunique() == 2
    plain = {canonicalise(essay) for essay in essays}
    assert not any(any(text in essay for essay in plain) for text in continued["text"])


def test_sampling_and_seed_determine_the_text(files, essays):
    def first(sampling, seed):
        return auxiliary.continuations(essays[:2], sampling, seed)[0]

    whole = first(SAMPLINGS[0], 0)
    assert first(SAMPLINGS[0], 0) == whole
    assert first(SAMPLINGS[0], 1) != whole
    assert first(SAMPLINGS[0]._replace(removed_blocks=(20, 21)), 0) != whole
    assert first(SAMPLINGS[0]._replace(temperature=0.5), 0) != whole


def test_only_what_a_model_wrote_is_learned_as_generated(essays):
    polished = rows_of(essays, "polish", generated=1)
    originals = rows_of(essays, "none", generated=0)
    without_kind = rows_of(essays, "none", generated=1).assign(id=lambda rows: rows["id"] + "m")
    frame = pd.concat([polished, originals, without_kind], ignore_index=True)
    chosen = auxiliary.polished_texts(frame, per_attack=3)
    assert set(chosen["generated"]) == {1}
    assert chosen["source"].value_counts().to_dict() == {"polish": 3, "a": 3, "b": 3}
    assert set(chosen["origin"]) <= {"a", "b"}


def test_people_are_a_sample_of_each_source(essays, tmp_path):
    rows_of(essays).drop(columns="split").to_csv(tmp_path / "people.csv", index=False)
    found = samples.people(str(tmp_path / "people.csv"), per_source=4)
    assert found["source"].value_counts().to_dict() == {"a": 4, "b": 4}
    assert found["prose"].all()
    assert list(found.columns) == [*samples.COLUMNS, "prose"]
