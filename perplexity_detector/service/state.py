"""State of a running service: settings, the worker thread, the engine once it is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request

from perplexity_detector.logs import get_logger, timed
from perplexity_detector.service.detectors import Detectors, kind_of
from perplexity_detector.service.jobs import JobStore
from perplexity_detector.service.metrics import Metrics
from perplexity_detector.service.micro_batching import (
    Batch,
    BatchQueue,
    QueueFullError,
    estimate_tokens,
)
from perplexity_detector.service.middleware import ClientGoneError
from perplexity_detector.service.problem_details import Problem
from perplexity_detector.service.settings import Settings

if TYPE_CHECKING:
    from perplexity_detector.service.engine import Engine

#: `Retry-After` while the detector is loading, in seconds.
LOADING_SECONDS = 5


class ServiceState:
    """State of a service from its start to its end.

    Args:
        settings: limits.
        load: returns the engine; called once, in the worker thread.
        failed: called with the exception if `load` raises.
        data: the folder of the log.

    Attributes:
        engine: of the default detector; None until it is loaded.
        detectors: all that can be asked.
        queue: in front of the worker thread; None until the engine is loaded.
        jobs: files that are scored in the background.
        metrics: for Prometheus.
    """

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Engine],
        failed: Callable[[BaseException], None],
        data: Path,
    ) -> None:
        self.settings = settings
        self.data = data
        self.metrics = Metrics()
        self.engine: Engine | None = None
        self.detectors = Detectors(data, settings.max_recalibrated_detectors)
        self.queue: BatchQueue | None = None
        self.jobs = JobStore(settings.max_jobs, settings.job_seconds, settings.client_share)
        self._load = load
        self._failed = failed
        # the only thread that uses torch, the trees and the tokenizer
        self._worker = ThreadPoolExecutor(1, "reading")
        self._running: asyncio.Task[None] | None = None
        add_gauge = self.metrics.add_gauge
        add_gauge("ready", "1 once the detector is loaded.", lambda: float(self.queue is not None))
        add_gauge("queue_texts", "Texts in the queue.", lambda: self._waiting()[0])
        add_gauge("queue_tokens", "Estimated tokens in the queue.", lambda: self._waiting()[1])
        add_gauge("jobs", "Jobs that are kept.", lambda: len(self.jobs))

    async def start(self) -> None:
        """Start to load the engine; return at once."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop: cancel jobs, and wait for the batch that is being processed."""
        await asyncio.to_thread(self.jobs.close)
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await asyncio.to_thread(self._worker.shutdown)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            with timed(get_logger(), "loading"):
                engine = await loop.run_in_executor(self._worker, self._load)
                await loop.run_in_executor(self._worker, self.detectors.load, engine)
        except Exception as error:
            self._failed(error)
            return
        settings = self.settings
        self.engine = engine
        self.queue = BatchQueue(
            self.detectors.handlers, self._worker, engine.batch_tokens(settings.batch_tokens),
            settings.queue_tokens, settings.gather_seconds, self._read,
        )  # fmt: skip
        self.jobs.open(loop, self.queue)
        get_logger().info("ready: %s", engine.name)
        await self.queue.run()

    def ready(self) -> tuple[Engine, BatchQueue]:
        """Return engine and queue.

        Raises:
            Problem: 503, the detector is still loading.
        """
        if self.engine is None or self.queue is None:
            raise Problem(
                503, "The detector is loading; try again soon.", retry_after=LOADING_SECONDS
            )
        return self.engine, self.queue

    def find(self, name: str | None) -> Engine:
        """Return the engine of a detector; None is the default one.

        Raises:
            Problem: 503, the detector is still loading.
            InputError: there is no detector of this name.
        """
        self.ready()
        return self.detectors.find(name)

    def run_in_worker(self, function: Callable[[], None]) -> Future[None]:
        """Run a function between the batches of the queue."""
        return self._worker.submit(function)

    async def submit(
        self, request: Request, kind: str, texts: Sequence[str], engine: Engine
    ) -> list[Any]:
        """Return the results of a request's texts; a client that leaves cancels them.

        Raises:
            Problem: too many or too long texts, a full queue, or the detector is loading.
            ClientGoneError: the client has gone.
        """
        _, queue = self.ready()
        self._check(texts)
        submitted = asyncio.create_task(queue.submit(self.detectors.key(engine, kind), texts))
        return await cancel_on_disconnect(request, submitted)

    def check_number(self, texts: int) -> None:
        """Check the number of texts of one request.

        Raises:
            Problem: 422, there are too many.
        """
        limit = self.settings.max_texts
        if texts > limit:
            raise Problem(
                422,
                f"{texts} texts are too many: send at most {limit} at once, "
                "or a file to /v1/files.",
            )

    def _check(self, texts: Sequence[str]) -> None:
        settings = self.settings
        self.check_number(len(texts))
        for number, text in enumerate(texts, start=1):
            if len(text) > settings.max_characters:
                raise Problem(
                    422,
                    f"Text {number} has {len(text):,} characters: "
                    f"send at most {settings.max_characters:,}.",
                )
        if sum(map(estimate_tokens, texts)) > settings.queue_tokens:
            raise Problem(
                413, "These texts are too much at once: send fewer, or a file to /v1/files."
            )

    def _waiting(self) -> tuple[int, int]:
        return self.queue.waiting() if self.queue else (0, 0)

    def _read(self, batch: Batch) -> None:
        self.metrics.read(kind_of(batch.kind), batch.texts, batch.tokens, batch.seconds)


async def cancel_on_disconnect(request: Request, task: asyncio.Task[list[Any]]) -> list[Any]:
    """Return a task's result; if the client leaves first, cancel the task.

    Raises:
        Problem: 503, the queue is full.
        ClientGoneError: the client has gone.
    """
    gone = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGoneError
    except QueueFullError as full:
        raise Problem(
            503, "The queue is full; try again later.", retry_after=full.retry_after
        ) from None
    finally:
        task.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    """Return when the client has closed the connection; the body has been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
