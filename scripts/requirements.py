"""Print the requirements of the package and of some extras, one a line, for pip.

Usage: python scripts/requirements.py EXTRA ...
"""

import sys
from itertools import chain
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10, whose pip brings a reader of its own
    from pip._vendor import tomli as tomllib  # type: ignore[no-redef]

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = [project["optional-dependencies"][name] for name in sys.argv[1:]]
print(*project["dependencies"], *chain.from_iterable(extras), sep="\n")
