"""Run the service on a port with uvicorn, and stop it in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from perplexity_detector.errors import InputError
from perplexity_detector.logs import get_logger
from perplexity_detector.service.app import create_app
from perplexity_detector.service.settings import API_KEY, TRUSTED_HOSTS, Settings

if TYPE_CHECKING:
    from perplexity_detector.service.engine import Engine

#: Addresses that stand for every address of this machine.
ANY_ADDRESS = ("", "0.0.0.0", "::")
#: Limit of connections that wait to be accepted.
BACKLOG = 256


def serve(
    load: Callable[[], Engine], settings: Settings, host: str, port: int, data: Path = Path("data")
) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that are running then are finished.

    Args:
        load: returns the engine; called once, while /healthz answers already.
        settings: limits and API key.
        host: address to listen on.
        port: port to listen on; 0 takes any free one.
        data: the folder of the log.

    Raises:
        InputError: host and port cannot be listened on.
        PerplexityDetectorError: the detector cannot be loaded.
    """
    errors: list[BaseException] = []

    def failed(error: BaseException) -> None:
        errors.append(error)
        server.should_exit = True

    with _bound(host, port) as listening:
        if host not in ANY_ADDRESS:
            settings = settings.trusting(host)
        app = create_app(settings, load, failed, data)
        server = uvicorn.Server(configuration(app, settings))
        _relay_logs()
        url = _url(listening)
        get_logger().info("listening on %s, key %s", url, "set" if settings.api_key else "none")
        sys.stderr.write(f"Listening on {url} (the page) and {url}/docs (the API).\n")
        _warn(host, settings)
        # uvicorn raises the signal again after it has stopped in order
        before = signal.signal(signal.SIGTERM, _exit)
        try:
            server.run(sockets=[listening])
        finally:
            signal.signal(signal.SIGTERM, before)
    if errors:
        raise errors[0]


def configuration(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Configure uvicorn: our time limits, and no logs of its own."""
    return uvicorn.Config(
        app,
        http=partial(_Protocol, head_seconds=settings.head_seconds),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.grace_seconds,
        backlog=BACKLOG,
    )


class _Protocol(H11Protocol):
    """Aborts a connection if the request's head stalls, or the client stops reading the answer."""

    def __init__(self, *arguments: Any, head_seconds: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._head_seconds = head_seconds
        self._pauses = 0
        self._last_check: tuple[object, bool, int, int] = (None, True, 0, 0)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to check the connection at intervals."""
        super().connection_made(transport)
        self.loop.call_later(self._head_seconds, self._check_progress)

    def pause_writing(self) -> None:
        """Count pauses, since the same number of bytes can be left at a later one."""
        super().pause_writing()
        self._pauses += 1

    def _check_progress(self) -> None:
        """Abort if nothing has moved since the last check; otherwise check again later."""
        unsent = self.transport.get_write_buffer_size()
        closing = self.transport.is_closing()
        if closing and not unsent:
            return
        idle = closing or self.cycle is None or self.cycle.response_complete
        # with `idle`: a request that was under way then and is answered now has moved
        check = (self.cycle, idle, unsent, self._pauses)
        if (idle or self.flow.write_paused) and check == self._last_check:
            self.transport.abort()
            return
        self._last_check = check
        self.loop.call_later(self._head_seconds, self._check_progress)


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens; connections wait in its backlog until uvicorn accepts them.

    Raises:
        InputError: host and port cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        try:
            listening = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            listening.listen(BACKLOG)
        except OSError as error:
            raise InputError(
                f"{host}:{port} cannot be listened on ({error.strerror})",
                "port",
                "choose another {port} or {host}",
            ) from error
        stack.pop_all()  # the socket stays open
        return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _warn(host: str, settings: Settings) -> None:
    if settings.api_key is None and host not in ("127.0.0.1", "localhost", "::1"):
        get_logger().warning(
            "Anybody who reaches this port can use the service and read its log: set %s.", API_KEY
        )
    if host in ANY_ADDRESS and not settings.trusted_hosts:
        get_logger().warning(
            "Other machines get no answer until %s has the names by which they ask.", TRUSTED_HOSTS
        )


def _exit(number: int, frame: FrameType | None) -> None:
    get_logger().info("stopped by SIGTERM")
    sys.exit(0)


class _Relay(logging.Handler):
    """Relays records of uvicorn and asyncio to our log, without the messages of exceptions."""

    def emit(self, record: logging.LogRecord) -> None:
        message = (
            record.getMessage().strip().partition("\n")[0]
        )  # an exception's message can follow
        if record.exc_info and record.exc_info[0]:
            frames = "".join(traceback.format_tb(record.exc_info[2]))
            message += f" {record.exc_info[0].__name__}\n{frames}"
        level = logging.ERROR if record.levelno >= logging.ERROR else logging.INFO
        get_logger().log(level, "%s: %s", record.name, message)


def _relay_logs() -> None:
    for name in ("uvicorn", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [_Relay(logging.WARNING)]
        logger.propagate = False
