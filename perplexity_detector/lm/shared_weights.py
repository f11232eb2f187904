"""One copy of the weights for models that differ in depth alone."""

from __future__ import annotations

from torch import nn


def share_weights(model: nn.Module, other: nn.Module) -> None:
    """Let a model compute with the layers of another, in place.

    Args:
        model: its own copies of layers that the other has, too, are freed.
        other: with the same weights, as `LanguageModelScorer.identity` tells.
    """
    theirs = dict(other.named_modules())
    for name, layer in list(model.named_modules()):
        same = theirs.get(name)
        if same is not None and type(same) is type(layer) and not list(layer.children()):
            _replace(model, name, same)


def remove_layer(model: nn.Module, layer: nn.Module) -> None:
    """Free a layer of a model that is not needed any more."""
    for name, found in list(model.named_modules()):
        if found is layer:
            _replace(model, name, nn.Identity())


def _replace(model: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, layer)
