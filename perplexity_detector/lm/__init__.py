"""Text -> token statistics: the language model and everything that touches it."""
