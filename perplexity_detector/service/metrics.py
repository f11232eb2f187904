"""Prometheus metrics: requests, latencies, texts, tokens, batches, the queue, jobs."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "perplexity_detector_requests", "Requests answered.", ["method", "route", "status"],
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "perplexity_detector_request_seconds", "Seconds from request to answer.",
            ["route"], buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._texts = Counter(
            "perplexity_detector_texts",
            "Texts processed, by kind of request.",
            ["kind"],
            registry=registry,
        )
        self._tokens = Counter(
            "perplexity_detector_tokens", "Estimated tokens processed.", ["kind"], registry=registry
        )
        self._batches = Histogram(
            "perplexity_detector_batch_texts", "Texts in a batch.",
            buckets=_TEXTS, registry=registry,
        )  # fmt: skip
        self._reading = Counter(
            "perplexity_detector_reading_seconds", "Seconds spent on batches.", registry=registry
        )

    def add_gauge(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Add a gauge whose value is computed when Prometheus scrapes it."""
        Gauge(f"perplexity_detector_{name}", description, registry=self.registry).set_function(
            value
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def read(self, kind: str, texts: int, tokens: int, seconds: float) -> None:
        """Count a batch."""
        self._texts.labels(kind).inc(texts)
        self._tokens.labels(kind).inc(tokens)
        self._batches.observe(texts)
        self._reading.inc(seconds)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
