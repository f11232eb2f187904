"""Settings of the documentation; `make docs` builds it."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent)]

project = "perplexity-detector"
author = "The perplexity-detector authors"
project_copyright = f"2026, {author}"
release = installed_version("perplexity-detector")
version = release

extensions = [
    "feature_families",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build", "_extensions"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# `name` in a docstring is code, and name_ a fitted attribute
default_role = "literal"
strip_signature_backslash = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_type_aliases = {"npt.ArrayLike": "ArrayLike", "Floats": "ndarray", "Integers": "ndarray"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"perplexity-detector {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0072b2"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}


def setup(app: Sphinx) -> None:
    """Adapt docstrings to what Sphinx expects."""
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-docstring", _escape)


def _escape(
    app: object, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Of formulas and options: `|` is no substitution, and `--name` no dash."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith(">>>"):
            pieces = line.split("`")  # every other one is code already
            pieces[::2] = [re.sub(r"(--\w[\w=.]*)", r"`\1`", one) for one in pieces[::2]]
            pieces[::2] = [one.replace("|", r"\|") for one in pieces[::2]]
            lines[number] = "`".join(pieces)


def _skip(app: object, kind: str, name: str, member: object, *_: object) -> bool | None:
    """What scikit-learn adds to every estimator, and fields of which only the number is known."""
    from_sklearn = str(getattr(member, "__module__", "")).startswith("sklearn")
    is_numbered = str(getattr(member, "__doc__", "")).startswith("Alias for field number")
    return True if is_numbered or (from_sklearn and not name.startswith("__")) else None
