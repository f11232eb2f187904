"""The FastAPI app: routes, middleware and error handlers, with a state that lives as long."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from perplexity_detector.service import problem_details
from perplexity_detector.service.description import ABOUT, describe
from perplexity_detector.service.middleware import RequestMiddleware
from perplexity_detector.service.routes import detectors, files, operations, pages, texts
from perplexity_detector.service.settings import Settings
from perplexity_detector.service.state import ServiceState
from perplexity_detector.version import __version__

if TYPE_CHECKING:
    from perplexity_detector.service.engine import Engine


def create_app(
    settings: Settings,
    load: Callable[[], Engine],
    failed: Callable[[BaseException], None] = lambda error: None,
    data: Path = Path("data"),
) -> FastAPI:
    """Make a service that is not running yet.

    Args:
        settings: limits and API key.
        load: returns the engine; called once, in the worker thread, when the service starts.
        failed: called with the exception if `load` raises.
        data: the folder of the log.
    """
    service = ServiceState(settings, load, failed, data)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    app = FastAPI(
        title="perplexity-detector",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.service = service
    app.add_middleware(RequestMiddleware, settings=settings, metrics=service.metrics)
    if settings.origins:
        # around the other, so that pages can read its refusals, too
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("Authorization", "Content-Type", "X-API-Key"),
            expose_headers=("Content-Disposition", "Location", "Retry-After"),
        )
    problem_details.install(app)
    for routes in (texts, files, detectors, operations, pages):
        app.include_router(routes.router)
    openapi = cache(lambda: describe(app, settings.api_key is not None))
    app.openapi = openapi  # type: ignore[method-assign]
    return app
