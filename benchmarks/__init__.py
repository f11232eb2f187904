"""Measurements behind the documentation's tables; results/*.json holds the figures."""
