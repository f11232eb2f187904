"""Routes for operators: health, metrics, the log."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from perplexity_detector.logs import LOG_FILE
from perplexity_detector.service.metrics import MEDIA_TYPE
from perplexity_detector.service.problem_details import Problem, documented
from perplexity_detector.service.routes.texts import Service

router = APIRouter(tags=["operations"])

#: Bytes at the end of the log from which its last lines are taken.
TAIL_BYTES = 1_000_000
_PLAIN = "text/plain; charset=utf-8"


@router.get("/healthz")
async def healthz(service: Service) -> JSONResponse:
    """200 as long as the service runs, loading or ready; says whether requests need a key."""
    needs_key = service.settings.api_key is not None
    return JSONResponse({"status": "alive", "needs_key": needs_key})


@router.get("/readyz", responses=documented(503))
async def readyz(service: Service) -> JSONResponse:
    """200 once the detector is loaded; 503 until then."""
    engine, _ = service.ready()
    return JSONResponse({"status": "ready", "detector": engine.name})


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(service: Service) -> Response:
    """Metrics of requests, latencies, texts, tokens, batches, queue and jobs, for Prometheus."""
    return Response(service.metrics.exposition(), media_type=MEDIA_TYPE)


@router.get("/logs", response_class=PlainTextResponse, responses=documented(404, 422))
async def tail_of_log(
    service: Service, lines: Annotated[int, Query(ge=1, le=10_000)] = 200
) -> Response:
    """The last lines of the log, newest last."""
    path = service.data / LOG_FILE
    return Response(await asyncio.to_thread(tail, path, lines), media_type=_PLAIN)


@router.get("/logs/download", response_class=PlainTextResponse, responses=documented(404))
async def whole_log(service: Service) -> Response:
    """The current log file; older ones, rotated by size, are not included."""
    path = service.data / LOG_FILE
    # read at once, since it grows while it is sent; rotation limits its size
    content = await asyncio.to_thread(_read, path)
    headers = {"Content-Disposition": f'attachment; filename="{LOG_FILE}"'}
    return Response(content, media_type=_PLAIN, headers=headers)


def tail(path: Path, lines: int) -> bytes:
    """Return the last lines of a file, from its last `TAIL_BYTES`.

    Raises:
        Problem: there is no log.
    """
    content = _read(path, TAIL_BYTES)
    return b"".join(content.splitlines(keepends=True)[-lines:])


def _read(path: Path, max_bytes: int | None = None) -> bytes:
    try:
        with path.open("rb") as file:
            if max_bytes is not None:
                file.seek(max(0, os.fstat(file.fileno()).st_size - max_bytes))
            return file.read()
    except OSError:
        raise Problem(404, "No log is kept: its folder cannot be written.") from None
