"""Files in and out: datasets, results, artefact folders, tensors, atomic replacement."""
