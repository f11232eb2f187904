"""Runs in shards: what the engine costs, folders of a million shards, and the storage they need."""
