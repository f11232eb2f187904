"""How much the hostile tests try: a part in `make test`, the whole in `make test-hostile`."""

import os


def number(part: int, whole: int) -> int:
    """The first, or with `HOSTILE=whole` in the environment the second."""
    return whole if os.environ.get("HOSTILE") == "whole" else part
