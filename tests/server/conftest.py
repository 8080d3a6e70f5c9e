"""What the tests of the server share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """Finalize here what tests left in cycles: in the middle of ``ast.parse`` CPython 3.11 takes it for an error."""
    yield
    gc.collect()
