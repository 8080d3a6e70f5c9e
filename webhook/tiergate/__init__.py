"""Tiergate: the admission gate for tiers of namespaces."""
