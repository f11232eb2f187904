"""Errors as RFC 9457 problem documents: a sentence that says what to do, never what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from perplexity_detector.errors import PerplexityDetectorError, TooLargeError
from perplexity_detector.service.schemas import ProblemDocument

MEDIA_TYPE = "application/problem+json"
#: The detail of every server error; only the log holds its cause.
OUR_FAULT = "Something went wrong that should not; the operator finds it in the log."

NOT_JSON = "The body is not valid JSON."
#: Sentences for pydantic's types of errors, whose own messages are for programmers.
_SENTENCES = {
    "string_type": "{where} must be a string.",
    "list_type": "{where} must be a list.",
    "missing": "{where} is missing.",
}
#: The two forms of a request to predict: pydantic puts their names before a field's.
TEXTS, DOCUMENTS = "Texts", "Documents"
_NO_BODY = (
    'Send a JSON object, such as {"text": "..."}, with the header Content-Type: application/json.'
)
_STATUS_DETAILS = {
    400: "The body is not what its Content-Type says, or is cut short.",
    404: "There is nothing here; /docs lists what there is.",
    405: "This method is not known here; /docs lists those that are.",
}
#: What the API's description says of each status.
_DESCRIPTIONS = {
    400: "the form of the body is broken",
    401: "the API key is missing or wrong",
    403: "a page of another site sent the request",
    404: "there is no such thing",
    408: "the body arrived too slowly",
    409: "the job is not finished, or failed",
    413: "the body is too large",
    421: "the service does not answer to this host's name",
    422: "the request cannot be used",
    503: "the detector is loading, or the queue is full: see Retry-After",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route's `responses` say of these statuses, whose answers are problem documents."""
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    content = {MEDIA_TYPE: {"schema": schema}}
    return {
        status: {"description": _DESCRIPTIONS[status], "content": content} for status in statuses
    }


class Problem(HTTPException):
    """An exception that is answered by a problem document.

    Args:
        status: HTTP status.
        detail: a sentence for the client.
        headers: further headers of the response.
        retry_after: value of the header `Retry-After`, in seconds.
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
    """Make the response for a status and a sentence; `errors` point at fields of the request."""
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
    """Make the app answer every error with a problem document."""
    app.exception_handler(HTTPException)(_http_problem)
    app.exception_handler(RequestValidationError)(_validation_problem)
    app.exception_handler(PerplexityDetectorError)(_user_problem)


def sentence(error: PerplexityDetectorError) -> str:
    """Word an error of the library for a client: parameters are query parameters."""
    return error.worded(lambda name: f"?{name}")


async def _http_problem(request: Request, error: HTTPException) -> JSONResponse:
    detail = error.detail
    if not isinstance(error, Problem):  # one of the framework's, with a phrase for programmers
        detail = _STATUS_DETAILS.get(error.status_code, detail)
    return document(error.status_code, detail, error.headers)


async def _user_problem(request: Request, error: PerplexityDetectorError) -> JSONResponse:
    return document(413 if isinstance(error, TooLargeError) else 422, sentence(error))


async def _validation_problem(request: Request, error: RequestValidationError) -> JSONResponse:
    problems = [_describe_error(one) for one in error.errors()[:10]]
    return document(422, problems[0]["detail"], errors=problems)


def _describe_error(error: Mapping[str, Any]) -> dict[str, str]:
    """Describe one of pydantic's errors without its input, which pydantic quotes."""
    kind, location = error["type"], list(error["loc"])
    source, path = location[0], [one for one in location[1:] if one not in (TEXTS, DOCUMENTS)]
    if source == "body" and (kind == "model_attributes_type" or (kind == "missing" and not path)):
        return {"pointer": "#", "detail": _NO_BODY}
    if kind == "extra_forbidden":  # the field's name is the client's: do not repeat it
        return {"pointer": "#", "detail": "There is a field that is not known; see /docs."}
    field = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path).lstrip(".")
    # pydantic puts these words before the message of a ValueError of ours
    message = error["msg"].removeprefix("Value error, ")
    template = _SENTENCES.get(kind, "{message}" if kind == "value_error" else "{where}: {message}.")
    pointer = "#" + "".join(f"/{one}" for one in path) if source == "body" else f"?{field}"
    return {"pointer": pointer, "detail": template.format(where=f"`{field}`", message=message)}
