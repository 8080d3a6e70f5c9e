"""Rules taken out one at a time: every removal must fail a test (``python -m tests.mutants``)."""
