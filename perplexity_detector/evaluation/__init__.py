"""How good scores are: metrics with intervals, tables and plots."""
