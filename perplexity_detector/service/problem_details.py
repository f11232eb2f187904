"""Errors as RFC 9457 problem documents: a sentence that says what to do, never what was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from perplexity_detector.errors import PerplexityDetectorError

MEDIA_TYPE = "application/problem+json"
#: Where the server is wrong, nobody but its log is told how.
OUR_FAULT = "Something went wrong that should not; the operator finds it in the log."

#: What to say for pydantic's types of errors, whose own words are for programmers.
_SENTENCES = {
    "json_invalid": "The body is not valid JSON.",
    "string_type": "{where} must be a string.",
    "list_type": "{where} must be a list.",
    "missing": "{where} is missing.",
}
_NO_BODY = (
    'Send a JSON object, such as {"text": "..."}, with the header Content-Type: application/json.'
)
#: How the command line names an option within a sentence; over HTTP it is a query parameter.
_OPTION = re.compile(r"--(?=\w+=)")


class Problem(HTTPException):
    """An answer that is a problem document.

    Args:
        status: of HTTP.
        detail: a sentence for the client.
        headers: to send with it.
        retry_after: seconds after which to ask again.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        retry_after: int | None = None,
    ) -> None:
        headers = dict(headers or {})
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        super().__init__(status, detail, headers)


def document(
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
) -> JSONResponse:
    """The response for a status and a sentence; `errors` point at parts of the body."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        content["errors"] = list(errors)
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of the app be answered by a problem document."""
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(PerplexityDetectorError, _of_user)


def sentence(error: PerplexityDetectorError, names: Mapping[str, str] | None = None) -> str:
    """An error's sentence, its options as query parameters and its paths as they are called.

    Args:
        error: of the library.
        names: path -> what the client calls it.
    """
    told = str(error)
    for path, name in (names or {}).items():
        told = told.replace(path, name)
    return _OPTION.sub("?", told)


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    told = isinstance(error, Problem)
    detail = error.detail if told else _STATUS_DETAILS.get(error.status_code, error.detail)
    return document(error.status_code, detail, error.headers)


_STATUS_DETAILS = {
    400: "The body is not what its Content-Type says, or is cut short.",
    404: "There is nothing here; /docs lists what there is.",
    405: "This method is not known here; /docs lists those that are.",
}


async def _of_user(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PerplexityDetectorError)
    return document(422, sentence(error))


async def _of_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = [_describe_error(one) for one in error.errors()[:10]]
    return document(422, found[0]["detail"], errors=found)


def _describe_error(error: Mapping[str, Any]) -> dict[str, str]:
    """One of pydantic's errors without what was sent, which pydantic quotes."""
    kind, location = error["type"], list(error["loc"])
    place, inner = location[0], location[1:]
    if place == "body" and (kind == "model_attributes_type" or (kind == "missing" and not inner)):
        return {"pointer": "#", "detail": _NO_BODY}
    if kind == "extra_forbidden":  # whose name is the client's
        return {"pointer": "#", "detail": "There is a field that is not known; see /docs."}
    if kind == "json_invalid":
        return {"pointer": "#", "detail": _SENTENCES[kind]}
    where = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in inner)
    where = f"`{where.lstrip('.')}`"
    # words of a ValueError of ours, after pydantic's own
    said = error["msg"].removeprefix("Value error, ")
    detail = _SENTENCES.get(kind, "{said}" if kind == "value_error" else "{where}: {said}.")
    pointer = "#" + "".join(f"/{one}" for one in inner) if place == "body" else f"?{where[1:-1]}"
    return {"pointer": pointer, "detail": detail.format(where=where, said=said)}
