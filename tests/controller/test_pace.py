"""The rate of writes is bounded, and nothing else is held up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tests.controller.virtual_time import run
from tiergate.controller.pace import BURST, INTERVAL, PacedClient


class Clock:
    """A client that notes when it was asked."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, float]] = []

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,  # noqa: ARG002 - the client's signature
        body: bytes | None = None,  # noqa: ARG002
        content_type: str = "application/json",  # noqa: ARG002
        timeout: float = 10.0,  # noqa: ASYNC109, ARG002
    ) -> bytes:
        self.sent.append((f"{method} {path}", asyncio.get_running_loop().time()))
        return b"{}"


def test_writes_go_at_once_and_then_at_a_steady_rate() -> None:
    """A burst, then one for each interval, in the order they came; reads pass them all."""

    async def scene() -> None:
        inner = Clock()
        loop = asyncio.get_running_loop()
        client = PacedClient(inner, clock=loop.time)
        writes = [client.request("PUT", f"/{number}") for number in range(BURST + 50)]
        reading = asyncio.ensure_future(_later(client))
        await asyncio.gather(*writes, reading)
        names = [name for name, _ in inner.sent if name.startswith("PUT")]
        assert names == [f"PUT /{number}" for number in range(BURST + 50)]
        times = [time for name, time in inner.sent if name.startswith("PUT")]
        assert times[BURST - 1] == 0.0
        for number, time in enumerate(times[BURST:], start=1):
            assert abs(time - number * INTERVAL) < INTERVAL / 10
        assert [time for name, time in inner.sent if name.startswith("GET")] == [INTERVAL / 2]

    run(scene())


async def _later(client: PacedClient) -> None:
    await asyncio.sleep(INTERVAL / 2)
    await client.request("GET", "/x")


def test_a_quiet_time_gives_the_burst_back() -> None:
    """A repair after an hour of quiet never waits."""

    async def scene() -> None:
        inner = Clock()
        loop = asyncio.get_running_loop()
        client = PacedClient(inner, clock=loop.time)
        for _ in range(2):
            begun = loop.time()
            await asyncio.gather(*(client.request("POST", "/x") for _ in range(BURST)))
            assert loop.time() == begun
            await asyncio.sleep(3600)

    run(scene())
