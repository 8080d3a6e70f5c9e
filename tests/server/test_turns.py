"""Turns: one at a time, the queues in turn, and no turn is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.builders import a_pod_object, a_review
from tiergate.server.turns import Turns, namespace_of


async def takes(turns: Turns, key: bytes, order: list[bytes], name: bytes) -> None:
    async with turns.turn(key):
        await asyncio.sleep(0)
        order.append(name)


def test_who_waits_in_another_queue_is_next_however_long_the_first_queue_is() -> None:
    async def story() -> list[bytes]:
        turns, order = Turns(), list[bytes]()
        hostile = [takes(turns, b"hostile", order, b"hostile %d" % number) for number in range(40)]
        await asyncio.gather(*hostile, *(takes(turns, key, order, key) for key in (b"a", b"b")))
        assert len(turns) == 0
        return order

    order = asyncio.run(story())
    assert len(order) == 42
    assert order.index(b"a") <= 3
    assert order.index(b"b") <= 4


def test_only_one_has_the_turn() -> None:
    async def story() -> None:
        turns, inside = Turns(), list[int]()

        async def take(number: int) -> None:
            async with turns.turn(b""):
                inside.append(number)
                await asyncio.sleep(0)
                assert inside == [number]
                inside.clear()

        await asyncio.gather(*map(take, range(5)))

    asyncio.run(story())


@pytest.mark.parametrize("steps", range(4))
def test_a_cancelled_waiter_keeps_nobody_waiting(steps: int) -> None:
    async def story() -> None:
        turns, order = Turns(), list[bytes]()
        tasks = [asyncio.create_task(takes(turns, b"", order, b"%d" % number)) for number in range(3)]
        for _ in range(steps):
            await asyncio.sleep(0)
        tasks[1].cancel()
        with suppress(asyncio.CancelledError):
            await tasks[1]
        await asyncio.gather(tasks[0], tasks[2])
        await takes(turns, b"", order, b"last")
        assert order[-1] == b"last"

    asyncio.run(asyncio.wait_for(story(), 10))


@pytest.mark.parametrize(
    ("body", "namespace"),
    [
        pytest.param(a_review(a_pod_object()), b"dev", id="as-json-writes-it"),
        pytest.param(b'{"request":{"name":"a","namespace":"team-a","object":{}}}', b"team-a", id="as-the-server-does"),
        pytest.param(b'{"request":{"name":"' + b"n" * 5000 + b'","namespace":"team-a"}}', b"", id="too-late"),
        pytest.param(b"nonsense", b"", id="nothing"),
    ],
)
def test_the_namespace_is_guessed_from_the_head(body: bytes, namespace: bytes) -> None:
    assert namespace_of(body) == namespace
