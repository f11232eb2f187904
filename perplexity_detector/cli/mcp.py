"""The command `mcp`: a detector for clients of the Model Context Protocol."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from perplexity_detector.cli.base import Commands
from perplexity_detector.cli.options import parse_rate, parse_str
from perplexity_detector.errors import InputError

if TYPE_CHECKING:
    from perplexity_detector.service.engine import Engine


class McpCommand(Commands):
    """The command `mcp`."""

    def mcp(
        self,
        detector: str | None = None,
        lm: str | None = None,
        fpr: float | None = None,
        device: str = "auto",
        precision: str | None = None,
    ) -> None:
        """Answer a client of the Model Context Protocol on standard input and output.

        Its tools are detect_text, detect_files, explain and list_detectors. Besides the detector
        that is chosen here, a client can name any in ./data/detectors and the shipped ones.

        Args:
            detector: auto, standard, fast or a folder; ./data/model, else auto, if not given.
            lm: folder of the detector's language model, if it was moved after training.
            fpr: false-positive rate of verdicts, from 0 to 1; the detector's if not given.
            device: auto, cpu or cuda.
            precision: float32, bfloat16, float16, int8 (CPU: faster, less exact), or auto:
                bfloat16 where that is faster and changes no verdict on a few texts, measured once
                on this machine; if not given, float32, or bfloat16 on a GPU that has it.
        """
        self._log(
            "mcp",
            {"detector": detector, "lm": lm, "fpr": fpr, "device": device, "precision": precision},
        )
        rate = None if fpr is None else parse_rate(fpr)
        if find_spec("mcp") is None:
            raise InputError(
                "The server needs the package mcp", hint="pip install 'perplexity-detector[mcp]'"
            )
        from perplexity_detector.detectors.loading import detector_name, offered_detectors
        from perplexity_detector.mcp_server import create_server

        default = detector_name(self._data, parse_str(detector))

        def load(name: str | None) -> Engine:
            from perplexity_detector.service.engine import Engine

            folder = detector if name is None else offered_detectors(self._data)[name]
            loaded = self._load_detector(folder, lm, rate, device, precision)
            return Engine(loaded, default if name is None else name)

        create_server(load, default, self._data).run("stdio")
