"""The folder that ``tiergate check`` runs in, and an environment as the action makes it."""

from __future__ import annotations

import re

import pytest

from tests.check.conftest import folder
from tests.ci.action import Runner

__all__ = ["folder"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner after the first step of the action: a fresh environment with the packages of the base installation."""
    runner = Runner(tmp_path_factory.mktemp("action"))
    ran = runner.run("Install", {})
    if ran.returncode and re.search(r"Could not find a version|ConnectionError|Max retries", ran.stderr):
        pytest.skip(f"pip finds no package index: {ran.stderr[-300:]}")
    assert ran.returncode == 0, ran.stderr
    return runner
