"""/v1/files and /v1/jobs: files up, results down, at once or as a job."""

import gzip
import io
import json
import zipfile

import httpx2
import pandas as pd
import pytest

from benchmarks.document_files import as_docx
from perplexity_detector.io.limits import DEFAULT_LIMITS
from perplexity_detector.pipelines.predict import DETAILS, DOCUMENT_DETAILS
from tests.hidden import LEFT_OUT, SENTENCES, hidden_docx
from tests.service.serving import is_problem, wait_for

#: A file that was gzipped twice; the same bytes in every process that collects these tests.
TWICE = gzip.compress(gzip.compress(b"id,text\n1,a\n", mtime=0), mtime=0)

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def frame(texts):
    ids = [f"t{number}" for number in range(len(texts))]
    return pd.DataFrame({"id": ids, "text": texts})


@pytest.fixture(scope="module")
def csv(frame):
    return frame.to_csv(index=False).encode()


def of_csv(answer):
    return pd.read_csv(io.BytesIO(answer.content), keep_default_na=False)


def parquet(frame):
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


def send(client, content, name="essays.csv", query="", **headers):
    return client.post(f"/v1/files{query}", files={"file": (name, content)}, headers=headers)


def test_results_are_those_of_the_command(client, frame, csv, detector):
    answer = send(client, csv)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="results.csv"'
    results = of_csv(answer)
    assert tuple(results) == DETAILS
    assessed = detector.assess(frame["text"])
    assert results["id"].tolist() == frame["id"].tolist()
    assert results["generated"].tolist() == assessed["probability"].round(6).tolist()
    assert results["verdict"].tolist() == assessed["verdict"].tolist()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.gz", lambda frame: gzip.compress(frame.to_csv(index=False).encode())),
        ("a.TSV", lambda frame: frame.to_csv(index=False, sep="\t").encode()),
        ("a.jsonl", lambda frame: frame.to_json(orient="records", lines=True).encode()),
        ("../../a.parquet", parquet),
    ],
)
def test_formats_by_name(client, frame, csv, name, content):
    assert send(client, content(frame), name).text == send(client, csv).text


@pytest.mark.parametrize(
    ("headers", "query"),
    [({"Content-Type": "text/csv; charset=utf-8"}, ""), ({}, "?format=csv")],
)
def test_a_file_as_the_body(client, csv, headers, query):
    answer = client.post(f"/v1/files{query}", content=csv, headers=headers)
    assert answer.text == send(client, csv).text


def test_columns_and_encoding(client, frame):
    renamed = frame.rename(columns={"id": "n", "text": "essay"})
    renamed["essay"] += " café"
    content = renamed.to_csv(index=False).encode("cp1252")
    query = "?id_column=n&text_column=essay&encoding=cp1252"
    assert of_csv(send(client, content, query=query))["id"].tolist() == frame["id"].tolist()


def test_rows_with_problems_keep_their_place(serve, texts):
    client = serve(max_characters=1000)
    rows = [{"id": "a", "text": texts[0]}, {"id": "b", "text": ""}, {"id": "c", "text": "x" * 1001}]
    results = of_csv(send(client, "\n".join(map(json.dumps, rows)).encode(), "a.jsonl"))
    assert results["problem"].tolist() == ["", "no text", "more than 1,000 characters"]
    assert results["generated"].tolist()[1:] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("name", "content", "query", "sentence"),
    [
        ("a.data", b"id,text\n1,a\n", "", "The file's format is not known: send ?format=csv"),
        ("a.csv", b"", "", "The file is empty"),
        (
            "a.csv",
            b"id,essay\n1,a\n",
            "",
            "The file has no column 'text'; it has 'id', 'essay'",
        ),
        ("a.csv", b"id,text\n", "", "The file has no rows"),
        (
            "a.csv",
            b"id,text\n1,caf\xe9\n",
            "",
            "The file is not utf-8 at line 2: pass its encoding, for example ?encoding=",
        ),
        (
            "a.csv",
            b"id,text\n1,a\n",
            "?encoding=klingon",
            "There is no encoding 'klingon': try ?",
        ),
        ("a.csv", b"PK\x03\x04abc", "", "The file is a zip archive"),
        ("a.parquet", b"PAR1abc", "", "The file is damaged or cut short"),
        (
            "a.csv.gz",
            gzip.compress(b"id,text\n1,a\n", mtime=0)[:-9],
            "",
            "The file is damaged or cut short",
        ),
        (
            "a.csv.gz",
            TWICE,
            "",
            "The file is compressed",
        ),
        ("a.csv", b"id,text\n1,a\n", "?format=exe", "`format`: Input should be 'csv'"),
    ],
)
def test_a_file_that_cannot_be_read(client, name, content, query, sentence):
    answer = send(client, content, name, query)
    assert is_problem(answer, 422)
    assert answer.json()["detail"].startswith(sentence)
    assert "--" not in answer.text and "/tmp" not in answer.text
    assert not list(client.service.jobs.folder.iterdir())


def test_a_form_without_a_file(client):
    assert is_problem(client.post("/v1/files", files={"file": (None, "a,b")}), 422)
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert is_problem(client.post("/v1/files", content=b"--y", headers=broken), 400)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.parquet", "a.parquet.gz"])
def test_a_small_archive_of_a_large_file(serve, name):
    client = serve(max_file_bytes=100_000)
    if ".parquet" in name:
        frame = pd.DataFrame({"text": [f"a{'b' * 1000}{row}" for row in range(200)]})
        bomb = parquet(frame)
        bomb = gzip.compress(bomb, mtime=0) if name.endswith(".gz") else bomb
    else:
        bomb = gzip.compress(b"id,text\n" + b"1,aaaaaaaa\n" * 100_000, mtime=0)
    assert len(bomb) < 20_000
    answer = send(client, bomb, name)
    assert is_problem(answer, 413)
    assert not list(client.service.jobs.folder.iterdir())


def test_a_large_file_becomes_a_job(serve, csv):
    client = serve(sync_max_tokens=10)
    begun = send(client, csv)
    assert begun.status_code == 202
    place = begun.headers["location"]
    assert place == f"/v1/jobs/{begun.json()['id']}"
    assert begun.json()["rows"] == 6
    wait_for(lambda: client.get(place).json()["state"] == "done")
    state = client.get(place).json()
    assert state["rows_done"] == 6
    assert state["results"] == f"{place}/results"
    results = client.get(state["results"])
    assert results.headers["content-disposition"] == 'attachment; filename="results.csv"'
    assert len(of_csv(results)) == 6
    assert [file.name for file in client.service.jobs.folder.rglob("*.*")] == ["results.csv"]
    assert client.delete(place).status_code == 204
    assert is_problem(client.get(place), 404)
    assert not list(client.service.jobs.folder.iterdir())


def test_a_job_can_be_cancelled(serve, csv):
    client = serve()
    serve.engine.hold()
    place = send(client, csv, **ASYNC).headers["location"]
    assert serve.engine.reading.wait(10)
    assert client.get(place).json()["state"] == "running"
    assert is_problem(client.get(f"{place}/results"), 409)
    assert client.delete(place).status_code == 204
    serve.engine.let_go()
    wait_for(lambda: not list(client.service.jobs.folder.iterdir()))
    assert is_problem(client.get(place), 404)
    assert send(client, csv).status_code == 200


def test_a_job_that_fails_says_so(serve):
    client = serve()
    serve.engine.batches.clear()
    place = send(client, b"id,text\n1,poison\n", **ASYNC).headers["location"]
    wait_for(lambda: client.get(place).json()["state"] == "failed")
    assert client.get(place).json()["detail"].startswith("Something went wrong that should not")
    assert is_problem(client.get(f"{place}/results"), 409)
    assert is_problem(send(client, b"id,text\n1,poison\n"), 500)


def test_jobs_are_bounded_and_expire(serve, csv):
    client = serve(max_jobs=2, job_seconds=0.5, client_share=1.0)
    serve.engine.hold()
    places = [send(client, csv, **ASYNC).headers["location"] for _ in range(2)]
    full = send(client, csv)
    assert is_problem(full, 503)
    assert int(full.headers["retry-after"]) > 0
    serve.engine.let_go()
    wait_for(lambda: client.get(places[1]).json()["state"] in ("done", 404))
    wait_for(lambda: client.get(places[0]).status_code == 404)
    wait_for(lambda: send(client, csv).status_code == 200)


def test_who_leaves_takes_the_file_along(serve, csv):
    client = serve()
    serve.engine.hold()
    with pytest.raises(httpx2.ReadTimeout):
        client.post("/v1/files", files={"file": ("a.csv", csv)}, timeout=0.5)
    wait_for(lambda: not len(client.service.jobs))
    serve.engine.let_go()
    wait_for(lambda: not list(client.service.jobs.folder.iterdir()))


@pytest.mark.parametrize(
    "tricky",
    [
        "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f", "a" * 22, "a" * 5000, "%00", "*",
        "%E2%80%AE", "upload", "../../../etc/passwd", "....//", "results.csv", "a'; drop table",
    ],
)  # fmt: skip
def test_ids_that_are_none(client, tricky):
    for place in (f"/v1/jobs/{tricky}", f"/v1/jobs/{tricky}/results"):
        for method in ("GET", "DELETE"):
            answer = client.request(method, place)
            assert answer.status_code in (404, 405)
            assert is_problem(answer, answer.status_code)
    assert client.service.jobs.folder.is_dir()


def test_the_folder_goes_with_the_service(serve, csv):
    client = serve()
    serve.engine.hold()
    folder = client.service.jobs.folder
    send(client, csv, **ASYNC)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir())
    serve.engine.let_go()
    serve.end()
    assert not folder.exists()


def test_several_documents_and_a_zip_of_them(client, texts):
    named = [("a.txt", texts[0].encode()), ("b.docx", as_docx(texts[1])), ("c.pdf", b"%PDF-1.4")]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in named:
            archive.writestr(name, content)
    several = client.post("/v1/files", files=[("file", one) for one in named])
    assert several.status_code == 200
    assert several.text == send(client, packed.getvalue(), "essays.zip").text
    results = of_csv(several)
    assert tuple(results) == DOCUMENT_DETAILS
    assert results["problem"].tolist() == ["", "", "damaged or cut short"]
    assert results["generated"].nunique() == 3
    shown = client.post("/v1/documents", files=[("file", one) for one in named]).json()["documents"]
    assert [one["text"] for one in shown] == [texts[0], texts[1], ""]


def test_hidden_text_has_flags(client, texts, detector):
    named = [("a.docx", hidden_docx(texts[1])), ("b.docx", as_docx(texts[1]))]
    results = of_csv(client.post("/v1/files", files=[("file", one) for one in named]))
    assert results["flags"].tolist() == ["; ".join(SENTENCES), ""]
    assert results["left_out"].tolist() == ["1 hidden passage, 1 white passage", ""]
    assert results["generated"].nunique() == 1
    shown = client.post("/v1/documents", files=[("file", named[0])]).json()["documents"][0]
    assert [one["sentence"] for one in shown["flags"]] == SENTENCES
    assert shown["left_out"] == LEFT_OUT
    body = {name: shown[name] for name in ("id", "text", "left_out")}
    explained = client.post("/v1/explain", json=body).json()
    assert [one["sentence"] for one in explained["flags"]] == SENTENCES
    assert explained["probability"] == detector.explain(texts[1]).probability
    report = client.post("/v1/explain?format=html", json=body).text
    assert all(f"{sentence}." in report for sentence in SENTENCES)
    broken = {**body, "left_out": {"hidden passages": 0}}
    assert is_problem(client.post("/v1/explain", json=broken), 422)


def test_more_documents_than_are_read_are_refused_and_not_left_out(client):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(DEFAULT_LIMITS.files + 1):
            archive.writestr(f"{number}.txt", b"")
    answer = send(client, packed.getvalue(), "a.zip")
    assert is_problem(answer, 413)
    assert answer.json()["detail"].startswith("What was sent has more than 20,000 files")


def test_documents_that_cannot_be_read(client, csv):
    assert is_problem(send(client, b"no pdf", "a.pdf"), 422)
    assert is_problem(send(client, b"no zip", "a.zip"), 422)
    answer = client.post("/v1/documents", files={"file": ("essays.csv", csv)})
    assert is_problem(answer, 422)
    mixed = [("file", ("a.csv", csv)), ("file", ("b.txt", b"A text."))]
    assert is_problem(client.post("/v1/files", files=mixed), 422)
    assert is_problem(send(client, b"A text.", "/"), 422)
