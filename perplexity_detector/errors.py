"""Errors that a user can cause: what is wrong, which parameter to change, and how.

Library code names parameters in a hint as `{name}`. Each front end puts its own form there: the
library the name itself, the command line `--name`, the service `?name`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class PerplexityDetectorError(Exception):
    """Base of every error that a user can cause.

    Args:
        message: what is wrong, as a sentence without its full stop if a hint follows.
        parameter: the argument that has to change, if it is one.
        hint: what to do; a parameter in it is written `{name}`.

    Example:
        >>> error = InputError("x.csv is in UTF-16", "encoding", "pass {encoding}=utf-16")
        >>> str(error)
        'x.csv is in UTF-16: pass encoding=utf-16.'
        >>> error.worded(lambda name: f"--{name}")
        'x.csv is in UTF-16: pass --encoding=utf-16.'
    """

    def __init__(self, message: str, parameter: str | None = None, hint: str = "") -> None:
        super().__init__(message, parameter, hint)
        self.message = message
        self.parameter = parameter
        self.hint = hint

    def __str__(self) -> str:
        return self.worded(str)

    def worded(self, form: Callable[[str], str]) -> str:
        """The whole sentence, with parameters in a front end's own form.

        Args:
            form: from a parameter's name to how the front end writes it.
        """
        if not self.hint:
            return self.message
        return f"{self.message}: {self.hint.format_map(_Forms(form))}."


class _Forms(dict[str, str]):
    """Any parameter -> its form."""

    def __init__(self, form: Callable[[str], str]) -> None:
        super().__init__()
        self._form = form

    def __missing__(self, name: str) -> Any:
        return self._form(name)


class DatasetError(PerplexityDetectorError):
    """A dataset cannot be read, or lacks what the command needs."""


class LanguageModelError(PerplexityDetectorError):
    """A language model is missing, broken or of a kind that cannot score text."""


class ArtefactError(PerplexityDetectorError):
    """A saved detector is missing, incomplete, altered or of another format version."""


class TrackingError(PerplexityDetectorError):
    """MLflow is missing or its store cannot be written; the training itself is not affected."""


class InputError(PerplexityDetectorError, ValueError):
    """An argument has a value that cannot be used."""
