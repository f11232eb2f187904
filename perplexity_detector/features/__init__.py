"""From texts to numbers: one file per feature family, and the extractor that joins them."""
