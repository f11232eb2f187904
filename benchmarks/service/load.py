"""The service under load from many clients, compared with `predict` on the same essays.

Run from the root of the checkout: `python -m benchmarks.service`.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, permutations
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.machine import machine
from benchmarks.records import RESULTS, SAMPLE, write_json
from perplexity_detector.text import crop, words

OUTPUT = RESULTS / "load.json"
PERCENTILES = (50, 95, 99)
PACKAGES = ("torch", "fastapi", "starlette", "uvicorn")
SAMPLE_SECONDS = 0.5
#: Share of the load before anything is counted: threads and memory reach their size.
WARM_UP = 0.15


class Answer(NamedTuple):
    """When a request was sent, how long its answer took (seconds), and its status; 0 for none."""

    sent: float
    seconds: float
    status: int


def main(
    clients: int = 32,
    seconds: float = 60,
    essays: int = 200,
    length: int = 300,
    detector: str = "fast",
    dataset: str = str(SAMPLE),
    output: str = str(OUTPUT),
) -> None:
    """Measure, print, write json.

    Args:
        clients: number of clients; each sends its next request as soon as it is answered.
        seconds: of load that are measured.
        essays: number of distinct essays sent, and rows of the file.
        length: words of an essay.
        detector: fast, standard or a folder.
        dataset: a csv with the texts of which the essays are made.
        output: the json file.
    """
    texts = joined(pd.read_csv(dataset), essays, length)
    with tempfile.TemporaryDirectory() as folder:
        before = predict_rate(texts, detector, folder)
        with service(detector, folder) as (process, host, port):
            memory = Memory(process.pid)
            answers, start = asyncio.run(load(host, port, texts, clients, seconds))
            resident = memory.stop(start)
            process.send_signal(signal.SIGTERM)
            code = process.wait(120)
        after = predict_rate(texts, detector, folder)
    counted = [one for one in answers if start <= one.sent + one.seconds <= start + seconds]
    found = figures(counted, seconds)
    rate = float(np.mean([before, after]))
    record = {
        "machine": machine(PACKAGES),
        "detector": detector,
        "clients": clients,
        "seconds": seconds,
        "words": round(float(np.mean([len(words(text)) for text in texts])), 1),
        **found,
        "exit_code": code,
        "predict_texts_per_second": [round(before, 2), round(after, 2)],
        "share_of_predict": round(found["texts_per_second"] / rate, 3),
        **resident,
    }
    for name, value in record.items():
        print(f"{name:<28} {value}")
    write_json(output, record)


def joined(frame: pd.DataFrame, essays: int, length: int) -> list[str]:
    """Texts of whole sentences and about `length` words, each joined from two of one class."""
    made = []
    pairs = [permutations(group, 2) for _, group in frame.groupby("generated")["text"]]
    for first, second in (pair for together in zip(*pairs, strict=False) for pair in together):
        made.append(crop(f"{first}\n\n{second}", length))
    if len(made) < essays:
        raise SystemExit(f"The dataset yields {len(made)} essays: use --essays={len(made)}.")
    return made[:essays]


# --- predict --------------------------------------------------------------------------------


def predict_rate(texts: list[str], detector: str, folder: str) -> float:
    """Texts a second of the command on a file, less its start-up time."""
    short = predict_seconds(texts[:1], detector, folder)
    return (len(texts) - 1) / (predict_seconds(texts, detector, folder) - short)


def predict_seconds(texts: list[str], detector: str, folder: str) -> float:
    """Wall-clock time of the command on a file of these texts."""
    file = Path(folder) / "essays.csv"
    pd.DataFrame({"id": range(len(texts)), "text": texts}).to_csv(file, index=False)
    command = [sys.executable, "-m", "perplexity_detector", "predict"]
    start = time.perf_counter()
    subprocess.run(
        [*command, f"--dataset={file}", f"--detector={detector}"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - start


# --- service --------------------------------------------------------------------------------


@contextmanager
def service(detector: str, folder: str) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """Run the command `serve` on a free port; yield process, host and port once it listens."""
    command = [sys.executable, "-m", "perplexity_detector", "serve", "--port=0"]
    process = subprocess.Popen(
        [*command, f"--detector={detector}"], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://([\d.]+):(\d+)", line)
        if found is None:
            raise SystemExit(line + process.stderr.read())
        yield process, found[1], int(found[2])
    finally:
        process.kill()
        process.wait()


async def load(
    host: str, port: int, texts: list[str], clients: int, seconds: float
) -> tuple[list[Answer], float]:
    """Send requests for some seconds after a warm-up.

    Returns:
        All answers, and the time at which measuring begins.
    """
    bodies = cycle([json.dumps({"text": text}).encode() for text in texts])
    while (await Client(host, port).get("/readyz")) != 200:
        await asyncio.sleep(0.2)
    start = time.perf_counter() + seconds * WARM_UP
    end = start + seconds
    answers: list[Answer] = []

    async def send_requests() -> None:
        client = Client(host, port)
        while time.perf_counter() < end:
            sent = time.perf_counter()
            status = await client.post("/v1/predict", next(bodies))
            answers.append(Answer(sent, time.perf_counter() - sent, status))
            if status == 503:
                await asyncio.sleep(0.1)

    await asyncio.gather(*(send_requests() for _ in range(clients)))
    return answers, start


class Client:
    """One connection, kept alive; plain sockets, to take little time from the service."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> int:
        """The status of the answer."""
        return await self._request(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())

    async def post(self, path: str, body: bytes) -> int:
        """The status of the answer; 0 without an answer."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return await self._request(head.encode() + body)

    async def _request(self, request: bytes) -> int:
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._streams
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = re.search(r"^content-length: (\d+)", head, re.M)
            await reader.readexactly(int(length[1]) if length else 0)
            if "connection: close" in head:
                writer.close()
                self._streams = None
            return int(head.split()[1])
        except (OSError, asyncio.IncompleteReadError):
            self._streams = None
            return 0


class Memory:
    """Resident memory of a process, sampled in a thread."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._samples: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self, start: float) -> dict[str, float]:
        """Median MB in the first and the last quarter of the load, and the peak."""
        self._ended.set()
        self._thread.join()
        sizes = [size for when, size in self._samples if when >= start]
        quarter = max(1, len(sizes) // 4)
        return {
            "memory_first_quarter_mb": round(median(sizes[:quarter]), 1),
            "memory_last_quarter_mb": round(median(sizes[-quarter:]), 1),
            "memory_peak_mb": round(max(size for _, size in self._samples), 1),
        }

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            resident = re.search(r"VmRSS:\s+(\d+) kB", self._status.read_text())
            if resident:
                self._samples.append((time.perf_counter(), int(resident[1]) / 1024))


def figures(answers: list[Answer], seconds: float) -> dict[str, Any]:
    """Statuses, errors, latencies (ms) and texts a second of the answers of some seconds."""
    good = [one.seconds for one in answers if one.status == 200]
    statuses = Counter(one.status for one in answers)
    return {
        "answers": {str(status): count for status, count in sorted(statuses.items())},
        "errors": sum(count for status, count in statuses.items() if status not in (200, 503)),
        **{
            f"p{percent}_ms": round(1000 * float(np.percentile(good, percent)), 1)
            for percent in PERCENTILES
        },
        "texts_per_second": round(len(good) / seconds, 2),
    }
