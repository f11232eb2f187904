"""Servers like S3 and Google's on this machine, and a proxy that drops requests to them."""

from __future__ import annotations

import functools
import io
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from typing import IO

import pytest


@contextmanager
def s3_server() -> Iterator[str]:
    """A server with an empty bucket `bucket`, kept in memory; gives its address."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        ).create_bucket(Bucket="bucket")
        yield address
    finally:
        server.stop()


@contextmanager
def s3_environment(address: str) -> Iterator[None]:
    """Let s3:// lead to a server, in this process and those it starts."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()  # which remember where s3:// led before
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield
    s3fs.S3FileSystem.clear_instance_cache()


@contextmanager
def gcs_server() -> Iterator[str]:
    """A server like Google's with an empty bucket `bucket`, kept in memory; gives its address."""
    from gcp_storage_emulator.handlers import buckets
    from gcp_storage_emulator.server import RequestHandler
    from gcp_storage_emulator.storage import Storage

    storage, one_at_a_time = Storage(use_memory_fs=True), threading.Lock()
    buckets.create_bucket("bucket", storage)

    class Handler(RequestHandler):
        """With the condition that a file is new, which the emulator does not know."""

        rfile: IO[bytes]

        def do_POST(self) -> None:  # noqa: N802
            if "ifGenerationMatch=0" not in self.path:
                super().do_POST()
                return
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.rfile = io.BytesIO(content)
            (name,) = re.findall(rb'{"name": "([^"]*)"', content[:1000])
            with one_at_a_time:
                if name.decode() in storage.objects.get("bucket", {}):
                    self.send_error(HTTPStatus.PRECONDITION_FAILED)
                else:
                    super().do_POST()

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, storage))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def gcs_environment(address: str) -> Iterator[None]:
    """Let gs:// lead to a server, in this process and those it starts."""
    import gcsfs

    gcsfs.GCSFileSystem.clear_instance_cache()  # which remember where gs:// led before
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        patch.setenv("NO_GCE_CHECK", "true")  # nothing is asked of Google
        yield
    gcsfs.GCSFileSystem.clear_instance_cache()


class DroppingProxy:
    """Passes requests on, but closes the connection instead at every n-th one.

    Attributes:
        address: of the proxy.
        requests: number of requests so far.
        dropped: number of those that were not passed on.
    """

    def __init__(self, address: str, every: int) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self._every = every
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.requests = self.dropped = 0
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Pass on one request after another; the answer ends when the server says so."""
        with client, suppress(OSError), socket.create_connection(self._target) as server:
            answers = threading.Thread(target=_copy, args=(server, client), daemon=True)
            answers.start()
            while request := client.recv(1 << 16):
                if request.split(b" ", 1)[0] in (b"GET", b"PUT", b"HEAD", b"POST", b"DELETE"):
                    self.requests += 1
                    if self.requests % self._every == 0:
                        self.dropped += 1
                        client.shutdown(socket.SHUT_RDWR)
                        return
                server.sendall(request)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
