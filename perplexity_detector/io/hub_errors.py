"""Errors of the Hugging Face hub, each as one sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import errors

from perplexity_detector.errors import PerplexityDetectorError


@contextmanager
def hub_errors(
    name: str,
    kind: type[PerplexityDetectorError],
    parameter: str | None,
    hint: str,
    action: str = "pulled",
) -> Iterator[None]:
    """Whatever the hub's client raises, as one sentence.

    Args:
        name: of the model.
        kind: the error to raise.
        parameter: that named the model.
        hint: what to do where the hub cannot be reached.
        action: what was to be done with the model.
    """
    try:
        yield
    except PerplexityDetectorError:
        raise
    except errors.GatedRepoError as error:
        raise kind(
            f"{name} asks for its licence to be accepted",
            parameter,
            "accept it on the hub, then run `hf auth login`",
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise kind(
            f"The hub has no public model called {name}", parameter, "look up its exact name"
        ) from error
    except errors.RemoteEntryNotFoundError as error:
        raise kind(f"{name} on the hub lacks a file of such a model.", parameter) from error
    except errors.RevisionNotFoundError as error:
        raise kind(f"{name} has no such revision on the hub.", "revision") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EACCES, errno.EROFS):
            raise kind(f"{name} cannot be written to disk: {error}.") from error
        raise kind(
            f"The hub cannot be reached, so {name} cannot be {action} ({type(error).__name__})",
            parameter,
            hint,
        ) from error
