"""Detectors of a service: recalibration on one's own people, and asking for one by name."""

import csv
import io
import zipfile

import pytest

from perplexity_detector.errors import InputError
from perplexity_detector.explanation.explainable import ExplainableClassifier
from perplexity_detector.pipelines.recalibrate import BY_A_MODEL
from perplexity_detector.service.settings import load_settings
from tests.labelled import two_styles
from tests.service.serving import is_problem, wait_for

KEY = "a key"
TEXTS, LABELS = two_styles(240, seed=3)
PEOPLE = [text for text, label in zip(TEXTS, LABELS, strict=True) if label == 0]
ROUTE = "/v1/detectors/recalibrate"


def rows(texts, labels=None):
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["id", "text"] + ["generated"] * (labels is not None))
    columns = [texts] if labels is None else [texts, labels]
    writer.writerows([place, *row] for place, row in enumerate(zip(*columns, strict=True)))
    return file.getvalue().encode()


@pytest.fixture
def operated(serve):
    """A service whose operator allows two detectors."""
    client = serve(api_key=KEY, max_recalibrated_detectors=2)
    client.headers["Authorization"] = f"Bearer {KEY}"
    return client


def recalibrate(client, name="our_people", content=None, **query):
    return client.post(
        ROUTE,
        params={"name": name, **query},
        content=rows(PEOPLE) if content is None else content,
        headers={"Content-Type": "text/csv"},
    )


def finished(client, answer):
    assert answer.status_code == 202, answer.text
    place = answer.headers["location"]
    wait_for(lambda: client.get(place).json()["state"] in ("done", "failed"))
    return client.get(place).json()


def test_a_new_detector_is_made_offered_and_saved(operated, detector, tmp_path, texts):
    job = finished(operated, recalibrate(operated))
    assert (job["state"], job["rows_done"]) == ("done", 120)
    listed = operated.get("/v1/detectors").json()
    assert listed["default"] == "light"
    assert listed["may_recalibrate"] is True
    assert listed["may_add"] == 1
    assert [one["name"] for one in listed["detectors"]] == ["light", "our_people"]
    assert [one["recalibrated_on"] for one in listed["detectors"]] == [None, 120]

    # its thresholds are those of the library's own method
    saved = ExplainableClassifier.from_pretrained(tmp_path / "detectors" / "our_people")
    alone = ExplainableClassifier.from_pretrained(tmp_path / "detectors" / "our_people")
    alone.calibrator_ = detector.calibrator_
    alone.recalibrate(PEOPLE)
    assert saved.calibrator_.to_json() == alone.calibrator_.to_json()

    # and requests of every kind can name it
    body = {"texts": texts, "detector": "our_people"}
    answer = operated.post("/v1/predict", json=body).json()
    assert answer["detector"] == "our_people"
    assert [one["verdict"] for one in answer["results"]] == saved.assess(texts)["verdict"].tolist()
    usual = operated.post("/v1/predict", json={"texts": texts}).json()
    assert usual["detector"] == "light"
    assert [one["thresholds"] for one in usual["results"]] != [
        one["thresholds"] for one in answer["results"]
    ]
    one = {"text": texts[0], "detector": "our_people"}
    assert operated.post("/v1/explain", json=one).json()["detector"] == "our_people"
    assert operated.post("/v1/features", json=one).json()["detector"] == "our_people"
    document = {"document": texts[0], "detector": "our_people"}
    assert operated.post("/v1/predict", json=document).json()["version"].endswith("our_people")
    card = operated.get("/v1/model?detector=our_people").json()
    assert card["training"]["recalibrated_on"] == 120
    scored = operated.post("/v1/files?detector=our_people", content=rows(texts), headers={
        "Content-Type": "text/csv"
    }).text  # fmt: skip
    verdicts = [row["verdict"] for row in csv.DictReader(io.StringIO(scored))]
    assert verdicts == saved.assess(texts)["verdict"].tolist()
    # the detector it came from is as it was
    assert detector.training_.get("recalibrated_on") is None
    # metrics have kinds of requests, not names that a client chose
    metrics = operated.get("/metrics").text
    assert 'texts_total{kind="predict"}' in metrics
    assert "our_people" not in metrics


def test_it_is_there_after_a_restart_and_a_damaged_one_stops_nothing(
    operated, serve, tmp_path, texts
):
    assert finished(operated, recalibrate(operated))["state"] == "done"
    assert finished(operated, recalibrate(operated, "others"))["state"] == "done"
    (tmp_path / "detectors" / "others" / "calibrator.json").write_text("{}")
    again = serve()
    names = [one["name"] for one in again.get("/v1/detectors").json()["detectors"]]
    assert names == ["light", "our_people"]
    body = {"text": texts[0], "detector": "our_people"}
    assert again.post("/v1/predict", json=body).json()["detector"] == "our_people"


def test_a_text_by_a_model_sets_no_threshold(operated, tmp_path):
    assert finished(operated, recalibrate(operated))["state"] == "done"
    both = recalibrate(operated, "both", rows(TEXTS, LABELS))
    assert finished(operated, both)["state"] == "done"
    results = operated.get(f"{both.headers['location']}/results").text
    problems = [row["problem"] for row in csv.DictReader(io.StringIO(results))]
    assert problems.count("labelled as written by a model") == 120
    folders = [tmp_path / "detectors" / name for name in ("our_people", "both")]
    first, second = ((folder / "calibrator.json").read_bytes() for folder in folders)
    assert first == second


def test_people_hand_in_documents(operated, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, text in enumerate(PEOPLE):
            archive.writestr(f"essays/{number}.txt", text)
        archive.writestr("generated/1.txt", TEXTS[LABELS.index(1)])
    answer = operated.post(
        "/v1/detectors/recalibrate?name=documents",
        files={"file": ("essays.zip", packed.getvalue())},
    )
    job = finished(operated, answer)
    assert (job["state"], job["rows"]) == ("done", 121)
    results = csv.DictReader(io.StringIO(operated.get(job["results"]).text))
    assert [row["problem"] for row in results if row["problem"]] == [BY_A_MODEL]
    assert finished(operated, recalibrate(operated))["state"] == "done"
    documents, table = (
        tmp_path / "detectors" / name / "calibrator.json" for name in ("documents", "our_people")
    )
    assert documents.read_bytes() == table.read_bytes()


def test_the_limit_and_names(operated):
    assert finished(operated, recalibrate(operated, "one"))["state"] == "done"
    assert finished(operated, recalibrate(operated, "two"))["state"] == "done"
    assert is_problem(answer := recalibrate(operated, "three"), 422)
    assert "the operator allows 2" in answer.json()["detail"]
    assert finished(operated, recalibrate(operated, "two"))["state"] == "done"  # replaced
    for taken in ("light", "standard", "fast", "auto"):
        assert is_problem(answer := recalibrate(operated, taken), 422)
        assert answer.json()["detail"] == "This name is taken: choose another."
    for odd in ("", "../up", "a/b", ".hidden", "a b", "x" * 41, "ä"):
        assert is_problem(recalibrate(operated, odd), 422)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (rows(PEOPLE[:99]), "99 texts set no thresholds: give 100 or more by people."),
        (b"", "The file is empty"),
        (b"PK\x03\x04 a zip", "The file is a zip archive"),
        (b"id,essay\n1,a\n", "The file has no column 'text'"),
    ],
)
def test_a_file_that_cannot_be_used(operated, content, sentence):
    answer = recalibrate(operated, content=content)
    assert is_problem(answer, 422)
    assert answer.json()["detail"].startswith(sentence)
    assert len(operated.service.jobs) == 0


def test_too_few_are_left_without_those_of_models(operated, tmp_path):
    labels = [int(place >= 90) for place in range(120)]
    job = finished(operated, recalibrate(operated, content=rows(PEOPLE, labels)))
    assert job["state"] == "failed"
    assert job["detail"] == "90 texts set no thresholds: give 100 or more by people."
    assert not (tmp_path / "detectors").exists()


def test_it_is_off_unless_the_operator_allows_it(client, serve):
    answer = recalibrate(client)
    assert is_problem(answer, 403)
    assert "MAX_RECALIBRATED_DETECTORS" in answer.json()["detail"]
    listed = client.get("/v1/detectors").json()
    assert listed["may_recalibrate"] is False
    locked = serve(api_key=KEY, max_recalibrated_detectors=1)
    assert is_problem(recalibrate(locked), 401)


def test_the_setting_needs_a_key(monkeypatch):
    monkeypatch.setenv("PERPLEXITY_DETECTOR_MAX_RECALIBRATED_DETECTORS", "1")
    with pytest.raises(InputError, match="needs an API key: set PERPLEXITY_DETECTOR_API_KEY, too"):
        load_settings()
    monkeypatch.setenv("PERPLEXITY_DETECTOR_API_KEY", "a key")
    assert load_settings().max_recalibrated_detectors == 1


def test_a_detector_that_is_not_there(client, texts):
    body = {"text": texts[0], "detector": "zanzibar"}
    for answer in (
        client.post("/v1/predict", json=body),
        client.post("/v1/explain", json=body),
        client.get("/v1/model?detector=zanzibar"),
        client.post("/v1/files?detector=zanzibar", content=b"id,text\n"),
    ):
        assert is_problem(answer, 422)
        assert answer.json()["detail"] == (
            "There is no detector of this name; /v1/detectors lists them."
        )
