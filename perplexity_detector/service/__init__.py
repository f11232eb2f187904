"""HTTP: the service that answers for a detector; the only room that imports fastapi."""
