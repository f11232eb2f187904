"""Whole tasks: a dataset in, a trained artefact, results, features or an MLflow run out."""
