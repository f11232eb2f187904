"""How well detectors do on texts training never saw: folds, baselines, stress sets, sentences."""
