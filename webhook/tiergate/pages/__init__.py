"""The pages for people and scrapers: usage of the tiers, and metrics."""
