"""Check a file of trees before XGBoost reads it, which trusts it: a wrong index is a crash."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from perplexity_detector.io import ubjson

#: Deepest tree: SHAP values take memory that grows with the square of the depth.
_MAX_DEPTH = 256
#: What a tree of the file has for each of its nodes: whole numbers, and numbers.
_WHOLE = ("left_children", "right_children", "parents", "split_indices", "split_type",
          "default_left")  # fmt: skip
_REAL = ("split_conditions", "base_weights", "sum_hessian", "loss_changes")
#: What it has of categories, which no feature has.
_EMPTY = ("categories", "categories_nodes", "categories_segments", "categories_sizes")


def check_trees(content: bytes) -> None:
    """Check that a file in XGBoost's binary form holds trees for two classes, and only these.

    Raises:
        ValueError: it does not.
        KeyError, TypeError, AttributeError: it lacks something, or has it in another type.
    """
    model = ubjson.from_bytes(content)
    version = model["version"]
    _require(len(version) == 3 and all(0 <= int(part) < 1000 for part in version), "version")
    learner = model["learner"]
    parameters = learner["learner_model_param"]
    n_features = _count(parameters["num_feature"])
    _require(_count(parameters["num_class"]) == 0, "num_class")
    _require(_count(parameters.get("num_target", "1")) == 1, "num_target")
    _require(0 < float(parameters["base_score"].strip("[]")) < 1, "base_score")
    objective = learner["objective"]
    _require(objective["name"] == "binary:logistic", "objective")
    weight = float(objective["reg_loss_param"]["scale_pos_weight"])
    _require(0 < weight < math.inf, "scale_pos_weight")
    names = learner.get("feature_names", [])
    _require(len(names) in (0, n_features), "feature_names")
    _require(all(isinstance(name, str) for name in names), "feature_names")
    _require(len(learner.get("feature_types", [])) == 0, "feature_types")
    boosting = learner["gradient_booster"]
    _require(boosting["name"] == "gbtree", "gradient_booster")
    _check_forest(boosting["model"], n_features)


def _check_forest(forest: Mapping[str, Any], n_features: int) -> None:
    trees = forest["trees"]
    parameters = forest["gbtree_model_param"]
    _require(_count(parameters["num_trees"]) == len(trees), "num_trees")
    _require(1 <= _count(parameters["num_parallel_tree"]) <= max(1, len(trees)), "num_parallel")
    classes = np.asarray(forest["tree_info"])
    _require(classes.shape == (len(trees),) and not classes.any(), "tree_info")
    if "iteration_indptr" in forest:
        starts = np.asarray(forest["iteration_indptr"])
        _require(starts.ndim == 1 and starts.size > 0 and starts.dtype.kind == "i", "indptr")
        _require(starts[0] == 0 and starts[-1] == len(trees), "indptr")
        _require(bool((np.diff(starts) >= 0).all()), "indptr")
    _require(not any(map(len, forest.get("cats", {}).values())), "cats")
    for index, tree in enumerate(trees):
        _require(int(tree["id"]) == index, "id")
        _check_tree(tree, n_features)


def _check_tree(tree: Mapping[str, Any], n_features: int) -> None:
    parameters = tree["tree_param"]
    n_nodes = _count(parameters["num_nodes"])
    _require(n_nodes > 0, "num_nodes")
    _require(_count(parameters["num_feature"]) == n_features, "num_feature")
    _require(_count(parameters["num_deleted"]) <= n_nodes, "num_deleted")
    _require(_count(parameters["size_leaf_vector"]) <= 1, "size_leaf_vector")
    _require(not any(len(tree[name]) for name in _EMPTY), "categories")
    for name in (*_WHOLE, *_REAL):
        array = tree[name]
        _require(isinstance(array, np.ndarray) and array.shape == (n_nodes,), name)
        _require(array.dtype.kind in ("f" if name in _REAL else "iu"), name)
    _require(not tree["split_type"].any() and tree["default_left"].max() <= 1, "split_type")
    for name in ("split_conditions", "base_weights", "sum_hessian"):
        _require(bool(np.isfinite(tree[name]).all()), name)
    left, right = tree["left_children"], tree["right_children"]
    leaf = left == -1
    _require(bool(((right == -1) == leaf).all()), "children")
    children = np.concatenate([left[~leaf], right[~leaf]])
    # with one parent each, and none for the root, the nodes below the root make a tree
    _require(len(np.unique(children)) == len(children), "children")
    _require(bool(((children > 0) & (children < n_nodes)).all()), "children")
    features = tree["split_indices"]
    _require(bool(((features >= 0) & (features < n_features))[~leaf].all()), "split_indices")
    _require(bool((tree["sum_hessian"][~leaf] > 0).all()), "sum_hessian")
    inner = np.flatnonzero(~leaf)
    for side in (left, right):
        _require(bool((tree["parents"][side[inner]] == inner).all()), "parents")
    _require(_depth(left, right) <= _MAX_DEPTH, "depth")


def _depth(left: np.ndarray, right: np.ndarray) -> int:
    level, depth = np.zeros(1, np.int64), 0
    while level.size and depth <= _MAX_DEPTH:
        below = np.concatenate([left[level], right[level]])
        level, depth = below[below >= 0], depth + 1
    return depth


def _count(written: str) -> int:
    """A number that is written as XGBoost writes it."""
    number = int(written)
    _require(number >= 0 and str(number) == written, "a number")
    return number


def _require(true: bool, what: str) -> None:
    if not true:
        raise ValueError(f"{what} of the trees cannot be right")
