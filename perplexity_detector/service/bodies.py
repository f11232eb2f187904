"""JSON bodies: of a large one only fields with texts are built, up to the first wrong value."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from msgspec import UNSET, UnsetType

from perplexity_detector.service.problem_details import NOT_JSON, Problem
from perplexity_detector.service.state import ServiceState

#: Bytes from which a body is large: what a smaller one holds costs milliseconds, and its errors
#: name the field.
LARGE_BODY = 16_384


class OurFields(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of `schemas.OneText` and `schemas.Texts`."""

    text: str | UnsetType | None = UNSET
    texts: list[str] | UnsetType | None = UNSET
    id: str | UnsetType | None = UNSET
    left_out: msgspec.Raw | UnsetType = UNSET
    detector: str | UnsetType | None = UNSET


class DocumentFields(msgspec.Struct):
    """Fields of `gptzero.Documents`; others are ignored."""

    document: str | UnsetType | None = UNSET
    documents: list[str] | UnsetType | None = UNSET
    detector: str | UnsetType | None = UNSET


class TextsRequest(Request):
    """A request with texts, whose large body is refused at its first wrong value.

    Python's own parser first builds all that a body holds, which can take fifty times its size.
    """

    async def json(self) -> Any:
        """Return the body's value.

        Raises:
            Problem: 422, the body is no JSON, or a large one not what the routes for texts take.
        """
        body = await self.body()
        if len(body) < LARGE_BODY:
            try:
                return await super().json()
            except (ValueError, RecursionError):  # not UTF-8, or nested too deeply, too
                raise Problem(422, NOT_JSON) from None
        fields = _read_fields(body)
        service: ServiceState = self.app.state.service
        for value in fields.values():
            if isinstance(value, list):
                service.check_number(len(value))
        return fields


class TextsRoute(APIRoute):
    """A route that is asked by a `TextsRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function that answers a request."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            return await handler(TextsRequest(request.scope, request.receive))

        return answer


def _read_fields(body: bytes) -> dict[str, Any]:
    try:
        documents = msgspec.json.decode(body, type=DocumentFields)
        is_theirs = (documents.document, documents.documents) != (UNSET, UNSET)
        fields = documents if is_theirs else msgspec.json.decode(body, type=OurFields)
    except msgspec.ValidationError:
        # without its message, which may hold a name that the client chose
        raise Problem(
            422,
            "The body is no object of texts and lists of texts, or has a field that is not known; "
            "see /docs.",
        ) from None
    except (msgspec.DecodeError, RecursionError):
        raise Problem(422, NOT_JSON) from None
    given = msgspec.structs.asdict(fields)
    return {name: _built(value) for name, value in given.items() if value is not UNSET}


def _built(value: Any) -> Any:
    if not isinstance(value, msgspec.Raw):
        return value
    if len(bytes(value)) > LARGE_BODY:
        raise Problem(422, "`left_out` is too long; see /docs.")
    return json.loads(bytes(value))
