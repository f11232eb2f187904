"""Stylometry: function words, punctuation, readability, sentences and vocabulary."""
