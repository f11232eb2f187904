"""A server of the Model Context Protocol: a language model's client calls the detector as tools."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, cast

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from perplexity_detector.classifier import persistence
from perplexity_detector.detectors.loading import CASCADE, offered_detectors
from perplexity_detector.errors import InputError, PerplexityDetectorError
from perplexity_detector.io.datasets import Columns
from perplexity_detector.io.texts import is_documents, read_chunks
from perplexity_detector.logs import get_logger
from perplexity_detector.pipelines.predict import CHUNK_ROWS, DETAILS, DOCUMENT_DETAILS, score
from perplexity_detector.service.engine import Engine
from perplexity_detector.version import __version__

#: Texts of one file that are read by default: a thousand fill a client's context.
MAX_TEXTS = 100
_INSTRUCTIONS = (
    "Estimates whether an English text was written by a person or by a language model. The "
    "verdict is `human`, `generated`, `uncertain` or `mixed` (passages read as generated), at the "
    "false-positive rate `fpr`. A probability is not a proof: never accuse anyone on it alone. "
    "Texts are read on this machine; they are neither sent anywhere nor logged."
)
_READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)

Text = Annotated[str, Field(description="the text, unchanged")]
Name = Annotated[
    str | None, Field(description="a detector that `list_detectors` names; else the default one")
]


def create_server(load: Callable[[str | None], Engine], default: str, data: Path) -> MCPServer:
    """Make a server that is not running yet.

    Args:
        load: returns the engine of a detector by name; None is the default one. Called when a
            detector is first used.
        default: name of the default detector.
        data: the folder of published detectors.
    """
    tools = _Tools(load, default, data)
    # only failures of ours are of use on the terminal; the package would add what a client sent
    server = MCPServer(
        "perplexity-detector",
        version=__version__,
        instructions=_INSTRUCTIONS,
        log_level="CRITICAL",
    )
    for tool in (tools.detect_text, tools.detect_files, tools.explain, tools.list_detectors):
        server.add_tool(tool, annotations=_READ_ONLY)
    return server


class _Tools:
    """The tools; their docstrings are what a client reads of them."""

    def __init__(self, load: Callable[[str | None], Engine], default: str, data: Path) -> None:
        self._load = load
        self._default = default
        self._data = data
        self._engines: dict[str, Engine] = {}
        self._lock = Lock()  # tools run in threads, and a detector in one thread at a time

    def detect_text(self, text: Text, detector: Name = None) -> dict[str, Any]:
        """Probability that a language model wrote a text, with verdict, note and reasons.

        A text of fewer than 50 words gets the verdict `uncertain`.
        """
        with self._engine(detector) as engine:
            (result,) = engine.predictions([text])
            return {**_heading(engine), **result}

    def detect_files(
        self,
        paths: Annotated[
            list[str],
            Field(
                description="documents (PDF, docx, html, md, txt), folders or zips of them, or "
                "csv, tsv, jsonl or parquet files"
            ),
        ],
        detector: Name = None,
        id_column: Annotated[str, Field(description="a table's column of ids")] = "id",
        text_column: Annotated[str, Field(description="a table's column of texts")] = "text",
        max_texts: Annotated[
            int, Field(ge=1, description="texts to read of each file")
        ] = MAX_TEXTS,
    ) -> dict[str, Any]:
        """Probability, verdict and reasons of each text in files on this machine.

        A file that cannot be read has a `problem` and costs the other files nothing. `complete`
        is false where a file has more than `max_texts` texts.
        """
        with self._engine(detector) as engine:
            columns = Columns(id=id_column, text=text_column)
            files = [_scored_file(path, engine, columns, max_texts) for path in paths]
            return {**_heading(engine), "files": files}

    def explain(self, text: Text, detector: Name = None) -> dict[str, Any]:
        """The evidence behind the verdict on a text: reasons, sentences, features, limits.

        Sentences and features have scores and contributions; positive ones favour `generated`.
        """
        with self._engine(detector) as engine:
            (explanation,) = engine.explanations([text])
        # a row a token would fill the client's context
        return {name: value for name, value in explanation.to_dict().items() if name != "tokens"}

    def list_detectors(self) -> dict[str, Any]:
        """The detectors that can be asked, with their training texts and false-positive rate."""
        with _worded():
            offered = offered_detectors(self._data)
            detectors = [_described(name, folder) for name, folder in offered.items()]
            if self._default == CASCADE:
                detectors.insert(0, {"name": CASCADE, "model": "standard, with an early exit"})
        return {"default": self._default, "detectors": detectors}

    @contextmanager
    def _engine(self, name: str | None) -> Iterator[Engine]:
        """The engine of a detector, for one thread; an error within becomes the tool's."""
        with _worded(), self._lock:
            chosen = self._default if name is None else name
            if chosen not in self._engines:
                offered = offered_detectors(self._data)
                if name is not None and name != self._default and name not in offered:
                    raise InputError(
                        f"There is no detector of this name: choose from {', '.join(offered)}."
                    )
                self._engines[chosen] = self._load(None if chosen == self._default else chosen)
            yield self._engines[chosen]


def _heading(engine: Engine) -> dict[str, Any]:
    return {"detector": engine.name, "fpr": engine.fpr, "provenance": engine.provenance()}


def _scored_file(path: str, engine: Engine, columns: Columns, max_texts: int) -> dict[str, Any]:
    results: list[dict[str, Any]] = []
    complete = True
    # absolute, since the path `-` would be standard input, on which the client speaks
    place = Path(path).expanduser().absolute()
    shown = list(DOCUMENT_DETAILS if is_documents(place) else DETAILS)
    try:
        for chunk in read_chunks(place, columns, chunk_rows=CHUNK_ROWS):
            chosen = chunk[: max_texts - len(results)]
            scored = score(chosen, engine.detector, why=True)[shown]
            scored = scored.astype(object).where(scored.notna(), None)  # JSON has no NaN
            results += cast("list[dict[str, Any]]", scored.to_dict("records"))
            if not (complete := len(chosen) == len(chunk)):
                break
    except PerplexityDetectorError as error:
        return {"path": path, "problem": _sentence(error)}
    verdicts = Counter(str(one["verdict"]) for one in results)
    return {"path": path, "complete": complete, "verdicts": dict(verdicts), "results": results}


def _described(name: str, folder: Path) -> dict[str, Any]:
    try:
        config = persistence.read(folder).config
    except PerplexityDetectorError as error:
        return {"name": name, "problem": _sentence(error)}
    training = config["training"]
    return {
        "name": name,
        "model": config["model"],
        "fpr": config["hyper_parameters"].get("fpr"),
        "training_texts": training.get("texts"),
        "recalibrated_on": training.get("recalibrated_on"),
    }


@contextmanager
def _worded() -> Iterator[None]:
    """Errors of a user as sentences for the client; others stay in the log, without a text."""
    try:
        yield
    except PerplexityDetectorError as error:
        raise ToolError(_sentence(error)) from None
    except Exception as error:
        # the exception's message can hold a text
        frames = "".join(traceback.format_tb(error.__traceback__))
        get_logger().error("a tool failed: %s\n%s", type(error).__name__, frames)
        raise ToolError(
            "Something went wrong that should not; the log of the server has the details."
        ) from None


def _sentence(error: PerplexityDetectorError) -> str:
    return error.worded(lambda name: f"`{name}`")
