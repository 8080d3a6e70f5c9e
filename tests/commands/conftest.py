"""The program, and the folder that it runs in."""

from __future__ import annotations

import pytest

from tests.check.conftest import folder
from tests.commands.cluster import FakeCluster
from tests.commands.running import Program
from tiergate.cli import live

__all__ = ["folder"]


@pytest.fixture
def tiergate(capsys: pytest.CaptureFixture[str]) -> Program:
    """The program."""
    return Program(capsys)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """The cluster that the commands connect to."""
    made = FakeCluster()

    async def connected(*_: object) -> FakeCluster:
        return made

    monkeypatch.setattr(live, "client_of", connected)
    return made
