"""The rules by id, and docs/contributing/rules.md: which tests hold each (``python -m tests.rules`` writes it)."""
