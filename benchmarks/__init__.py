"""What the tables of the README come from; results/*.json holds the figures."""
