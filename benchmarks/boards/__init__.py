"""Public boards: their formats, measures and baselines, on slices of the corpus."""
