"""Preparing labelled data: checks, balanced samples and weights, splits and folds."""
