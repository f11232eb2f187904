"""Fills the tables of the documentation from results/*.json, and draws its picture."""
