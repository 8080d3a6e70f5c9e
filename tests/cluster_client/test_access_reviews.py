"""Questions about who may assign a tier: a tenant who asks much keeps nobody else from being answered."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import cast

import pytest

from tiergate.admission.review import UserInfo
from tiergate.cluster.api import Api
from tiergate.cluster.errors import Unreachable
from tiergate.server.service import AccessReviews

VIRTUAL_TIME = True
FLOOD = 50
"""Questions of the tenant at any time: more than places."""


class Allowing:
    """An API server that allows everything, after a tenth of a second."""

    async def create(self, *_: object, **__: object) -> bytes:
        await asyncio.sleep(0.1)
        return b'{"status": {"allowed": true}}'


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(["mallory"], id="a user"),
        pytest.param(
            [f"system:serviceaccount:mallory:a{number}" for number in range(FLOOD)], id="accounts of a namespace"
        ),
    ],
)
async def test_who_asks_much_delays_nobody_else_at_the_api_server(hostile: list[str]) -> None:
    """The API server is the address of all users; without shares 13 of 15 changes of a label failed."""
    reviews = AccessReviews(cast("Api", Allowing()))

    async def ask(username: str, tier: str) -> bool:
        return await reviews.may_assign(UserInfo(username=username), tier, peer="api-server", timeout=2.5)

    async def ask_without_end(number: int) -> None:
        for tier in itertools.count(number, step=FLOOD):
            with suppress(Unreachable):
                await ask(hostile[number % len(hostile)], str(tier))
            await asyncio.sleep(0.5)

    flood = [asyncio.create_task(ask_without_end(number)) for number in range(FLOOD)]
    await asyncio.sleep(2)
    for number in range(5):
        assert await ask("alice", f"dev-{number}")
        await asyncio.sleep(1)
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)
