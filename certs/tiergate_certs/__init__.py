"""Serving certificates of an admission webhook: own CA and leaf, when to renew them, where they are kept.

Everything but ``store`` and ``rotate`` is bytes in, bytes out; times are arguments. The package imports nothing of
``tiergate``, so that it can be read, tested and used alone.
"""
