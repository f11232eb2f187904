"""Middleware around all routes: security headers, API key, limits of the body, log and metrics."""

from __future__ import annotations

import asyncio
import secrets
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perplexity_detector.logs import get_logger
from perplexity_detector.service.metrics import Metrics
from perplexity_detector.service.origins import OriginCheck
from perplexity_detector.service.problem_details import OUR_FAULT, Problem, document
from perplexity_detector.service.settings import Settings

#: The form that pages of allowed origins show in a frame.
EMBED = "/embed"
#: Paths that need no API key: the page, the description of the API, and health.
PUBLIC_PATHS = {"/", EMBED, "/docs", "/openapi.json", "/healthz", "/readyz", "/favicon.ico"}
PUBLIC_FOLDER = "/static/"
#: Routes that are polled every few seconds, and therefore not logged.
_UNLOGGED = {"/healthz", "/readyz", "/metrics"}
RECALIBRATE = "/v1/detectors/recalibrate"
#: Routes that take files.
FILES = {"/v1/files", "/v1/documents", RECALIBRATE}
#: Seconds for which the rest of a rejected body is still read, so that the client gets the answer.
DRAIN_SECONDS = 1.0
#: nginx's status of a request whose client has gone; only metrics and log use it.
CLIENT_CLOSED_REQUEST = 499

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def embed_headers(origins: Sequence[str]) -> dict[str, str]:
    """The same for `/embed`: pages of these origins, if any, may show it in a frame."""
    if not origins:
        return HEADERS
    policy = HEADERS["Content-Security-Policy"]
    ancestors = f"frame-ancestors {' '.join(origins)}"
    headers = HEADERS | {
        "Content-Security-Policy": policy.replace("frame-ancestors 'none'", ancestors)
    }
    del headers["X-Frame-Options"]  # which cannot name origins
    return headers


class ClientGoneError(Exception):
    """The client has closed the connection before it got its answer."""


class RequestMiddleware:
    """ASGI middleware around all routes.

    Args:
        app: the routes.
        settings: limits and API key.
        metrics: count every answer.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._key = settings.api_key.get_secret_value() if settings.api_key else None
        self._metrics = metrics
        self._origins = OriginCheck(settings)
        self._embed_headers = embed_headers(settings.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the routes, or reject it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        embedded = scope["path"] == EMBED
        answer = _Answer(send, self._embed_headers if embedded else HEADERS)
        body = _Body(receive, self._settings, scope)
        try:
            await self._answer(scope, body, answer)
        except (ClientGoneError, ClientDisconnect):
            answer.status = CLIENT_CLOSED_REQUEST
        except Exception as error:
            # without the exception's message, which can hold a text
            frames = "".join(traceback.format_tb(error.__traceback__))
            get_logger().error("a request failed: %s\n%s", type(error).__name__, frames)
            if answer.started:
                raise _AbortedError from None
            await document(500, OUR_FAULT)(scope, receive, answer)
        finally:
            self._record(
                scope,
                CLIENT_CLOSED_REQUEST if body.gone else answer.status,
                time.perf_counter() - start,
            )

    async def _answer(self, scope: Scope, body: _Body, answer: _Answer) -> None:
        refusal = self._origins.refusal(scope) or self._refusal(scope) or body.refusal()
        if refusal is None:
            await self._app(scope, body.receive, answer)
            return
        await body.drain_briefly()
        if not body.ended:
            refusal.headers = {**(refusal.headers or {}), "Connection": "close"}
        response = document(refusal.status_code, refusal.detail, refusal.headers)
        await response(scope, body.receive, answer)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = _method(scope), _route(scope)
        self._metrics.answered(method, route, status, seconds)
        if route not in _UNLOGGED:
            get_logger().info("%s %s %d, %.3f s", method, route, status, seconds)

    def _refusal(self, scope: Scope) -> Problem | None:
        """Reject a request without a valid API key, before its body is read."""
        path: str = scope["path"]
        key = self._key
        if key is None or path in PUBLIC_PATHS or path.startswith(PUBLIC_FOLDER):
            return None
        headers = Headers(scope=scope)
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        sent = sent.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        # headers are bytes, which Starlette decodes as Latin-1
        if secrets.compare_digest(sent.encode("latin-1"), key.encode()):
            return None
        sentence = "Send the service's API key in the header `Authorization: Bearer ...`."
        return Problem(401, sentence, {"WWW-Authenticate": "Bearer"})


class _AbortedError(Exception):
    """An answer that was started cannot be finished; the log has its cause."""


class _Answer:
    """`send` that adds the security headers and keeps the status."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.status = CLIENT_CLOSED_REQUEST
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        await self._send(message)


class _Body:
    """`receive` that raises a problem if the body is too large or arrives too slowly."""

    def __init__(self, receive: Receive, settings: Settings, scope: Scope) -> None:
        self._receive = receive
        self._settings = settings
        files = scope["path"] in FILES
        self._max_bytes = settings.max_file_bytes if files else settings.max_body_bytes
        self._advice = "send the file in pieces" if files else "send fewer texts"
        self._declared = Headers(scope=scope).get("content-length", "0")
        self._start = time.monotonic()
        self._size = 0
        self.ended = self.gone = False

    def refusal(self) -> Problem | None:
        """Reject a body whose declared length is too large."""
        declared = int(self._declared) if self._declared.isdecimal() else 0
        return self._too_large() if declared > self._max_bytes else None

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            Problem: 408, the body arrives too slowly, or 413, it is too large.
        """
        if self.ended:
            return await self._receive()  # waits for the client to leave
        try:
            message = await asyncio.wait_for(self._receive(), self._seconds_left())
        except asyncio.TimeoutError:
            raise Problem(
                408, "The body arrived too slowly; send it again.", {"Connection": "close"}
            ) from None
        self._record(message)
        if self._size > self._max_bytes:
            await self.drain_briefly()
            raise self._too_large(None if self.ended else {"Connection": "close"})
        return message

    async def drain_briefly(self) -> None:
        """Read and discard the rest, for at most `DRAIN_SECONDS`."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._drain(), DRAIN_SECONDS)

    async def _drain(self) -> None:
        while not self.ended:
            self._record(await self._receive())

    def _record(self, message: Message) -> None:
        self._size += len(message.get("body", b""))
        self.gone = message["type"] == "http.disconnect"
        self.ended = self.gone or not message.get("more_body", False)

    def _seconds_left(self) -> float:
        settings = self._settings
        allowed = settings.body_seconds + self._size / settings.body_rate
        return max(0.001, self._start + allowed - time.monotonic())

    def _too_large(self, headers: dict[str, str] | None = None) -> Problem:
        detail = f"The body has more than {self._max_bytes:,} bytes: {self._advice}."
        return Problem(413, detail, headers)


def _route(scope: Scope) -> str:
    """The route's path template, without the ids and names that a client chose."""
    path: str = scope["path"]
    return path if path in PUBLIC_PATHS else getattr(scope.get("route"), "path", "unknown")


def _method(scope: Scope) -> str:
    """The method if it is a known one, since it goes into log and metrics."""
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return scope["method"] if scope["method"] in known else "other"
