"""Fast forward passes: devices, precisions, attention, matrix products, the fused head."""
