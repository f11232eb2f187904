"""Runs on a Ray cluster of real processes on this machine, some of which are killed."""
