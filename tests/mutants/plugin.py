"""A pytest plugin for runs under mutmut, which collects the same tests many times in one process and its forks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest

from tiergate.core.memo import Memo

UNUSABLE: Final = "not-run.txt"
"""Written where pytest was given a test that it does not find; mutmut takes that for a failing test."""


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Forget ids of an earlier collection: pytest would escape their backslashes once more, and not know them again."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        if mark._param_ids_from is not None:
            object.__setattr__(mark._param_ids_from, "_param_ids_generated", None)


def pytest_runtest_setup() -> None:
    """Forget what was computed without the mutant, before the fork, or by an earlier test and so not by this one.

    By the modules: the collector knows no objects from before the fork, as mutmut freezes them.
    """
    modules = [module for name, module in sys.modules.items() if name.startswith("tiergate.")]
    for known in [value for module in modules for value in vars(module).values()]:
        if isinstance(known, Memo):
            known.clear()


def pytest_sessionfinish(exitstatus: int) -> None:
    """Leave a note for the run as a whole."""
    if exitstatus == pytest.ExitCode.USAGE_ERROR:
        Path(UNUSABLE).touch()
