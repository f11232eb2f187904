"""The FastAPI app: routes, middleware and error handlers, with a state that lives as long."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware

from perplexity_detector.service import problem_details
from perplexity_detector.service.examples import add_examples
from perplexity_detector.service.middleware import RequestMiddleware
from perplexity_detector.service.routes import detectors, files, operations, pages, texts
from perplexity_detector.service.schemas import ProblemDocument
from perplexity_detector.service.settings import Settings
from perplexity_detector.service.state import ServiceState
from perplexity_detector.version import __version__

if TYPE_CHECKING:
    from perplexity_detector.service.engine import Engine

_ABOUT = """Estimates whether an English text was written by a person or by a language model.

The verdict is at the false-positive rate `fpr`; a probability is not a proof. Errors are problem
documents (RFC 9457). If the service has an API key, send it as `Authorization: Bearer ...`.
Texts are neither logged nor kept.
"""
_TAGS = [
    {"name": "texts", "description": "one text or several, answered at once"},
    {"name": "files", "description": "upload csv, tsv, jsonl or parquet; download results.csv"},
    {"name": "detectors", "description": "which there are, and recalibration on your own people"},
    {"name": "operations", "description": "health, metrics, the log"},
]
_PROBLEM = ProblemDocument.__name__
_PROBLEMS = {
    401: "the API key is missing or wrong",
    403: "a page of another site sent the request",
    408: "the body arrived too slowly",
    413: "the body is too large",
    421: "the service does not answer to this host's name",
    422: "the request cannot be used",
    503: "the detector is loading, or the queue is full: see Retry-After",
}


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
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses={status: _documented(description) for status, description in _PROBLEMS.items()},
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
    openapi = cache(lambda: _describe(app, settings.api_key is not None))
    app.openapi = openapi  # type: ignore[method-assign]
    return app


def _describe(app: FastAPI, with_key: bool) -> dict[str, Any]:
    """Return the OpenAPI description, with the schemas of problems and of the API key."""
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes,
        tags=_TAGS,
    )  # fmt: skip
    add_examples(schema["paths"])
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {})[_PROBLEM] = ProblemDocument.model_json_schema()
    if with_key:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"key": []}]
    return schema


def _documented(description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{_PROBLEM}"}
    content = {problem_details.MEDIA_TYPE: {"schema": schema}}
    return {"description": description, "content": content}
