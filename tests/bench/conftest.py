"""The folder that ``tiergate check`` runs in."""

from tests.check.conftest import folder

__all__ = ["folder"]
