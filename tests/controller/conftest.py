"""The controller's tests wait in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controller.handover_world import Cluster
from tests.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterator, Mapping


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    return {"virtual": VirtualLoop}


@pytest.fixture(autouse=True)
def broken() -> Iterator[list[str]]:
    """Collect what broke the promise: a controller would survive an assertion in the middle of its request."""
    Cluster.broken = []
    yield Cluster.broken
    assert Cluster.broken == []
