"""Tests that say ``VIRTUAL_TIME = True`` in their module wait in virtual time; the client's own need a real network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest


def pytest_asyncio_loop_factories(item: pytest.Function) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if getattr(item.module, "VIRTUAL_TIME", False):
        return {"virtual": VirtualLoop}
    return {"real": asyncio.SelectorEventLoop}
