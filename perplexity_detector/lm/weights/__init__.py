"""Language-model weights on disk: where they are found, how they are packed and converted."""
