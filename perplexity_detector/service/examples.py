"""Examples in the API's description: requests to a real service, and what it answered.

`python -m scripts.make_examples` records them.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

FILE = "examples.json"


def add_examples(paths: dict[str, Any]) -> None:
    """Add the recorded examples to the paths of an OpenAPI description.

    Args:
        paths: path -> method -> operation; changed in place.
    """
    recorded = json.loads((resources.files(__package__) / FILE).read_text(encoding="utf-8"))
    for operation, examples in recorded.items():
        method, path = operation.split()
        described = paths.get(path, {}).get(method.lower())
        if described is None:  # a route that this service does not offer
            continue
        for one in examples:
            if one["body"] is not None:
                content = described["requestBody"]["content"][one["media_type"]]
                _add(content, one["summary"], one["body"])
            content = described["responses"][one["status"]].get("content", {})
            if one["answer"] is not None:
                _add(content.setdefault(one["answer_type"], {}), one["summary"], one["answer"])


def _add(content: dict[str, Any], summary: str, value: Any) -> None:
    examples = content.setdefault("examples", {})
    examples[summary] = {"value": value}
