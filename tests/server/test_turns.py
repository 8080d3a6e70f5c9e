"""Turns: one at a time, the queues in turn, and no turn is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.builders import a_pod_object, a_review
from tiergate.server.turns import Sender, Turns, sender_of


def a_sender(peer: str, namespace: str = "", *, large: bool = False) -> Sender:
    return Sender((peer, large), namespace.encode())


async def takes(turns: Turns, sender: Sender, order: list[object], name: object) -> None:
    async with turns.turn(sender):
        await asyncio.sleep(0)
        order.append(name)


MANY = 40


@pytest.mark.parametrize(
    ("many", "others"),
    [
        pytest.param(
            [a_sender("1.1.1.1", "hostile")] * MANY,
            [a_sender("1.1.1.1", "a"), a_sender("1.1.1.1", "b"), a_sender("2.2.2.2", "hostile")],
            id="one-namespace",
        ),
        pytest.param(
            [a_sender("1.1.1.1", f"made-up-{number}") for number in range(MANY)],
            [a_sender("2.2.2.2", "a"), a_sender("2.2.2.2", "made-up-0"), a_sender("3.3.3.3")],
            id="made-up-namespaces",
        ),
        pytest.param(
            [a_sender("1.1.1.1", f"team-{number}") for number in range(MANY)],
            [a_sender("1.1.1.1", "a", large=True), a_sender("2.2.2.2", "a", large=True)],
            id="beside-large-ones",
        ),
    ],
)
def test_who_waits_in_another_queue_is_next_however_long_the_first_queue_is(
    many: list[Sender], others: list[Sender]
) -> None:
    async def story() -> list[object]:
        turns, order = Turns(), list[object]()
        hostile = [takes(turns, sender, order, "hostile") for sender in many]
        await asyncio.gather(*hostile, *(takes(turns, sender, order, sender) for sender in others))
        assert all(turns.waiting_of_peer(sender) == 0 for sender in (*many, *others))
        return order

    order = asyncio.run(story())
    assert len(order) == len(many) + len(others)
    assert all(order.index(sender) <= 2 * len(others) for sender in others)


def test_only_one_has_the_turn() -> None:
    async def story() -> None:
        turns, inside = Turns(), list[int]()

        async def take(number: int) -> None:
            async with turns.turn(a_sender("")):
                inside.append(number)
                await asyncio.sleep(0)
                assert inside == [number]
                inside.clear()

        await asyncio.gather(*map(take, range(5)))

    asyncio.run(story())


@pytest.mark.parametrize("steps", range(4))
def test_a_cancelled_waiter_keeps_nobody_waiting(steps: int) -> None:
    async def story() -> None:
        turns, order = Turns(), list[object]()
        tasks = [asyncio.create_task(takes(turns, a_sender(""), order, number)) for number in range(3)]
        for _ in range(steps):
            await asyncio.sleep(0)
        tasks[1].cancel()
        with suppress(asyncio.CancelledError):
            await tasks[1]
        await asyncio.gather(tasks[0], tasks[2])
        await takes(turns, a_sender(""), order, "last")
        assert order[-1] == "last"

    asyncio.run(asyncio.wait_for(story(), 10))


@pytest.mark.parametrize("cancelled", [[0], [4], [0, 1, 2, 3, 4], [1, 3]])
@pytest.mark.parametrize("namespaces", [1, 2, 5])
def test_who_is_cancelled_waits_no_more(namespaces: int, cancelled: list[int]) -> None:
    async def story() -> None:
        turns, order = Turns(), list[object]()
        async with turns.turn(a_sender("another")):
            senders = [a_sender("1.1.1.1", str(number % namespaces)) for number in range(5)]
            tasks = [asyncio.create_task(takes(turns, sender, order, n)) for n, sender in enumerate(senders)]
            await asyncio.sleep(0)
            for number in cancelled:
                tasks[number].cancel()
            await asyncio.sleep(0)
            left = [sender for number, sender in enumerate(senders) if number not in cancelled]
            for sender in senders:
                assert turns.waiting_of_peer(sender) == len(left)
                assert turns.waiting_of_namespace(sender) == left.count(sender)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(order) == len(left)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "namespace"),
    [
        pytest.param(a_review(a_pod_object()), "dev", id="as-json-writes-it"),
        pytest.param(b'{"request":{"name":"a","namespace":"team-a","object":{}}}', "team-a", id="as-the-server-does"),
        pytest.param(b'{"request":{"name":"' + b"n" * 5000 + b'","namespace":"team-a"}}', "", id="too-late"),
        pytest.param(b"nonsense", "", id="nothing"),
    ],
)
def test_the_namespace_is_guessed_from_the_head(body: bytes, namespace: str) -> None:
    assert sender_of("1.1.1.1", body) == a_sender("1.1.1.1", namespace)


@pytest.mark.parametrize(("size", "large"), [(2**20, False), (2**20 + 1, True)])
def test_large_bodies_have_their_own_turns(size: int, *, large: bool) -> None:
    assert sender_of("1.1.1.1", b"x" * size) == a_sender("1.1.1.1", large=large)
