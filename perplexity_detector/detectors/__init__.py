"""Every classifier that can be trained: the detector, its trees, and the baselines."""
