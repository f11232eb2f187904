"""Attacks: changed copies of texts that test a detector or augment its training data."""
