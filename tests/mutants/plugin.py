"""A pytest plugin for runs under mutmut, which collects the same tests many times in one process and its forks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

UNUSABLE: Final = "not-run.txt"
"""Written where pytest was given a test that it does not find; mutmut takes that for a failing test."""


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Forget ids of an earlier collection: pytest would escape their backslashes once more, and not know them again."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        if mark._param_ids_from is not None:
            object.__setattr__(mark._param_ids_from, "_param_ids_generated", None)


def pytest_sessionfinish(exitstatus: int) -> None:
    """Leave a note for the run as a whole."""
    if exitstatus == pytest.ExitCode.USAGE_ERROR:
        Path(UNUSABLE).touch()
