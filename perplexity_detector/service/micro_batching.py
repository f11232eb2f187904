"""Micro-batching: texts of concurrent requests are processed together, in one thread."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

#: Initial estimate of tokens processed a second.
FIRST_RATE = 1000.0
#: Bytes of a token in English text; tokenising would block the event loop.
BYTES_PER_TOKEN = 4


class Handler(NamedTuple):
    """Processes the texts of one kind of request.

    Attributes:
        function: from texts to one result each, in order.
        batchable: whether texts are processed in batches; if not, one at a time.
    """

    function: Callable[[list[str]], Sequence[Any]]
    batchable: bool = True


class QueueFullError(Exception):
    """The queue's limit is exceeded.

    Attributes:
        retry_after: estimated seconds until there is room.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class Batch(NamedTuple):
    """Statistics of a batch: kind of request, number of texts, estimated tokens, seconds."""

    kind: str
    texts: int
    tokens: int
    seconds: float


class _Request:
    """The texts of one request, how many were taken from the queue, and their results."""

    def __init__(self, kind: str, texts: Sequence[str], future: asyncio.Future[list[Any]]) -> None:
        self.kind = kind
        self.texts = texts
        self.sizes = [estimate_tokens(text) for text in texts]
        self.future = future
        self.taken = 0
        self.waiting = sum(self.sizes)
        self._results: list[Any] = [None] * len(texts)
        self._missing = len(texts)

    def next_index(self) -> int:
        """Take the next text; return its index."""
        index = self.taken
        self.taken += 1
        self.waiting -= self.sizes[index]
        return index

    def deliver(self, index: int, result: Any) -> None:
        self._results[index] = result
        self._missing -= 1
        if not self._missing and not self.future.done():
            self.future.set_result(self._results)

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Item(NamedTuple):
    """One text of a request, by its index."""

    request: _Request
    text_index: int


class BatchQueue:
    """A bounded queue of texts in front of one worker.

    A batch takes one text of each request in turn, so that a small request does not wait for all
    texts of a large one. Cancelling the task that awaits a request removes it from the queue.

    Args:
        handlers: by kind of request.
        executor: runs the handlers; has one thread.
        batch_tokens: limit of estimated tokens in a batch; a longer text is processed alone.
        queue_tokens: limit of estimated tokens in the queue.
        gather_seconds: how long the first text of a batch waits for others.
        on_batch: called after every batch.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> async def lengths():
        ...     queue = BatchQueue({"length": Handler(lambda texts: [*map(len, texts)])}, executor)
        ...     running = asyncio.create_task(queue.run())
        ...     answers = await asyncio.gather(*(queue.submit("length", [t]) for t in ("a", "bcd")))
        ...     running.cancel()
        ...     return answers
        >>> with ThreadPoolExecutor(1) as executor:
        ...     asyncio.run(lengths())
        [[1], [3]]
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        executor: Executor,
        batch_tokens: int = 4096,
        queue_tokens: int = 500_000,
        gather_seconds: float = 0.005,
        on_batch: Callable[[Batch], None] = lambda batch: None,
    ) -> None:
        self._handlers = handlers
        self._executor = executor
        self._batch_tokens = batch_tokens
        self.queue_tokens = queue_tokens
        self._gather_seconds = gather_seconds
        self._on_batch = on_batch
        self._requests: deque[_Request] = deque()
        self._arrived = asyncio.Event()
        self._rate = FIRST_RATE

    def waiting(self) -> tuple[int, int]:
        """Return the number of texts in the queue, and their estimated tokens."""
        texts = sum(len(one.texts) - one.taken for one in self._requests)
        return texts, sum(one.waiting for one in self._requests)

    async def submit(self, kind: str, texts: Sequence[str], bounded: bool = True) -> list[Any]:
        """Queue texts and return their results, in order.

        Args:
            kind: key of the handler.
            texts: any number.
            bounded: whether the queue's limit applies; an empty queue takes any request.

        Raises:
            QueueFullError: the queue's limit is exceeded.
        """
        if not texts:
            return []
        request = _Request(kind, texts, asyncio.get_running_loop().create_future())
        _, before = self.waiting()
        if bounded and before and before + request.waiting > self.queue_tokens:
            raise QueueFullError(min(60, max(1, math.ceil(before / self._rate))))
        self._requests.append(request)
        self._arrived.set()
        try:
            return await request.future
        finally:
            if request in self._requests:  # cancelled before all its texts were taken
                self._requests.remove(request)

    async def run(self) -> None:
        """Process batches until cancelled."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(self._gather_seconds)
            while batch := self._next_batch():
                await self._process(batch)
            self._arrived.clear()

    def _next_batch(self) -> list[_Item]:
        """Take texts from the queue: of the first request's kind, one of each request in turn."""
        if not self._requests:
            return []
        kind = self._requests[0].kind
        same_kind = deque(one for one in self._requests if one.kind == kind)
        others = [one for one in self._requests if one.kind != kind]
        batch: list[_Item] = []
        tokens = 0
        while same_kind:
            request = same_kind[0]
            tokens += request.sizes[request.taken]
            if batch and (tokens > self._batch_tokens or not self._handlers[kind].batchable):
                break
            same_kind.popleft()
            batch.append(_Item(request, request.next_index()))
            if request.taken < len(request.texts):
                same_kind.append(request)
        self._requests = deque([*others, *same_kind])
        return batch

    async def _process(self, batch: list[_Item]) -> None:
        kind = batch[0].request.kind
        texts = [item.request.texts[item.text_index] for item in batch]
        start = time.perf_counter()
        try:
            loop = asyncio.get_running_loop()
            results = await loop.run_in_executor(
                self._executor, self._handlers[kind].function, texts
            )
            pairs = list(zip(batch, results, strict=True))
        except Exception as error:
            if len(batch) == 1:
                batch[0].request.fail(error)
            else:  # process each alone, so that one bad text does not fail the others
                for item in batch:
                    await self._process([item])
            return
        for item, result in pairs:
            item.request.deliver(item.text_index, result)
        seconds = time.perf_counter() - start
        tokens = sum(item.request.sizes[item.text_index] for item in batch)
        self._rate += 0.2 * (tokens / max(seconds, 1e-6) - self._rate)
        self._on_batch(Batch(kind, len(batch), tokens, seconds))


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text from its bytes; at least 1."""
    return 1 + len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN
