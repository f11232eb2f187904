"""Rows of a labelled dataset: checks, balanced samples and weights, splits and folds."""
