"""Tiergate: admission control for tiers of namespaces."""
