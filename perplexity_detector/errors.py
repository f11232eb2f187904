"""Errors that a user can cause: what is wrong, which parameter to change, and how.

A hint writes a parameter as `{name}`. Each front end puts its own form there: the library the
name itself, the command line `--name`, the service `?name`. A hint to call a function of the
library has a `Call` among its values, which the command line writes as a command.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_FIELD = re.compile(r"\{(\w+)\}")


class Call:
    """A call of one of the library's functions, for a hint.

    Args:
        function: its full name.
        *arguments: by place.
        **named: by name.

    Example:
        >>> print(Call("perplexity_detector.lm.pull.pull", "gpt2", revision="main"))
        perplexity_detector.lm.pull.pull('gpt2', revision='main')
    """

    def __init__(self, function: str, *arguments: str, **named: str) -> None:
        self.function = function
        self.arguments = arguments
        self.named = named

    def __str__(self) -> str:
        named = [f"{name}={value!r}" for name, value in self.named.items()]
        return f"{self.function}({', '.join([*map(repr, self.arguments), *named])})"


class PerplexityDetectorError(Exception):
    """Base of every error that a user can cause.

    Args:
        message: what is wrong, as a sentence; without its full stop if a hint follows.
        parameter: the argument that has to change, if it is one.
        hint: what to do; a parameter in it is written `{name}`.
        **values: for fields of the hint that are no parameters, such as a path or a name that
            the user gave, or a `Call`. They are inserted as they are, braces included.

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

    def worded(self, form: Callable[[str], str], call: Callable[[Call], str] = str) -> str:
        """The whole sentence, with parameters and calls in a front end's own form.

        Args:
            form: from a parameter's name to how the front end writes it.
            call: from a call of a function to how the front end writes it.
        """
        if not self.hint:
            return self.message

        def written(field: re.Match[str]) -> str:
            name = field[1]
            if name not in self.values:
                return form(name)
            value = self.values[name]
            return call(value) if isinstance(value, Call) else str(value)

        return f"{self.message}: {_FIELD.sub(written, self.hint)}."


class DatasetError(PerplexityDetectorError):
    """A dataset cannot be read, or lacks what the command needs."""


class TooLargeError(DatasetError):
    """A dataset is larger than the limits within which files are read."""


class LanguageModelError(PerplexityDetectorError):
    """A language model is missing, broken or of a kind that cannot score text."""


class ArtefactError(PerplexityDetectorError):
    """A saved detector is missing, incomplete, altered or of another format version."""


class TrackingError(PerplexityDetectorError):
    """MLflow is missing or its store cannot be written; the training itself is not affected."""


class InputError(PerplexityDetectorError, ValueError):
    """An argument has a value that cannot be used."""
