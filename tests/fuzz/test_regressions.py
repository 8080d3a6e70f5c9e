"""Inputs that once failed."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.fuzz.engine import REGRESSIONS
from tests.fuzz.target import Target


@pytest.mark.slow
def test_no_input_that_once_failed_fails_again() -> None:
    """Every kept input holds everything that an execution checks, under every policy."""
    files = sorted(REGRESSIONS.iterdir())
    assert files
    with closing(Target()) as target:
        for file in files:
            target.check_everywhere(file.read_bytes())
