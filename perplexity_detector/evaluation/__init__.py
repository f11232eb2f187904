"""Evaluating scores: metrics with confidence intervals, tables and plots."""
