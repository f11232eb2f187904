"""Evidence in plain words."""
