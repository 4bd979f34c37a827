"""The command line: ``main`` and one module for each kind of work."""
