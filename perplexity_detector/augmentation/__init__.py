"""Altered copies of texts: attacks on a detector, and what training learns to ignore."""
