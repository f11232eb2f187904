"""The version of the package, which is written in pyproject.toml alone."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("perplexity-detector")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"
