"""The commands: parse and check options, call the library, print results."""
