"""The command `serve`: options -> settings of a service, and the detector it is to load."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from perplexity_detector.cli.base import Commands
from perplexity_detector.cli.options import parse_int, parse_rate, parse_str
from perplexity_detector.errors import InputError
from perplexity_detector.service.settings import API_KEY, MEGABYTE, Settings

if TYPE_CHECKING:
    from perplexity_detector.service.engine import Engine

#: What the extra `service` brings, by the names they are imported by.
_PACKAGES = ("fastapi", "fastapi_swagger", "prometheus_client", "python_multipart", "uvicorn")


class ServeCommand(Commands):
    """Serves."""

    def serve(
        self,
        host: str = "127.0.0.1",
        port: int = 8000,
        detector: str | None = None,
        lm: str | None = None,
        fpr: float | None = None,
        device: str = "auto",
        precision: str = "auto",
        max_texts: int = Settings.max_texts,
        max_characters: int = Settings.max_characters,
        max_megabytes: int = Settings.max_file // MEGABYTE,
        queue_tokens: int = Settings.queue_tokens,
    ) -> None:
        """Answer over HTTP, until stopped: a page for people at /, the API at /docs.

        Where the environment variable PERPLEXITY_DETECTOR_API_KEY is set, requests must show it.

        Args:
            host: address to listen on; 0.0.0.0 for other machines to reach.
            port: port to listen on; 0 takes any that is free.
            detector: fast, standard or a folder; as in predict.
            lm: as in predict.
            fpr: false-positive rate of verdicts, from 0 to 1; the detector's if not given.
            device: auto, cpu or cuda.
            precision: auto, float32, bfloat16, float16 or int8.
            max_texts: texts in one request, at most.
            max_characters: characters in one text, at most.
            max_megabytes: size of a file, at most.
            queue_tokens: tokens that may wait to be read; who comes then is told to come later.
        """
        limits = {
            "max_texts": max_texts, "max_characters": max_characters,
            "max_megabytes": max_megabytes, "queue_tokens": queue_tokens,
        }  # fmt: skip
        self._log(
            "serve",
            {"host": host, "port": port, "detector": detector, "lm": lm, "fpr": fpr}
            | {"device": device, "precision": precision, **limits},
        )
        _require_packages()
        fpr = None if fpr is None else parse_rate(fpr)
        if parse_int("port", port) > 65_535:
            raise InputError(f"--port is at most 65535, not {port}.")
        most = {name: parse_int(name, value, 1) for name, value in limits.items()}
        max_file = most.pop("max_megabytes") * MEGABYTE
        settings = Settings(self._data, _key(), max_file=max_file, **most)

        def load() -> Engine:
            # seconds of imports, for which who asks for /healthz should not wait
            from perplexity_detector.detectors.loading import detector_name, load_detector
            from perplexity_detector.service.engine import Engine

            loaded = load_detector(
                self._data,
                parse_str(detector),
                parse_str(lm),
                fpr,
                device=device,
                precision=precision,
            )
            return Engine(loaded, detector_name(self._data, parse_str(detector)))

        from perplexity_detector.service.server import serve as listen

        listen(load, settings, str(host), port)


def _require_packages() -> None:
    for name in _PACKAGES:
        try:
            missing = find_spec(name) is None
        except ValueError:  # a module without a spec, such as None
            missing = True
        if missing:
            raise InputError(
                f"The service needs {name}: pip install 'perplexity-detector[service]'."
            )


def _key() -> str | None:
    """The key that requests must show, if one is set."""
    key = os.environ.get(API_KEY)
    if key is not None and not key.strip():
        raise InputError(f"{API_KEY} is empty: give it a long random value, or unset it.")
    return None if key is None else key.strip()
