"""The shipped model, and the code that finds and verifies a model folder."""
