"""Serving certificates of an admission webhook: own CA and leaf, when to renew them, where they are kept.

Everything but ``rotate`` is a pure function of bytes and times. The package imports nothing of ``tiergate``, so that it
can be read, tested and used alone.
"""
