"""The OpenAPI description: exactly the statuses that each operation can answer with."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from perplexity_detector.service.examples import add_examples
from perplexity_detector.service.middleware import PUBLIC_PATHS
from perplexity_detector.service.origins import ANY_HOST, READING
from perplexity_detector.service.problem_details import documented
from perplexity_detector.service.schemas import ProblemDocument

ABOUT = """Estimates whether an English text was written by a person or by a language model.

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
#: FastAPI's own schema of a 422, which it adds to every operation with a parameter.
_OF_FASTAPI = "#/components/schemas/HTTPValidationError"


def describe(app: FastAPI, with_key: bool) -> dict[str, Any]:
    """The description of an app, with problems, examples and the API key.

    Args:
        app: the service; its routes say what they answer themselves (`responses`).
        with_key: whether requests need an API key.
    """
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes,
        tags=_TAGS,
    )  # fmt: skip
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            operation["responses"] = _responses(path, method.upper(), operation)
            if with_key and path in PUBLIC_PATHS:
                operation["security"] = []
    add_examples(schema["paths"])
    components = schema.setdefault("components", {})
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"][ProblemDocument.__name__] = ProblemDocument.model_json_schema()
    if with_key:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"key": []}]
    return schema


def _responses(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """The responses of an operation by status: its route's, and those of the middleware."""
    of_route = {
        status: response
        for status, response in operation["responses"].items()
        if _OF_FASTAPI not in str(response)
    }
    general = [
        *([] if path in PUBLIC_PATHS else [401]),
        *([] if method in READING else [403]),
        *([408, 413] if "requestBody" in operation else []),
        *([] if path in ANY_HOST else [421]),
    ]
    added = {str(status): response for status, response in documented(*general).items()}
    return dict(sorted({**added, **of_route}.items()))
