"""The worst that is known to be sent: the service's memory stays near its idle figure."""

import gzip
import io
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import httpx2
import pyarrow
import pyarrow.parquet
import pytest

from tests.hostile.sizes import number
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the peak of memory")

#: Most that the peak may be, relative to the idle figure.
MOST = 1.5
BODY = 15_000_000
JSON = {"Content-Type": "application/json"}


def megabytes(process, name):
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1_000 for line in lines if line.startswith(name))


@pytest.fixture(scope="module")
def service(tmp_path_factory, smollm2_folder):
    """The command `serve` with a shipped detector, a client of it, and its memory when idle."""
    program = [sys.executable, str(ROOT / "model.py"), "serve", "--port=0", "--detector=fast"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        program, cwd=tmp_path_factory.mktemp("service"), stderr=subprocess.PIPE, text=True,
        env=environment,
    ) as process:  # fmt: skip
        try:
            (url,) = re.findall(r"http://\S+:\d+(?= )", process.stderr.readline())
            with httpx2.Client(base_url=url, timeout=180, trust_env=False) as client:
                while client.get("/readyz").status_code != 200:
                    time.sleep(0.2)
                yield process, client, megabytes(process, "VmRSS")
        finally:
            process.kill()


def texts(item):
    return b'{"texts":[' + b",".join([item] * (BODY // (len(item) + 1))) + b"]}"


def parquet(table):
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(table), file)
    return file.getvalue()


def repeated(value, times):
    places = pyarrow.array([0] * times, pyarrow.int32())
    return pyarrow.DictionaryArray.from_arrays(places, pyarrow.array([value]))


def zipped(size):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for place in range(4):
            archive.writestr(f"{place}.txt", b" a" * (size // 2))
    return file.getvalue()


BODIES = {
    "numbers": texts(b"1"),
    "short texts": texts(b'"ab"'),
    "objects": texts(b'{"a":1}'),
    "nested": b'{"texts":' + b"[" * BODY,
    "fields": b"{" + b",".join(b'"%x":1' % place for place in range(1_000_000)) + b"}",
    "half surrogates": b'{"text":"' + rb"\ud800" * (BODY // 6) + b'"}',
}
FILES = {
    "a.jsonl.gz": gzip.compress(b'{"id":"b","text":"' + b'\\"' * 20_000_000, 1),
    "b.jsonl.gz": gzip.compress(b'{"id":"b","text":"' + b"a" * 90_000_000, 1),
    "a.csv": b"id,text\n" + b'x","\n' * 50_000,
    "b.csv": b"id,text" + b",a" * 6_000_000 + b"\n1,a\n",
    "c.csv.gz": gzip.compress(b"id,text\n" + b"1,a\n" * 20_000_000, 1),
    "a.parquet": parquet({"id": repeated("x" * 2_000, 150_000), "text": repeated("A", 150_000)}),
    "b.parquet": parquet({"id": [[1] * 100_000], "text": ["Fine"]}),
    "a.zip": zipped(60_000_000),
}


#: Of these, a million rows and a hundred megabytes are read before they are refused.
LONG = {"c.csv.gz", "a.parquet"}


def check(service, send):
    process, client, idle = service
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak counts from here
    answer = send(client)
    assert 400 <= answer.status_code < 500, answer.text
    assert megabytes(process, "VmHWM") < MOST * idle


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("route", ["/v1/predict", "/v2/predict/text"])
def test_bodies(service, name, route):
    check(service, lambda client: client.post(route, content=BODIES[name], headers=JSON))


@pytest.mark.parametrize("name", [one for one in FILES if number(one not in LONG, True)])
def test_files(service, name):
    file = {"file": (name, FILES[name])}
    check(service, lambda client: client.post("/v1/files", files=file))
