"""The tests of commands that run once wait in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Mapping


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    return {"virtual": VirtualLoop}
