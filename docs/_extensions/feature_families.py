"""The directive `feature-families`: every family with its features, from the package itself."""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.docutils import SphinxDirective

from perplexity_detector.features import style
from perplexity_detector.features.registry import OPTIONAL, available_families

NEEDS = {
    "text": "the text alone",
    "statistics": "token statistics, so the whole language model",
    "tokens": "the language model's tokens, but no pass of the model",
    "states": "hidden states",
}


class FeatureFamilies(SphinxDirective):
    """A heading, the docstring and a table of features for each family."""

    def run(self) -> list[nodes.Node]:
        """The parsed Markdown."""
        lines = [line for family in available_families().values() for line in described(family)]
        node = nodes.section()
        node.document = self.state.document
        content = StringList(lines, source="feature-families")
        self.state.nested_parse(content, self.content_offset, node, match_titles=True)
        children: list[nodes.Node] = node.children
        return children


def described(family: Any) -> list[str]:
    """Markdown about one family."""
    functions = [getattr(family.compute, "func", family.compute)]  # a partial has no docstring
    if family.name == "stylometry":
        functions += [function for module in modules_of(style) for function in computing(module)]
    facts = [f"Reads {NEEDS[family.requires]}.", f"Version {family.version}."]
    if hasattr(family, "fit"):
        facts.append("Learned from labelled texts, and cross-fitted.")
    if family.name in OPTIONAL:
        facts.append("Not used unless you ask for it.")
    return [
        f"## {family.name}",
        "",
        " ".join(facts),
        "",
        *(line for function in functions for line in documented(function)),
        f":::{{dropdown-table}} {len(family.labels)} features",
        *(f"{family.name}_{feature} | {label}" for feature, label in family.labels.items()),
        ":::",
        "",
    ]


def modules_of(package: ModuleType) -> list[ModuleType]:
    """The modules of a package."""
    return [
        import_module(f"{package.__name__}.{one.name}") for one in iter_modules(package.__path__)
    ]


def computing(module: ModuleType) -> list[Any]:
    """The public functions of a module that compute named features."""
    found = [
        function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and inspect.get_annotations(function).get("return") == "dict[str, float]"
    ]
    if not found:
        raise ValueError(f"{module.__name__} has no function that computes features")
    return found


def documented(function: Any) -> list[str]:
    """The docstring of a function, as Markdown, after a line that says where it is."""
    docstring = inspect.getdoc(function)
    if not docstring:
        raise ValueError(f"{function.__module__}.{function.__name__} has no docstring")
    text = str(GoogleDocstring(docstring.replace("|", r"\|").split("\nArgs:")[0]))
    place = f"`{function.__module__}.{function.__name__}`"
    return [f"Computed by {place}.", "", "```{eval-rst}", *text.splitlines(), "```", ""]


class FeatureTable(SphinxDirective):
    """Rows `name | label` as a table that opens with a click."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """A details element around a table."""
        rows = ["| feature | measures |", "|---|---|"]
        for line in self.content:
            name, _, label = line.partition(" | ")
            rows.append(f"| `{name}` | {label} |")
        inside = nodes.container()
        self.state.nested_parse(StringList(rows, source="feature-families"), 0, inside)
        opened = f"<details><summary>{self.arguments[0]}</summary>"
        return [
            nodes.raw("", opened, format="html"),
            *inside.children,
            nodes.raw("", "</details>", format="html"),
        ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("feature-families", FeatureFamilies)
    app.add_directive("dropdown-table", FeatureTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
