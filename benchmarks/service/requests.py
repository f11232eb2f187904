"""What mixed clients send: every route, good input and bad."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

_JSON = {"Content-Type": "application/json"}
_CSV = {"Content-Type": "text/csv"}
_BOUNDARY = "sent-by-the-benchmark"
#: Of a bad body; larger ones are what `tests/hostile` sends.
_MEGABYTE = 1_000_000


class Ask(NamedTuple):
    """A request.

    Attributes:
        kind: what figures are grouped by.
        good: whether the service must answer it; else it must refuse it with 4xx.
        hang_up: whether the client leaves in the middle of its body.
    """

    kind: str
    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] | None = None
    good: bool = True
    hang_up: bool = False


def asks(essays: Sequence[str]) -> list[Ask]:
    """One round of requests, in no order."""
    return [*_good(essays), *_bad(essays)]


def _good(essays: Sequence[str]) -> list[Ask]:
    texts = [essays[number % len(essays)] for number in range(12)]
    rows = pd.DataFrame({"id": range(3), "text": texts[:3]})
    parquet = io.BytesIO()
    rows.to_parquet(parquet, index=False)
    csv = rows.to_csv(index=False).encode()
    page = f"<html><body><article><p>{texts[3]}</p></article></body></html>".encode()
    return [
        *(_json("predict", "/v1/predict", {"text": text}) for text in texts),
        _json("predict several", "/v1/predict", {"texts": texts[:4]}),
        _json("predict odd", "/v1/predict", {"texts": ["", "\u200b" * 5_000, "&#62;" * 900]}),
        _json("features", "/v1/features", {"text": texts[4]}),
        _json("explain", "/v1/explain", {"text": texts[5], "id": "a"}),
        _json("explain as a report", "/v1/explain?format=html", {"text": texts[6]}),
        _json("documents of another API", "/v2/predict/text", {"document": texts[7]}),
        Ask("csv", "POST", "/v1/files", csv, _CSV),
        Ask("csv as a job", "POST", "/v1/files", csv, {**_CSV, "Prefer": "respond-async"}),
        Ask("csv, packed", "POST", "/v1/files?format=csv", gzip.compress(csv), _CSV),
        _form("parquet", "/v1/files", {"a.parquet": parquet.getvalue()}),
        _form("documents", "/v1/files", {"a.txt": texts[8].encode(), "b.html": page}),
        _form("texts of documents", "/v1/documents", {"a.txt": texts[9].encode()}),
        *(
            Ask("pages", "GET", path)
            for path in ("/", "/docs", "/openapi.json", "/static/js/page.js", "/v1/model",
                         "/v1/detectors", "/metrics", "/logs?lines=50", "/readyz")
        ),
    ]  # fmt: skip


def _bad(essays: Sequence[str]) -> list[Ask]:
    draw = random.Random(0)
    parquet = io.BytesIO()
    pd.DataFrame({"id": [1], "text": essays[:1]}).to_parquet(parquet, index=False)
    flipped = bytearray(parquet.getvalue())
    for _ in range(20):
        flipped[draw.randrange(4, len(flipped))] ^= 255
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.txt", b"\0" * 60 * _MEGABYTE)
    other_site = {**_JSON, "Sec-Fetch-Site": "cross-site"}
    text = json.dumps({"text": essays[0]}).encode()
    numbers = b'{"texts":[' + b"1," * (_MEGABYTE // 2) + b"1]}"
    nested = b'{"text":' + b"[" * _MEGABYTE
    quotes = b"id,text\n" + b'x","\n' * 50_000
    broken_json = b'{"id":"b","text":"' + b'\\"' * (_MEGABYTE // 2)
    refused = [
        Ask("numbers", "POST", "/v1/predict", numbers, _JSON),
        Ask("nested", "POST", "/v1/predict", nested, _JSON),
        Ask("cut", "POST", "/v1/explain", text[:-9], _JSON),
        Ask("too long", "POST", "/v1/predict", json.dumps({"text": "a " * 90_000}).encode(), _JSON),
        Ask("other site", "POST", "/v1/predict", text, other_site),
        Ask("other name", "GET", "/logs", headers={"Host": "stranger.example"}),
        Ask("no route", "GET", "/v1/nothing"),
        Ask("no method", "PUT", "/v1/predict", text, _JSON),
        Ask("no job", "GET", "/v1/jobs/nothing/results"),
        Ask("quotes", "POST", "/v1/files?format=csv", quotes, _CSV),
        Ask("punycode", "POST", "/v1/files?format=csv&encoding=punycode", quotes, _CSV),
        Ask("broken json", "POST", "/v1/files?format=jsonl", gzip.compress(broken_json)),
        _form("broken parquet", "/v1/files", {"a.parquet": bytes(flipped)}),
        _form("packed gigabytes", "/v1/files", {"a.csv.gz": _packed(400 * _MEGABYTE)}),
        _form("zip", "/v1/files", {"a.zip": bomb.getvalue()}),
    ]
    left = [
        Ask("left", "POST", "/v1/predict", text, _JSON, hang_up=True),
        Ask("left", "POST", "/v1/files?format=csv", quotes, _CSV, hang_up=True),
    ]
    return [one._replace(good=False) for one in [*refused, *left]]


def _json(kind: str, path: str, value: object) -> Ask:
    return Ask(kind, "POST", path, json.dumps(value).encode(), _JSON)


def _form(kind: str, path: str, files: dict[str, bytes]) -> Ask:
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        .encode() + content + b"\r\n"
        for name, content in files.items()
    ]  # fmt: skip
    body = b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])
    headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    return Ask(kind, "POST", path, body, headers)


def _packed(size: int) -> bytes:
    """A csv file of one row that unpacks to a size."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(b"id,text\n1,")
        for _ in range(size // _MEGABYTE):
            file.write(b"a" * _MEGABYTE)
    return packed.getvalue()
