"""Files: datasets, results, artefact folders and tensors, replaced as a whole or not at all."""
