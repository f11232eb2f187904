"""Requests that arrive together are read together; what is full, gone or broken costs no other."""

import asyncio
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_detector.service.micro_batching import (
    BatchQueue,
    Handler,
    QueueFullError,
    estimate_tokens,
)
from tests.service.serving import is_problem, wait_for


def working(work, body, **options):
    """Run `body`, a coroutine of a queue whose worker runs."""

    async def run(executor):
        queue = BatchQueue({"work": work, "other": work}, executor, **options)
        running = asyncio.create_task(queue.run())
        try:
            return await asyncio.wait_for(body(queue), 20)
        finally:
            running.cancel()

    with ThreadPoolExecutor(1) as executor:
        return asyncio.run(run(executor))


class Recorder:
    """Work that keeps what it was given together."""

    def __init__(self):
        self.batches = []

    def __call__(self, texts):
        self.batches.append(texts)
        return [text.upper() for text in texts]


@settings(max_examples=25, deadline=None)
@given(
    requests=st.lists(st.lists(st.text("abc", max_size=9), max_size=5), max_size=6),
    batch_tokens=st.integers(1, 12),
    batchable=st.booleans(),
)
def test_every_request_gets_its_own_in_order(requests, batch_tokens, batchable):
    record = Recorder()

    async def body(queue):
        kinds = ["work", "other"] * 3
        asked = [queue.submit(kind, texts) for kind, texts in zip(kinds, requests, strict=False)]
        return await asyncio.gather(*asked), queue.waiting()

    answers, waiting = working(Handler(record, batchable), body, batch_tokens=batch_tokens)
    assert answers == [[text.upper() for text in texts] for texts in requests]
    assert waiting == (0, 0)
    for batch in record.batches:
        assert len(batch) == 1 or (batchable and sum(map(estimate_tokens, batch)) <= batch_tokens)


def test_a_small_request_does_not_wait_for_all_of_a_large_one():
    record = Recorder()

    async def body(queue):
        large = asyncio.create_task(queue.submit("work", ["large"] * 50))
        await asyncio.sleep(0)
        await queue.submit("work", ["small"])
        return large.done() or large.cancel()

    working(Handler(record), body, batch_tokens=4)
    assert "small" in record.batches[0]


def test_what_nobody_waits_for_leaves_the_queue():
    record = Recorder()

    async def body(queue):
        asked = asyncio.create_task(queue.submit("work", ["gone"] * 5))
        await asyncio.sleep(0)
        before = queue.waiting()
        asked.cancel()
        await asyncio.sleep(0)
        return before, queue.waiting(), await queue.submit("work", ["here"])

    before, after, here = working(Handler(record), body, gather_seconds=0.2)
    assert (before[0], after, here) == (5, (0, 0), ["HERE"])
    assert record.batches == [["here"]]


def test_a_full_queue_refuses_but_one_text_is_always_taken():
    async def body(queue):
        long = asyncio.create_task(queue.submit("work", ["a" * 4000]))
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError) as refused:
            await queue.submit("work", ["b"])
        unbounded = await queue.submit("work", ["c"], bounded=False)
        return refused.value.retry_after, unbounded, await long

    retry_after, unbounded, long = working(Handler(Recorder()), body, queue_tokens=10)
    assert 1 <= retry_after <= 60
    assert (unbounded, long) == (["C"], ["A" * 4000])


def test_a_text_that_breaks_the_work_costs_no_other():
    def work(texts):
        if "bad" in texts:
            raise ValueError("bad")
        return texts

    async def body(queue):
        asked = (queue.submit("work", [text]) for text in ("good", "bad", "fine"))
        return await asyncio.gather(*asked, return_exceptions=True)

    good, bad, fine = working(Handler(work), body)
    assert (good, fine) == (["good"], ["fine"])
    assert isinstance(bad, ValueError)


def test_work_that_gives_too_few_is_an_error_and_the_queue_goes_on():
    async def body(queue):
        answers = await asyncio.gather(queue.submit("work", ["a"]), return_exceptions=True)
        return answers[0], queue.waiting()

    error, waiting = working(Handler(lambda texts: []), body)
    assert isinstance(error, ValueError)
    assert waiting == (0, 0)


# --- over HTTP ------------------------------------------------------------------------------


def predict(client, texts):
    return client.post("/v1/predict", json={"texts": texts})


def asked_meanwhile(client, engine, all_texts):
    """Answers to requests that come while the engine reads another's text."""
    engine.hold()
    with ThreadPoolExecutor(len(all_texts) + 1) as threads:
        first = threads.submit(predict, client, ["first"])
        assert engine.reading.wait(10)
        others = [threads.submit(predict, client, texts) for texts in all_texts]
        wanted = sum(map(len, all_texts))
        wait_for(lambda: client.service.queue.waiting()[0] == wanted)
        engine.let_go()
        return [one.result() for one in [first, *others]]


def test_concurrent_requests_are_scored_in_one_batch(serve, detector, texts):
    client = serve()
    answers = asked_meanwhile(client, serve.engine, [[text] for text in texts])
    first, together = serve.engine.batches
    assert first == ["first"]
    assert sorted(together) == sorted(texts)
    expected = detector.assess(texts)["probability"].tolist()
    found = [one.json()["results"][0]["probability"] for one in answers[1:]]
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_poisoned_text_fails_alone_and_is_not_shown(serve, texts, tmp_path):
    client = serve()
    answers = asked_meanwhile(client, serve.engine, [["poison"], [texts[0]]])
    assert is_problem(answers[1], 500)
    assert "poison text" not in answers[1].text
    assert answers[2].status_code == 200


def test_a_full_queue_gives_503_and_when_to_come_again(serve, texts):
    client = serve(queue_tokens=max(map(estimate_tokens, texts)))
    serve.engine.hold()
    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(predict, client, ["first"])
        assert serve.engine.reading.wait(10)
        waiting = threads.submit(predict, client, [texts[0]])
        wait_for(lambda: client.service.queue.waiting()[0] == 1)
        refused = predict(client, [texts[1]])
        assert is_problem(refused, 503)
        assert int(refused.headers["retry-after"]) >= 1
        serve.engine.let_go()
        assert (reading.result().status_code, waiting.result().status_code) == (200, 200)
    assert predict(client, [texts[1]]).status_code == 200


def test_a_client_that_goes_takes_its_texts_along(serve, texts):
    client = serve()
    serve.engine.hold()
    reading = threading.Thread(target=predict, args=(client, ["first"]))
    reading.start()
    assert serve.engine.reading.wait(10)
    body = json.dumps({"texts": texts}).encode()
    head = (
        "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((client.base_url.host, client.base_url.port)) as gone:
        gone.sendall(head.encode() + body)
        wait_for(lambda: client.service.queue.waiting()[0] == len(texts))
    wait_for(lambda: client.service.queue.waiting() == (0, 0))
    serve.engine.let_go()
    reading.join()
    assert serve.engine.batches == [["first"]]
    metrics = client.get("/metrics").text
    assert 'route="/v1/predict",status="499"} 1.0' in metrics
