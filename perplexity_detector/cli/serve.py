"""The command `serve`: a detector over HTTP."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from perplexity_detector.cli.base import Commands
from perplexity_detector.cli.options import (
    parse_bool,
    parse_int,
    parse_positive_ints,
    parse_rate,
    parse_str,
)
from perplexity_detector.errors import InputError

if TYPE_CHECKING:
    from perplexity_detector.service.engine import Engine

#: What the extra `service` installs, by the names of the modules.
_PACKAGES = (
    "fastapi",
    "fastapi_swagger",
    "prometheus_client",
    "pydantic_settings",
    "python_multipart",
    "uvicorn",
)


class ServeCommand(Commands):
    """The command `serve`."""

    def serve(
        self,
        host: str = "127.0.0.1",
        port: int = 8000,
        detector: str | None = None,
        lm: str | None = None,
        fpr: float | None = None,
        device: str = "auto",
        precision: str | None = None,
        exhaustive: bool = True,
        max_texts: int | None = None,
        max_characters: int | None = None,
        max_megabytes: int | None = None,
        queue_tokens: int | None = None,
    ) -> None:
        """Answer over HTTP until stopped: a page at /, the API at /docs.

        Every limit can also be set by an environment variable, such as
        PERPLEXITY_DETECTOR_MAX_TEXTS; an option takes precedence. If PERPLEXITY_DETECTOR_API_KEY
        is set, requests must send that key.

        Args:
            host: address to listen on; 0.0.0.0 lets other machines connect.
            port: port to listen on; 0 takes any free one.
            detector: auto, standard, fast or a folder; ./data/model, else auto, if not given.
            lm: folder of the detector's language model, if it was moved after training.
            fpr: false-positive rate of verdicts, from 0 to 1; the detector's if not given.
            device: auto, cpu or cuda.
            precision: float32, bfloat16, float16, int8 (CPU: faster, less exact), or auto:
                bfloat16 where that is faster and changes no verdict on a few texts, measured once
                on this machine; if not given, float32, or bfloat16 on a GPU that has it.
            exhaustive: read all of a long document; False reads a sample where that settles the
                verdict, but a passage by a model can lie outside it.
            max_texts: limit of texts in one request; 1000 if not given.
            max_characters: limit of characters in one text; 50000 if not given.
            max_megabytes: limit of a file's size in megabytes; 100 if not given.
            queue_tokens: limit of tokens that wait to be read; 500000 if not given. Requests
                beyond it are asked to come back later.
        """
        limits = {
            "max_texts": max_texts, "max_characters": max_characters,
            "max_megabytes": max_megabytes, "queue_tokens": queue_tokens,
        }  # fmt: skip
        self._log(
            "serve",
            {"host": host, "port": port, "detector": detector, "lm": lm, "fpr": fpr}
            | {"device": device, "precision": precision, "exhaustive": exhaustive, **limits},
        )
        _require_packages()
        from perplexity_detector.service.settings import MEGABYTE, load_settings

        fpr = None if fpr is None else parse_rate(fpr)
        exhaustive = parse_bool("exhaustive", exhaustive)
        if parse_int("port", port) > 65_535:
            raise InputError(f"--port is at most 65535, not {port}.")
        given = parse_positive_ints(**limits)
        megabytes = given.pop("max_megabytes")
        max_file_bytes = None if megabytes is None else megabytes * MEGABYTE
        settings = load_settings(max_file_bytes=max_file_bytes, **given)

        def load() -> Engine:
            # this takes seconds, in which /healthz answers already
            loaded = self._load_detector(
                detector, lm, fpr, device, precision, exhaustive=exhaustive
            )
            from perplexity_detector.detectors.loading import detector_name
            from perplexity_detector.service.engine import Engine

            return Engine(loaded, detector_name(self._data, parse_str(detector)))

        from perplexity_detector.service.server import serve

        serve(load, settings, str(host), port, self._data)


def _require_packages() -> None:
    """Check that the extra `service` is installed.

    Raises:
        InputError: a package is missing.
    """
    for name in _PACKAGES:
        try:
            missing = find_spec(name) is None
        except ValueError:  # the module is loaded but has no spec
            missing = True
        if missing:
            raise InputError(
                f"The service needs {name}", hint="pip install 'perplexity-detector[service]'"
            )
