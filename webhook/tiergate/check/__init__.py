"""``tiergate check``: what the cluster would say of manifests, by the one decision and without a cluster (ADR 29)."""
