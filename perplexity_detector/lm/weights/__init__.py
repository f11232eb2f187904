"""Language-model weights on disk: finding, packing and converting them."""
