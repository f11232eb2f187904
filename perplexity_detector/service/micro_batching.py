"""Texts of requests that arrive together are read together, in one thread, each in its turn."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

#: Tokens a second that are expected before any were read.
FIRST_RATE = 1000.0
#: Bytes of a token: about four in English, and tokenising would cost the event loop.
BYTES_PER_TOKEN = 4


class Handler(NamedTuple):
    """What can be done with texts.

    Attributes:
        function: from texts to as many results, in order.
        together: whether texts are done in batches; else each alone, for it takes long.
    """

    function: Callable[[list[str]], Sequence[Any]]
    batchable: bool = True


class QueueFullError(Exception):
    """More waits than may.

    Attributes:
        retry_after: seconds until there is likely room.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class Batch(NamedTuple):
    """What was read together, for those who count: kind, texts, estimated tokens, seconds."""

    kind: str
    texts: int
    tokens: int
    seconds: float


class _Request:
    """Texts of one request: how many were handed out, the tokens that wait, what came back."""

    def __init__(self, kind: str, texts: Sequence[str], future: asyncio.Future[list[Any]]) -> None:
        self.kind = kind
        self.texts = texts
        self.sizes = [estimate_tokens(text) for text in texts]
        self.future = future
        self.handed_out = 0
        self.waiting = sum(self.sizes)
        self._results: list[Any] = [None] * len(texts)
        self._missing = len(texts)

    def next_index(self) -> int:
        """The place of the next text."""
        place = self.handed_out
        self.handed_out += 1
        self.waiting -= self.sizes[place]
        return place

    def deliver(self, place: int, result: Any) -> None:
        self._results[place] = result
        self._missing -= 1
        if not self._missing and not self.future.done():
            self.future.set_result(self._results)

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Place(NamedTuple):
    """One text of a request."""

    request: _Request
    number: int


class BatchQueue:
    """A bounded queue of texts in front of one worker.

    Requests take turns text by text, so a small one does not wait for all of a large one. What
    is waited for no longer (the awaiting task was cancelled) leaves the queue.

    Args:
        work: what can be done, by kind.
        executor: where it runs; of one thread.
        batch_tokens: estimated tokens that are read together; a longer text is read alone.
        queue_tokens: estimated tokens that may wait.
        gather_seconds: how long the first text waits for company.
        told: is told of every batch.

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
        work: Mapping[str, Handler],
        executor: Executor,
        batch_tokens: int = 4096,
        queue_tokens: int = 500_000,
        gather_seconds: float = 0.005,
        on_batch: Callable[[Batch], None] = lambda batch: None,
    ) -> None:
        self._work = work
        self._executor = executor
        self._batch_tokens = batch_tokens
        self.queue_tokens = queue_tokens
        self._gather_seconds = gather_seconds
        self._told = on_batch
        self._requests: deque[_Request] = deque()
        self._arrived = asyncio.Event()
        self._rate = FIRST_RATE

    def waiting(self) -> tuple[int, int]:
        """Texts that wait, and their estimated tokens."""
        texts = sum(len(one.texts) - one.handed_out for one in self._requests)
        return texts, sum(one.waiting for one in self._requests)

    async def submit(self, kind: str, texts: Sequence[str], bounded: bool = True) -> list[Any]:
        """The results of texts, when their turn has come.

        Args:
            kind: of work.
            texts: one or more.
            bounded: whether a full queue refuses them.

        Raises:
            QueueFullError: more waits than may.
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
            if request in self._requests:  # nobody waits for the rest
                self._requests.remove(request)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(self._gather_seconds)
            while batch := self._take():
                await self._do(batch)
            self._arrived.clear()

    def _take(self) -> list[_Place]:
        """Texts to be read together: of the kind whose turn it is, one of each request in turn."""
        if not self._requests:
            return []
        kind = self._requests[0].kind
        turn = deque(one for one in self._requests if one.kind == kind)
        others = [one for one in self._requests if one.kind != kind]
        batch: list[_Place] = []
        tokens = 0
        while turn:
            request = turn[0]
            tokens += request.sizes[request.handed_out]
            if batch and (tokens > self._batch_tokens or not self._work[kind].batchable):
                break
            turn.popleft()
            batch.append(_Place(request, request.next_index()))
            if request.handed_out < len(request.texts):
                turn.append(request)
        self._requests = deque([*others, *turn])
        return batch

    async def _do(self, batch: list[_Place]) -> None:
        kind = batch[0].request.kind
        texts = [place.request.texts[place.number] for place in batch]
        start = time.perf_counter()
        try:
            loop = asyncio.get_running_loop()
            results = await loop.run_in_executor(self._executor, self._work[kind].function, texts)
            on_batch = list(zip(batch, results, strict=True))
        except Exception as error:
            if len(batch) == 1:
                batch[0].request.fail(error)
            else:  # a text that cannot be read must not cost the others
                for place in batch:
                    await self._do([place])
            return
        for place, result in on_batch:
            place.request.deliver(place.number, result)
        seconds = time.perf_counter() - start
        tokens = sum(place.request.sizes[place.number] for place in batch)
        self._rate += 0.2 * (tokens / max(seconds, 1e-6) - self._rate)
        self._told(Batch(kind, len(batch), tokens, seconds))


def estimate_tokens(text: str) -> int:
    """Tokens of a text, estimated from its bytes; at least 1."""
    return 1 + len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN
