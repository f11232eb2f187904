"""Files that are scored in the background: bounded in number, cancellable, gone after a while."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import tempfile
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from perplexity_detector.errors import PerplexityDetectorError
from perplexity_detector.io.results_writer import ResultsWriter
from perplexity_detector.logs import get_logger
from perplexity_detector.service.micro_batching import BatchQueue
from perplexity_detector.service.problem_details import OUR_FAULT, sentence
from perplexity_detector.service.uploads import NAME, Upload

#: Jobs that run at once; they share the worker, so more would not be quicker.
THREADS = 2
RECEIVING, WAITING, RUNNING, DONE, FAILED = (
    "receiving",
    "waiting",
    "running",
    "done",
    "failed",
)
_ID = re.compile(r"[A-Za-z0-9_-]{22}")


class TooManyJobsError(Exception):
    """As many jobs are kept as may be."""


class Job:
    """One file: where it lies, how far it is, what came of it.

    Attributes:
        id: 128 random bits; who knows it may see the job.
        folder: its own; holds the file until it is scored, then the results.
        state: receiving, waiting, running, done or failed.
        rows: of the file.
        rows_done: scored so far.
        detail: why it failed, a sentence.
        blame: HTTP's status for that: 422 where the file is wrong, 500 where we are.
        ended: is set when it is done, failed or cancelled.
        running: its thread's.
    """

    def __init__(self, folder: Path) -> None:
        self.id = secrets.token_urlsafe(16)
        self.folder = folder / self.id
        self.folder.mkdir(mode=0o700)
        self.state = RECEIVING
        self.rows = self.rows_done = 0
        self.detail = ""
        self.error_status = 422
        self.ended = asyncio.Event()
        self._cancelled = threading.Event()
        self.running: Future[None] | None = None
        self._asked: Future[list[Any]] | None = None

    @property
    def results(self) -> Path:
        """The csv of results, once it is done."""
        return self.folder / "results.csv"

    def cancel(self) -> None:
        """Stop it where it is; from any thread."""
        self._cancelled.set()
        if self.running is not None:
            self.running.cancel()  # which only one that waits for a thread lets happen
        if self._asked is not None:
            self._asked.cancel()

    def run(self, upload: Upload, loop: asyncio.AbstractEventLoop, queue: BatchQueue) -> None:
        """Score the file, in a thread of its own; the queue is the loop's."""
        from perplexity_detector.pipelines.predict import DETAILS, score

        self.state = RUNNING
        try:
            with ResultsWriter(self.results, DETAILS) as results:
                for chunk in upload.chunks():
                    results.write(score(chunk, QueuedAssessor(self, loop, queue), why=True))
                    self.rows_done += len(chunk)
            self.state = DONE
        except PerplexityDetectorError as error:
            self.detail = sentence(error, {str(upload.path): NAME})
            self.state = FAILED
        except Exception as error:
            self.state = FAILED
            if not self._cancelled.is_set():
                self.detail, self.error_status = OUR_FAULT, 500
                # the exception's own words can hold a text
                frames = "".join(traceback.format_tb(error.__traceback__))
                get_logger().error("a job failed: %s\n%s", type(error).__name__, frames)
        finally:
            upload.path.unlink(missing_ok=True)

    def ask(
        self, texts: Sequence[str], loop: asyncio.AbstractEventLoop, queue: BatchQueue
    ) -> list[Any]:
        """The rows of texts, waited for in this thread; raises if the job is cancelled."""
        asked = asyncio.run_coroutine_threadsafe(queue.submit("file", texts, bounded=False), loop)
        self._asked = asked
        if self._cancelled.is_set():
            asked.cancel()
        return asked.result()


class QueuedAssessor:
    """A detector whose texts take their turn with those of requests."""

    def __init__(self, job: Job, loop: asyncio.AbstractEventLoop, queue: BatchQueue) -> None:
        self._job, self._loop, self._queue = job, loop, queue

    def assess(self, texts: Iterable[str], why: bool = True) -> pd.DataFrame:
        """As `ExplainableClassifier.assess`."""
        return pd.DataFrame(self._job.ask(list(texts), self._loop, self._queue))


class JobStore:
    """All jobs of a service, in a temporary folder that goes with it.

    Its methods are called in the event loop, but for `close`.

    Args:
        most: jobs kept, finished ones too.
        keep_seconds: how long a finished one is kept.

    Attributes:
        folder: with one folder a job; only the service's user may enter.
    """

    def __init__(self, most: int, keep_seconds: float) -> None:
        self._most = most
        self.keep_seconds = keep_seconds
        self._jobs: dict[str, Job] = {}
        self._threads = ThreadPoolExecutor(THREADS, "files")
        self.folder = Path(tempfile.mkdtemp(prefix="perplexity-detector-"))

    def __len__(self) -> int:
        """Jobs that are kept."""
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        """The jobs that are kept."""
        return iter(list(self._jobs.values()))

    def open(self, loop: asyncio.AbstractEventLoop, queue: BatchQueue) -> None:
        """Begin to take jobs, whose texts go to the queue."""
        self._loop, self._queue = loop, queue

    def new(self) -> Job:
        """A job whose file is still to be received.

        Raises:
            TooManyJobsError: as many are kept as may be.
        """
        if len(self._jobs) >= self._most:
            raise TooManyJobsError
        job = Job(self.folder)
        self._jobs[job.id] = job
        return job

    def find(self, name: str) -> Job | None:
        """The job of this id that was begun; None for whatever else is asked for."""
        job = self._jobs.get(name) if _ID.fullmatch(name) else None
        return job if job is not None and job.state != RECEIVING else None

    def begin(self, job: Job, upload: Upload) -> None:
        """Score the job's file when a thread is free; it is removed some time after its end."""
        job.rows = upload.rows
        job.state = WAITING
        job.running = self._threads.submit(job.run, upload, self._loop, self._queue)
        job.running.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._end, job))

    def remove(self, job: Job) -> None:
        """Cancel a job, and take away all it left."""
        job.cancel()
        if self._jobs.pop(job.id, None) is not None and job.state not in (WAITING, RUNNING):
            shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """Cancel all jobs and take the folder away."""
        for job in self:
            job.cancel()
        self._threads.shutdown(cancel_futures=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, job: Job) -> None:
        job.ended.set()
        if job.id in self._jobs:
            self._loop.call_later(self.keep_seconds, self.remove, job)
        else:  # it was removed while it ran
            shutil.rmtree(job.folder, ignore_errors=True)
