"""HTTP routes: texts, files, pages and operations."""
