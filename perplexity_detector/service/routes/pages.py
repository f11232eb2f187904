"""Routes of the page, its files and /docs; nothing is loaded from other hosts."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from perplexity_detector.service.middleware import EMBED
from perplexity_detector.service.problem_details import Problem
from perplexity_detector.service.settings import ALLOWED_ORIGINS
from perplexity_detector.service.state import ServiceState

router = APIRouter(include_in_schema=False)

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
}
#: Browsers may keep files, but ask on each reload whether they have changed.
_CACHED = {"Cache-Control": "no-cache"}

_DOCS = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>perplexity-detector: API</title>
<link rel="icon" href="static/icon.svg">
<link rel="stylesheet" href="static/docs/swagger-ui.css">
<main id="swagger-ui"></main>
<script src="static/docs/swagger-ui-bundle.js"></script>
<script src="static/docs/start.js"></script>
</html>
"""
_START = b"""SwaggerUIBundle({
  url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, tryItOutEnabled: true,
  validatorUrl: null,
});
"""


class StaticFileIndex:
    """The files that are served, by their path under /static/.

    They are listed once, so that no path of a request ever reaches the file system.
    """

    def __init__(self) -> None:
        page = Path(str(resources.files("perplexity_detector"))) / "web"
        self._files = {
            file.relative_to(page).as_posix(): file
            for file in sorted(page.rglob("*"))
            if file.suffix in _MEDIA_TYPES
        }
        swagger = Path(str(resources.files("fastapi_swagger"))) / "resources"
        for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
            self._files[f"docs/{name}"] = swagger / name

    def response(self, name: str) -> Response:
        """Return the response with a file.

        Raises:
            Problem: 404, there is no such file.
        """
        if name not in self._files:
            raise Problem(404, "There is nothing here; / is the page, /docs the API.")
        content = self._files[name].read_bytes()
        return Response(content, media_type=_MEDIA_TYPES[self._files[name].suffix], headers=_CACHED)


_files = StaticFileIndex()


@router.get("/")
async def page() -> Response:
    """The page."""
    return _files.response("index.html")


@router.get(EMBED)
async def embed(request: Request) -> Response:
    """The form for other pages; only if there are any that may show it."""
    service: ServiceState = request.app.state.service
    if not service.settings.origins:
        raise Problem(
            404, f"No page may embed the form; the operator can name some in {ALLOWED_ORIGINS}."
        )
    return _files.response("embed.html")


@router.get("/docs")
async def docs() -> Response:
    """The API's documentation, with forms to try it."""
    return Response(_DOCS, media_type=_MEDIA_TYPES[".html"], headers=_CACHED)


@router.get("/static/docs/start.js")
async def docs_start() -> Response:
    """The script that starts /docs."""
    return Response(_START, media_type=_MEDIA_TYPES[".js"], headers=_CACHED)


@router.get("/static/{name:path}")
async def static(name: str) -> Response:
    """A file of the page."""
    return _files.response(name)
