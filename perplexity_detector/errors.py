"""Errors that a user can cause: what is wrong, which parameter to change, and how.

A hint writes a parameter as `{name}`. Each front end puts its own form there: the library the
name itself, the command line `--name`, the service `?name`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_FIELD = re.compile(r"\{(\w+)\}")


class PerplexityDetectorError(Exception):
    """Base of every error that a user can cause.

    Args:
        message: what is wrong, as a sentence; without its full stop if a hint follows.
        parameter: the argument that has to change, if it is one.
        hint: what to do; a parameter in it is written `{name}`.
        **values: for fields of the hint that are no parameters, such as a path or a name that
            the user gave. They are inserted as they are, braces included.

    Example:
        >>> hint = "pull it, or pass {lm}={folder}"
        >>> error = InputError("There is no model gpt3", "lm", hint, folder="{FOLDER}")
        >>> str(error)
        'There is no model gpt3: pull it, or pass lm={FOLDER}.'
        >>> error.worded(lambda name: f"--{name}")
        'There is no model gpt3: pull it, or pass --lm={FOLDER}.'
    """

    def __init__(
        self, message: str, parameter: str | None = None, hint: str = "", **values: object
    ) -> None:
        super().__init__(message, parameter, hint)
        self.message = message
        self.parameter = parameter
        self.hint = hint
        self.values = values

    def __str__(self) -> str:
        return self.worded(str)

    def worded(self, form: Callable[[str], str]) -> str:
        """The whole sentence, with parameters in a front end's own form.

        Args:
            form: from a parameter's name to how the front end writes it.
        """
        if not self.hint:
            return self.message

        def written(field: re.Match[str]) -> str:
            name = field[1]
            return str(self.values[name]) if name in self.values else form(name)

        return f"{self.message}: {_FIELD.sub(written, self.hint)}."


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
