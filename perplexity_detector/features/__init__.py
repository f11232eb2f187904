"""Feature families, one file each, and the extractor that joins them into a table."""
