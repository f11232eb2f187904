"""Jobs: files that are scored in the background, limited in number and removed after a while."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from perplexity_detector.errors import PerplexityDetectorError
from perplexity_detector.io.results_writer import ResultsWriter
from perplexity_detector.logs import get_logger
from perplexity_detector.service.micro_batching import BatchQueue
from perplexity_detector.service.problem_details import OUR_FAULT, sentence
from perplexity_detector.service.temporary_folder import TemporaryFolder
from perplexity_detector.service.uploads import Readable

#: Jobs that run at once; they share one worker, so that more would not be faster.
THREADS = 2
RECEIVING, WAITING, RUNNING, DONE, FAILED = (
    "receiving",
    "waiting",
    "running",
    "done",
    "failed",
)
#: Takes `probability` and `tokens` of a job's texts once all are assessed.
Finish = Callable[[pd.DataFrame], None]
_ID = re.compile(r"[A-Za-z0-9_-]{22}")


#: States in which a job still has work to do.
UNFINISHED = (WAITING, RUNNING)


class TooManyJobsError(Exception):
    """The limit of jobs is reached, or one client's share; the argument is a sentence."""


class Job:
    """One file, its progress and its results.

    Attributes:
        id: 128 random bits; knowing it gives access to the job.
        client: address of who sent it.
        folder: its own folder, which holds the results; what was sent has no name there.
        state: receiving, waiting, running, done or failed.
        rows: number of the file's rows.
        rows_done: number of rows scored so far.
        detail: why it failed, a sentence.
        error_status: HTTP status of that failure: 422 for an error in the file, otherwise 500.
        ended: set when it is done, failed or cancelled.
        asked_for_later: whether its client comes back for the results; the request that made it
            does not wait for them.
        running: the future of its thread.
    """

    def __init__(self, folder: Path, client: str) -> None:
        self.client = client
        self._kind = "file"
        self._finish: Finish | None = None
        self.id = secrets.token_urlsafe(16)
        self.folder = folder / self.id
        self.folder.mkdir(mode=0o700)
        self.state = RECEIVING
        self.rows = self.rows_done = 0
        self.detail = ""
        self.error_status = 422
        self.asked_for_later = False
        self.ended = asyncio.Event()
        self._cancelled = threading.Event()
        self.running: Future[None] | None = None
        self._submitted: Future[list[Any]] | None = None

    @property
    def results(self) -> Path:
        """Path of the results as csv, which exists once the job is done."""
        return self.folder / "results.csv"

    def cancel(self) -> None:
        """Cancel the job, from any thread."""
        self._cancelled.set()
        if self.running is not None:
            self.running.cancel()  # has an effect only while it waits for a thread
        if self._submitted is not None:
            self._submitted.cancel()

    def prepare(self, kind: str, finish: Finish | None = None) -> None:
        """Choose what the job does, before it begins.

        Args:
            kind: key of the queue's handler, which gives the rows of `assess`.
            finish: called with all rows that were assessed, in the job's thread; the job is done
                when it returns.
        """
        self._kind, self._finish = kind, finish

    def run(self, upload: Readable, loop: asyncio.AbstractEventLoop, queue: BatchQueue) -> None:
        """Score the file, in a thread of its own; the queue belongs to the event loop."""
        from perplexity_detector.pipelines.predict import DETAILS, DOCUMENT_DETAILS, score

        self.state = RUNNING
        assessor = QueuedAssessor(self, loop, queue, keep=self._finish is not None)
        try:
            columns = DOCUMENT_DETAILS if upload.documents else DETAILS
            with ResultsWriter(self.results, columns) as results:
                for chunk in upload.chunks():
                    results.write(score(chunk, assessor, why=True))
                    self.rows_done += len(chunk)
            if self._finish is not None:
                self._finish(pd.concat(assessor.kept))
            self.state = DONE
        except PerplexityDetectorError as error:
            self.detail = sentence(error)
            self.state = FAILED
        except Exception as error:
            self.state = FAILED
            if not self._cancelled.is_set():
                self.detail, self.error_status = OUR_FAULT, 500
                # the exception's message can hold a text
                frames = "".join(traceback.format_tb(error.__traceback__))
                get_logger().error("a job failed: %s\n%s", type(error).__name__, frames)
        finally:
            upload.close()

    def submit(
        self, texts: Sequence[str], loop: asyncio.AbstractEventLoop, queue: BatchQueue
    ) -> list[Any]:
        """Queue texts and wait for their rows in this thread; raise if the job is cancelled."""
        submitted = asyncio.run_coroutine_threadsafe(
            queue.submit(self._kind, texts, bounded=False), loop
        )
        self._submitted = submitted
        if self._cancelled.is_set():
            submitted.cancel()
        return submitted.result()


class QueuedAssessor:
    """An assessor whose texts are queued with those of requests.

    Attributes:
        kept: probability and tokens of all texts, if they are to be kept.
    """

    def __init__(
        self, job: Job, loop: asyncio.AbstractEventLoop, queue: BatchQueue, keep: bool = False
    ) -> None:
        self._job, self._loop, self._queue = job, loop, queue
        self._keep = keep
        self.kept: list[pd.DataFrame] = [pd.DataFrame({"probability": [], "tokens": []})]

    def assess(self, texts: Iterable[str], why: bool = True) -> pd.DataFrame:
        """Like `ExplainableClassifier.assess`."""
        assessed = pd.DataFrame(self._job.submit(list(texts), self._loop, self._queue))
        if self._keep:
            self.kept.append(assessed[["probability", "tokens"]])
        return assessed


class JobStore:
    """The jobs of a service, in a temporary folder that is removed with it.

    All methods but `close` are called in the event loop.

    Args:
        max_jobs: places for jobs that were received, finished ones included; files that are still
            received have as many of their own.
        keep_seconds: how long a finished job is kept.
        client_share: share of the places that one client may take, in (0, 1].

    Attributes:
        folder: holds a folder for each job; only the service's user has access.
    """

    def __init__(self, max_jobs: int, keep_seconds: float, client_share: float = 1.0) -> None:
        self._max_jobs = max_jobs
        self._max_of_client = max(1, int(max_jobs * client_share))
        self.keep_seconds = keep_seconds
        self._jobs: dict[str, Job] = {}
        self._threads = ThreadPoolExecutor(THREADS, "files")
        self._temporary = TemporaryFolder()
        self.folder = self._temporary.path

    def __len__(self) -> int:
        """Number of jobs, finished ones included."""
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        """Iterate over all jobs, finished ones included."""
        return iter(list(self._jobs.values()))

    def open(self, loop: asyncio.AbstractEventLoop, queue: BatchQueue) -> None:
        """Accept jobs from now on; their texts go to the queue."""
        self._loop, self._queue = loop, queue

    def new(self, client: str) -> Job:
        """Make a job whose file is still to be received.

        Args:
            client: address of who sends it.

        Raises:
            TooManyJobsError: the client, or all of them, receive or wait for too many.
        """
        self._require_place(client, (RECEIVING,))
        self._require_place(client, UNFINISHED)
        job = Job(self.folder, client)
        self._jobs[job.id] = job
        return job

    def find(self, job_id: str) -> Job | None:
        """Find a job whose file has been received; None if there is none with this id."""
        job = self._jobs.get(job_id) if _ID.fullmatch(job_id) else None
        return job if job is not None and job.state != RECEIVING else None

    def begin(self, job: Job, upload: Readable) -> None:
        """Score the job's file once a thread is free; remove it `keep_seconds` after its end.

        The oldest finished job makes room for it, if there is none: that of the client who has
        most of them.

        Raises:
            TooManyJobsError: others have begun meanwhile.
        """
        self._require_place(job.client, UNFINISHED)
        self._make_room()
        job.rows = upload.rows
        job.state = WAITING
        job.running = self._threads.submit(job.run, upload, self._loop, self._queue)
        job.running.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._end, job))

    def remove(self, job: Job) -> None:
        """Cancel a job and remove its files."""
        job.cancel()
        if self._jobs.pop(job.id, None) is not None and job.state not in (WAITING, RUNNING):
            shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """Cancel all jobs and remove the folder."""
        for job in self:
            job.cancel()
        self._threads.shutdown(cancel_futures=True)
        self._temporary.remove()

    def _require_place(self, client: str, states: Collection[str]) -> None:
        clients = [job.client for job in self if job.state in states]
        if clients.count(client) >= self._max_of_client:
            raise TooManyJobsError("Your files are not finished; send more when some are.")
        if len(clients) >= self._max_jobs:
            raise TooManyJobsError("The limit of files is reached; try again later.")

    def _make_room(self) -> None:
        received = [job for job in self if job.state != RECEIVING]
        if len(received) < self._max_jobs:
            return
        finished = [job for job in received if job.ended.is_set() and job.asked_for_later]
        if not finished:
            raise TooManyJobsError("The limit of files is reached; try again later.")
        held = Counter(job.client for job in finished)
        self.remove(max(finished, key=lambda job: held[job.client]))  # the first, which is oldest

    def _end(self, job: Job) -> None:
        job.ended.set()
        if job.id in self._jobs:
            self._loop.call_later(self.keep_seconds, self.remove, job)
        else:  # it was removed while it ran
            shutil.rmtree(job.folder, ignore_errors=True)
