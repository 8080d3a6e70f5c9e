"""The rate of writes is bounded, and nothing else is held up."""

from __future__ import annotations

import asyncio

from tests.senders import RecordingSender
from tests.virtual_time import clock
from tiergate.controller.pace import BURST, INTERVAL, PacedClient


async def test_writes_go_at_once_and_then_at_a_steady_rate() -> None:
    """A burst, then one for each interval, in the order they came; reads pass them all."""
    inner = RecordingSender()
    client = PacedClient(inner, clock=clock)
    writes = [client.request("PUT", f"/{number}") for number in range(BURST + 50)]
    reading = asyncio.ensure_future(_later(client))
    await asyncio.gather(*writes, reading)
    names = [one.path for one in inner.sent if one.method == "PUT"]
    assert names == [f"/{number}" for number in range(BURST + 50)]
    times = [one.time for one in inner.sent if one.method == "PUT"]
    assert times[BURST - 1] < INTERVAL / 10
    for number, time in enumerate(times[BURST:], start=1):
        assert abs(time - number * INTERVAL) < INTERVAL / 10
    (reading_at,) = [one.time for one in inner.sent if one.method == "GET"]
    assert abs(reading_at - INTERVAL / 2) < INTERVAL / 10


async def _later(client: PacedClient) -> None:
    await asyncio.sleep(INTERVAL / 2)
    await client.request("GET", "/x")


async def test_a_quiet_time_gives_the_burst_back() -> None:
    """A repair after an hour of quiet never waits."""
    inner = RecordingSender()
    client = PacedClient(inner, clock=clock)
    for _ in range(2):
        begun = clock()
        await asyncio.gather(*(client.request("POST", "/x") for _ in range(BURST)))
        assert clock() - begun < INTERVAL / 10
        await asyncio.sleep(3600)


async def test_what_is_urgent_neither_waits_nor_makes_others_wait() -> None:
    """While everybody is refused; the write after it is not late for that."""
    inner, urgent = RecordingSender(), [True]
    client = PacedClient(inner, urgent=lambda: urgent[0], clock=clock)
    begun = clock()
    await asyncio.gather(*(client.request("POST", "/x") for _ in range(20 * BURST)))
    urgent[0] = False
    await client.request("PATCH", "/x")
    assert clock() - begun < INTERVAL / 10
