"""A running service: its process, a client, and its memory."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

SAMPLE_SECONDS = 0.5


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


class Answer(NamedTuple):
    """Status of an answer, 0 for none, and where it says that the result will be."""

    status: int
    location: str = ""


class Client:
    """One connection, kept alive; plain sockets, to take little time from the service."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> Answer:
        """The answer to a request without a body."""
        return await self.send("GET", path)

    async def post(self, path: str, body: bytes) -> Answer:
        """The answer to a request with JSON."""
        return await self.send("POST", path, body, {"Content-Type": "application/json"})

    async def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to any request."""
        request = self._head(method, path, len(body), headers or {}) + body
        try:
            if self._streams is not None and self._streams[0].at_eof():
                self.close()  # the service has closed it: nothing was asked for five seconds
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._streams
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"^content-length: (\d+)", head, re.M | re.I)
            await reader.readexactly(int(length[1]) if length else 0)
            if "connection: close" in head.lower():
                self.close()
            location = re.search(r"^location: (\S+)", head, re.M | re.I)
            return Answer(int(head.split()[1]), location[1] if location else "")
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return Answer(0)

    async def hang_up(self, method: str, path: str, body: bytes) -> None:
        """Send a request's first half, and close the connection."""
        with suppress(OSError):
            _, writer = await asyncio.open_connection(self._host, self._port)
            writer.write(self._head(method, path, len(body), {}) + body[: len(body) // 2])
            await writer.drain()
            writer.close()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None

    def _head(self, method: str, path: str, length: int, headers: Mapping[str, str]) -> bytes:
        fields = {"Host": self._host, "Content-Length": str(length), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


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
