"""The service under load from many clients, compared with `predict` on the same essays.

Run from the root of the checkout: `python -m benchmarks.service`.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle, permutations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.machine import machine
from benchmarks.records import RESULTS, SAMPLE, write_json
from benchmarks.service.running import Client, Memory, service
from perplexity_detector.text import crop, words

OUTPUT = RESULTS / "load.json"
PERCENTILES = (50, 95, 99)
PACKAGES = ("torch", "fastapi", "starlette", "uvicorn")
#: Share of the load before anything is counted: threads and memory reach their size.
WARM_UP = 0.15


class Sent(NamedTuple):
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


# --- load -----------------------------------------------------------------------------------


async def load(
    host: str, port: int, texts: list[str], clients: int, seconds: float
) -> tuple[list[Sent], float]:
    """Send requests for some seconds after a warm-up.

    Returns:
        All answers, and the time at which measuring begins.
    """
    bodies = cycle([json.dumps({"text": text}).encode() for text in texts])
    while (await Client(host, port).get("/readyz")).status != 200:
        await asyncio.sleep(0.2)
    start = time.perf_counter() + seconds * WARM_UP
    end = start + seconds
    answers: list[Sent] = []

    async def send_requests() -> None:
        client = Client(host, port)
        while time.perf_counter() < end:
            sent = time.perf_counter()
            status = (await client.post("/v1/predict", next(bodies))).status
            answers.append(Sent(sent, time.perf_counter() - sent, status))
            if status == 503:
                await asyncio.sleep(0.1)

    await asyncio.gather(*(send_requests() for _ in range(clients)))
    return answers, start


def figures(answers: list[Sent], seconds: float) -> dict[str, Any]:
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
