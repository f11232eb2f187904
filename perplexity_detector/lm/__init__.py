"""Text -> token statistics and hidden states: the language model and how it is run."""
