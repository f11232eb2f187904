"""The package's logger: all messages to a file, warnings and errors to the terminal.

No text of a user is ever logged.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOG_FILE = "log_file.log"
#: Size in bytes at which the file is rotated, and number of older files that are kept.
MAX_BYTES = 5_000_000
BACKUPS = 5
#: Longer messages are cut, so that none can hold a whole text by mistake.
MAX_CHARACTERS = 2_000
MAX_EXCEPTION_CHARACTERS = 500

#: Control characters, but for tab and line feed, and marks of direction.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_NAME = "perplexity_detector"
_WARNINGS = "py.warnings"  # the logger to which `logging.captureWarnings` sends warnings
_lock = threading.Lock()

# a library logs nothing unless the program sets up logging
logging.getLogger(_NAME).addHandler(logging.NullHandler())


def get_logger() -> logging.Logger:
    """Return the logger of all modules; silent until `configure` or the program's own set-up."""
    return logging.getLogger(_NAME)


def configure(folder: Path | None, *, verbose: bool = False) -> None:
    """Send all messages to a file, and warnings and errors to the terminal, without tracebacks.

    Can be called again, from any thread; it replaces the earlier set-up, so that a message is
    written once. If the folder cannot be written, a warning is logged to the terminal.

    Args:
        folder: folder of log_file.log, which is rotated; None keeps no file.
        verbose: whether the terminal gets every message.
    """
    logger = get_logger()
    with _lock:
        _detach()
        logger.setLevel(logging.INFO)
        logger.propagate = False  # otherwise handlers of the root logger write it again
        logger.addHandler(_TerminalHandler(logging.INFO if verbose else logging.WARNING))
        # Python's warnings are for programmers: they go to the file only
        logging.captureWarnings(True)
        logging.getLogger(_WARNINGS).propagate = False
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / LOG_FILE
            path.open("a", encoding="utf-8").close()
        except OSError as error:
            logger.warning("No log is kept: %s cannot be written (%s).", folder, error.strerror)
            return
        handler = _FileHandler(path)
        logger.addHandler(handler)
        logging.getLogger(_WARNINGS).addHandler(handler)


@contextmanager
def timed(logger: logging.Logger, what: str, **counts: object) -> Iterator[dict[str, object]]:
    """Log the start of a step, and its outcome and duration at the end.

    Args:
        logger: receives the messages.
        what: name of the step, such as "scoring".
        **counts: logged with it, such as `rows=5000`.

    Yields:
        The counts; further ones can be added, which are logged at the end.

    Example:
        >>> with timed(get_logger(), "reading", path="essays.csv") as counts:
        ...     counts["rows"] = 5000
    """
    logger.info("%s: started%s", what, _format_counts(counts))
    start = time.perf_counter()
    outcome = "finished"
    try:
        yield counts
    except BaseException as error:
        outcome = f"stopped by {type(error).__name__}"
        raise
    finally:
        seconds = time.perf_counter() - start
        logger.info("%s: %s after %.3f s%s", what, outcome, seconds, _format_counts(counts))


def _format_counts(counts: dict[str, object]) -> str:
    return "".join(f", {name}={value}" for name, value in counts.items())


def printable(text: str) -> str:
    r"""The text with escapes for characters that a terminal would act on; line breaks stay.

    Ids and file names can hold any: sequences that clear the screen or rename the window, and
    marks that turn the direction of what follows.

    Example:
        >>> printable("a\x1b[2Jb")
        'a\\x1b[2Jb'
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _detach() -> None:
    for name in (_NAME, _WARNINGS):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if isinstance(handler, (_TerminalHandler, _FileHandler)):
                logger.removeHandler(handler)
                handler.close()


def _cut(message: str, characters: int = MAX_CHARACTERS) -> str:
    return message if len(message) <= characters else message[:characters] + " ... (cut)"


class _FileFormatter(logging.Formatter):
    """Formats time with milliseconds and UTC offset, process, level, message and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created).astimezone()
        stamp = when.isoformat(sep=" ", timespec="milliseconds")
        line = f"{stamp} {record.process} {record.levelname} {_cut(record.getMessage())}"
        if record.exc_info:
            # cut frame by frame, since an exception's message can hold a text
            parts = traceback.format_exception(*record.exc_info)
            line += "\n" + "".join(_cut(part, MAX_EXCEPTION_CHARACTERS) for part in parts)
        # further lines are indented, so that no message can pass for another record
        return printable(line.rstrip()).replace("\n", "\n    ")


class _SentenceFormatter(logging.Formatter):
    """Formats the message alone; the traceback is in the file."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(_cut(record.getMessage()))


class _FileHandler(RotatingFileHandler):
    """The rotating log file; if it cannot be written any more, the terminal shows that once."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", delay=True
        )
        self.setLevel(logging.INFO)
        self.setFormatter(_FileFormatter())

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        for name in (_NAME, _WARNINGS):
            logging.getLogger(name).removeHandler(self)
        get_logger().warning("The log ends here: %s (%s).", self.baseFilename, error.strerror)


class _TerminalHandler(logging.Handler):
    """Writes messages to standard error, above a progress bar if there is one."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.setFormatter(_SentenceFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        # looked up each time: stderr may be replaced, and tqdm is imported if there is a bar
        terminal, tqdm = sys.stderr, sys.modules.get("tqdm")
        sentence = self.format(record)
        with suppress(OSError, ValueError):  # a closed terminal must not stop the work
            if tqdm is not None and terminal is not None:
                tqdm.tqdm.write(sentence, file=terminal)
            elif terminal is not None:
                terminal.write(sentence + "\n")
                terminal.flush()
