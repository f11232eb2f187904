"""Ports that cannot be listened on."""

import errno
import os
import socket

import pytest

from perplexity_detector.errors import InputError
from perplexity_detector.service.server import serve
from perplexity_detector.service.settings import Settings


def never():
    raise AssertionError("nothing is loaded")


def test_a_socket_that_cannot_be_made(monkeypatch):
    def no_socket(*arguments):
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))

    monkeypatch.setattr(socket, "socket", no_socket)
    with pytest.raises(
        InputError, match=r"^::1:8000 cannot be listened on \(.*another port or host"
    ):
        serve(never, Settings(), "::1", 8000)


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"127.0.0.1:{port} cannot be listened on"):
            serve(never, Settings(), "127.0.0.1", port)
