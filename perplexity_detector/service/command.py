"""The command `serve`: options -> settings, and the detector that is to be loaded."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_detector.errors import InputError
from perplexity_detector.options import rate, string, whole
from perplexity_detector.service.settings import API_KEY, MEGABYTE, Settings

if TYPE_CHECKING:
    from perplexity_detector.service.engine import Engine

_PACKAGES = ("fastapi", "fastapi_swagger", "multipart", "prometheus_client", "uvicorn")


def serve(
    data: Path,
    host: object,
    port: object,
    detector: object,
    lm: object,
    fpr: object,
    device: str,
    dtype: str,
    **limits: object,
) -> None:
    """Serve until stopped; options as `My_TextClassifier_Model.serve` takes them.

    Args:
        data: the folder with published model and log.
        host: address.
        port: from 0 on, where 0 is any that is free.
        detector: as in predict.
        lm: as in predict.
        fpr: false-positive rate of verdicts.
        device: auto, cpu or cuda.
        dtype: auto, float32, bfloat16 or float16.
        **limits: max_texts, max_characters, max_megabytes and queue_tokens.

    Raises:
        InputError: an option has no such value, or the extra `service` is not installed.
    """
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise InputError(
            f"The service needs {missing[0]}: pip install 'perplexity-detector[service]'."
        )
    most = {name: whole(name, value, 1) for name, value in limits.items()}
    max_file = most.pop("max_megabytes") * MEGABYTE
    settings = Settings(data, api_key=key_of_environment(), max_file=max_file, **most)
    if (number := whole("port", port)) > 65_535:
        raise InputError(f"--port is at most 65535, not {number}.")
    fpr = None if fpr is None else rate(fpr)

    from perplexity_detector.service.server import serve as listen

    def load() -> Engine:
        # seconds of imports, for which nobody who asks for /healthz should wait
        from perplexity_detector.persistence import is_there
        from perplexity_detector.service.engine import Engine
        from perplexity_detector.workflows import PUBLISHED, SHIPPED, load_detector

        loaded = load_detector(data, string(detector), string(lm), fpr, device=device, dtype=dtype)
        name = detector or (PUBLISHED if is_there(data / PUBLISHED) else SHIPPED)
        return Engine(loaded, Path(str(name)).name)

    listen(load, settings, str(host), number)


def key_of_environment() -> str | None:
    """The key that requests must show, if one is set.

    Raises:
        InputError: it is set and empty, which would be no key at all.
    """
    key = os.environ.get(API_KEY)
    if key is not None and not key.strip():
        raise InputError(f"{API_KEY} is empty: give it a long random value, or unset it.")
    return key
