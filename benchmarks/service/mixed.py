"""The service under mixed load: many clients, every route, a third of what they send unusable.

Run from the root of the checkout: `python -m benchmarks.service.mixed`.
"""

from __future__ import annotations

import asyncio
import http.client
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from typing import Any, NamedTuple

import fire
import numpy as np
import pandas as pd

from benchmarks.machine import machine
from benchmarks.records import RESULTS, SAMPLE, write_json
from benchmarks.service.requests import Ask, asks
from benchmarks.service.running import Client, Memory, service

OUTPUT = RESULTS / "mixed.json"
PACKAGES = ("torch", "fastapi", "starlette", "uvicorn")
#: Share of the load before memory is measured: threads and allocators reach their size.
WARM_UP = 0.15
HEALTH_SECONDS = 0.05
#: A client that is asked to come back later waits for so many seconds.
PAUSE_SECONDS = 0.2
#: Answers to requests that cannot be served now, or ever.
BUSY = 503


class Answered(NamedTuple):
    """A request, the seconds until its answer, and its status; 0 for none."""

    ask: Ask
    seconds: float
    status: int


def main(
    clients: int = 32, seconds: float = 600, detector: str = "fast", output: str = str(OUTPUT)
) -> None:
    """Measure, print, write json.

    Args:
        clients: each sends its next request as soon as it is answered.
        seconds: of load, the warm-up included.
        detector: fast, standard or a folder.
        output: the json file.
    """
    round_of_asks = asks(pd.read_csv(SAMPLE)["text"].tolist())
    with (
        tempfile.TemporaryDirectory() as folder,
        service(detector, folder) as (process, host, port),
    ):
        asyncio.run(_ready(host, port))
        memory, health = Memory(process.pid), Health(host, port)
        start = time.perf_counter()
        answers = asyncio.run(load(host, port, round_of_asks, clients, seconds))
        longest = health.stop()
        resident = memory.stop(start + WARM_UP * seconds)
        process.send_signal(signal.SIGTERM)
        code = process.wait(120)
    record = {
        "machine": machine(PACKAGES),
        "detector": detector,
        "clients": clients,
        "seconds": seconds,
        **figures(answers, seconds),
        "health_longest_ms": round(1000 * longest, 1),
        **resident,
        "exit_code": code,
    }
    for name, value in record.items():
        print(f"{name:<28} {value}")
    write_json(output, record)


async def _ready(host: str, port: int) -> None:
    while (await Client(host, port).get("/readyz")).status != 200:
        await asyncio.sleep(0.2)


async def load(
    host: str, port: int, round_of_asks: list[Ask], clients: int, seconds: float
) -> list[Answered]:
    """Send requests for some seconds, each client in an order of its own."""
    end = time.perf_counter() + seconds
    answers: list[Answered] = []

    async def send_requests(number: int) -> None:
        draw, client = random.Random(number), Client(host, port)
        while time.perf_counter() < end:
            for ask in draw.sample(round_of_asks, len(round_of_asks)):
                if time.perf_counter() >= end:
                    return
                if ask.hang_up:
                    await client.hang_up(ask.method, ask.path, ask.body)
                    continue
                sent = time.perf_counter()
                answer = await client.send(ask.method, ask.path, ask.body, ask.headers)
                answers.append(Answered(ask, time.perf_counter() - sent, answer.status))
                if answer.status == BUSY:
                    await asyncio.sleep(PAUSE_SECONDS)
                if answer.status == 202:
                    await _fetch(client, answer.location, ask, answers)

    await asyncio.gather(*(send_requests(number) for number in range(clients)))
    return answers


async def _fetch(client: Client, location: str, ask: Ask, answers: list[Answered]) -> None:
    """Wait for the results of a job, get them, and remove it."""
    results = ask._replace(kind="results of a job")
    begin = time.perf_counter()
    while (status := (await client.get(f"{location}/results")).status) == 409:
        await asyncio.sleep(1)
    answers.append(Answered(results, time.perf_counter() - begin, status))
    await client.send("DELETE", location)


class Health:
    """Asks whether the service is alive, on a connection of its own, in a thread."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=60)
        self._longest = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> float:
        """Seconds of the slowest answer."""
        self._ended.set()
        self._thread.join()
        return self._longest

    def _run(self) -> None:
        while not self._ended.wait(HEALTH_SECONDS):
            begin = time.perf_counter()
            self._connection.request("GET", "/healthz")
            self._connection.getresponse().read()
            self._longest = max(self._longest, time.perf_counter() - begin)


def is_error(one: Answered) -> bool:
    """Whether a request was answered as it must not be."""
    if one.status == BUSY:
        return False
    return one.status not in (200, 202, 204) if one.ask.good else not 400 <= one.status < 500


def figures(answers: list[Answered], seconds: float) -> dict[str, Any]:
    """Statuses and errors, and latencies (ms) of answered good requests, together and by kind."""
    good = [one for one in answers if one.ask.good and one.status in (200, 202)]
    kinds = sorted({one.ask.kind for one in good})
    return {
        "requests": len(answers),
        "requests_per_second": round(len(answers) / seconds, 2),
        "answers": dict(sorted(Counter(str(one.status) for one in answers).items())),
        "errors": sum(map(is_error, answers)),
        "errors_by_kind": dict(
            Counter(f"{one.ask.kind}: {one.status}" for one in answers if is_error(one))
        ),
        "p50_ms": _percentile(good, 50),
        "p99_ms": _percentile(good, 99),
        "p99_ms_refused": _percentile([one for one in answers if not one.ask.good], 99),
        "p99_ms_by_kind": {
            kind: _percentile([one for one in good if one.ask.kind == kind], 99) for kind in kinds
        },
    }


def _percentile(answers: list[Answered], percent: float) -> float:
    return round(1000 * float(np.percentile([one.seconds for one in answers], percent)), 1)


if __name__ == "__main__":
    fire.Fire(main)
