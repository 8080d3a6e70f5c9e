"""Mutation testing of the pure packages with mutmut (``python -m tests.mutants``)."""
