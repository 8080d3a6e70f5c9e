"""A machine whose Debian tools are scripts."""

from tests.test_debian import machine

__all__ = ["machine"]
