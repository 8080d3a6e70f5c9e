"""The reconcile loops: quotas of governed namespaces, status of tiers, certificates of the webhook.

*What* to write is decided by pure functions here and in ``tiergate.core``; the loops carry facts in and writes out.
"""
