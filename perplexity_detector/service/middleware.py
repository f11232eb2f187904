"""What every request passes: headers that protect, the key, limits of the body, log and figures."""

from __future__ import annotations

import asyncio
import secrets
import time
import traceback
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perplexity_detector.logs import get_logger
from perplexity_detector.service.metrics import Metrics
from perplexity_detector.service.problem_details import OUR_FAULT, Problem, document
from perplexity_detector.service.settings import Settings

#: Needs no key: the page, what the API looks like, and whether the service lives.
PUBLIC_PATHS = {"/", "/docs", "/openapi.json", "/healthz", "/readyz", "/favicon.ico"}
OPEN_FOLDER = "/static/"
#: Asked every few seconds, and not worth a line in the log.
_QUIET = {"/healthz", "/readyz", "/metrics"}
FILES = "/v1/files"
#: How long what comes after a refusal is still taken, so that the client hears the refusal.
LINGER_SECONDS = 1.0
#: nginx's status of a request that nobody waited for; only figures and log see it.
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


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


class RequestMiddleware:
    """ASGI middleware around all routes.

    Args:
        app: the routes.
        settings: limits and key.
        metrics: are told of every answer.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        answer = _Answer(send)
        body = _Body(receive, self._settings, scope)
        try:
            await self._answer(scope, body, answer)
        except (ClientGoneError, ClientDisconnect):
            answer.status = CLIENT_CLOSED_REQUEST
        except Exception as error:
            # frames without the exception's words, which can hold a text
            frames = "".join(traceback.format_tb(error.__traceback__))
            get_logger().error("a request failed: %s\n%s", type(error).__name__, frames)
            if answer.started:
                raise _BrokenOffError from None
            await document(500, OUR_FAULT)(scope, receive, answer)
        finally:
            self._record(
                scope,
                CLIENT_CLOSED_REQUEST if body.gone else answer.status,
                time.perf_counter() - start,
            )

    async def _answer(self, scope: Scope, body: _Body, answer: _Answer) -> None:
        refusal = self._refusal(scope) or body.refusal()
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
        if route not in _QUIET:
            get_logger().info("%s %s %d, %.3f s", method, route, status, seconds)

    def _refusal(self, scope: Scope) -> Problem | None:
        """Who has not the key is refused before the body is read."""
        path: str = scope["path"]
        key = self._settings.api_key
        if key is None or path in PUBLIC_PATHS or path.startswith(OPEN_FOLDER):
            return None
        headers = Headers(scope=scope)
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        shown = shown.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        # headers are bytes, which Starlette reads as Latin-1
        if secrets.compare_digest(shown.encode("latin-1"), key.encode()):
            return None
        sentence = "Show the service's key in the header `Authorization: Bearer ...`."
        return Problem(401, sentence, {"WWW-Authenticate": "Bearer"})


class _BrokenOffError(Exception):
    """An answer that had begun cannot be finished; its cause is in the log."""


class _Answer:
    """`send` that adds the protecting headers and knows the status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = CLIENT_CLOSED_REQUEST
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


class _Body:
    """`receive` that ends with a problem if the body is too large or comes too slowly."""

    def __init__(self, receive: Receive, settings: Settings, scope: Scope) -> None:
        self._receive = receive
        self._settings = settings
        files = scope["path"] == FILES
        self._most = settings.max_file if files else settings.max_body
        self._declared = Headers(scope=scope).get("content-length", "0")
        self._start = time.monotonic()
        self._size = 0
        self.ended = self.gone = False

    def refusal(self) -> Problem | None:
        """What its declared length says already."""
        declared = int(self._declared) if self._declared.isdecimal() else 0
        return self._too_large() if declared > self._most else None

    async def receive(self) -> Message:
        """The next part.

        Raises:
            Problem: 408 or 413.
        """
        if self.ended:
            return await self._receive()  # waits for the client to leave
        try:
            message = await asyncio.wait_for(self._receive(), self._left())
        except asyncio.TimeoutError:
            raise Problem(
                408, "The body came too slowly; send it again.", {"Connection": "close"}
            ) from None
        self._take(message)
        if self._size > self._most:
            await self.drain_briefly()
            raise self._too_large(None if self.ended else {"Connection": "close"})
        return message

    async def drain_briefly(self) -> None:
        """Take the rest and throw it away, for a short time."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._drain(), LINGER_SECONDS)

    async def _drain(self) -> None:
        while not self.ended:
            self._take(await self._receive())

    def _take(self, message: Message) -> None:
        self._size += len(message.get("body", b""))
        self.gone = message["type"] == "http.disconnect"
        self.ended = self.gone or not message.get("more_body", False)

    def _left(self) -> float:
        settings = self._settings
        allowed = settings.body_seconds + self._size / settings.body_rate
        return max(0.001, self._start + allowed - time.monotonic())

    def _too_large(self, headers: dict[str, str] | None = None) -> Problem:
        advice = "send parts" if self._most == self._settings.max_file else "send fewer texts"
        return Problem(413, f"The body has more than {self._most:,} bytes: {advice}.", headers)


def _route(scope: Scope) -> str:
    """What was asked for, without ids and names, which are the client's."""
    path: str = scope["path"]
    return path if path in PUBLIC_PATHS else getattr(scope.get("route"), "path", "unknown")


def _method(scope: Scope) -> str:
    """The method, if it is one that is known: it goes into log and figures."""
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return scope["method"] if scope["method"] in known else "other"
