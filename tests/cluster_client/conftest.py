"""What the tests of the client share: an account, and a loop of their choice.

Tests that say ``VIRTUAL_TIME = True`` in their module wait in virtual time; the client's own need a real network.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.cluster_client.serving import Account, an_account
from tests.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def pytest_asyncio_loop_factories(item: pytest.Function) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if getattr(item.module, "VIRTUAL_TIME", False):
        return {"virtual": VirtualLoop}
    return {"real": asyncio.SelectorEventLoop}


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return an_account(tmp_path)
