"""The command line: options are parsed and checked here, and results printed."""
