"""Turns: one at a time, the queues in turn, and no turn is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

import pytest

from tests.builders import a_pod_object
from tests.reviews import a_review
from tiergate.server.turns import CrowdedError, Origin, Turns, origin_of


def a_sender(peer: str, namespace: str = "", *, large: bool = False) -> Origin:
    return Origin((peer, large), namespace.encode())


async def takes(turns: Turns, origin: Origin, order: list[object], name: object) -> None:
    async with turns.turn(origin):
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
async def test_who_waits_in_another_queue_is_next_however_long_the_first_queue_is(
    many: list[Origin], others: list[Origin]
) -> None:
    turns, order = Turns(), list[object]()
    hostile = [takes(turns, origin, order, "hostile") for origin in many]
    await asyncio.gather(*hostile, *(takes(turns, origin, order, origin) for origin in others))
    assert all(turns.waiting_of_peer(origin) == 0 for origin in (*many, *others))
    assert len(order) == len(many) + len(others)
    assert all(order.index(origin) <= 2 * len(others) for origin in others)


async def test_only_one_has_the_turn() -> None:
    turns, inside = Turns(), list[int]()

    async def take(number: int) -> None:
        async with turns.turn(a_sender("")):
            inside.append(number)
            await asyncio.sleep(0)
            assert inside == [number]
            inside.clear()

    await asyncio.gather(*map(take, range(5)))


@pytest.mark.parametrize(
    ("waiting", "left"),
    [
        pytest.param(["a"] * 9, {"a": 4}, id="one-has-half"),
        pytest.param(["a", "b"] * 9, {"a": 4, "b": 4}, id="two-have-all"),
        pytest.param([*["a", "b"] * 4, "c"], {"a": 4, "b": 3, "c": 1}, id="a-third-one-takes-from-who-has-most"),
        pytest.param([*["a", "b"] * 4, *"cccccc"], {"a": 3, "b": 2, "c": 3}, id="until-it-has-as-many"),
        pytest.param([*"abcdefgh", "x", "y"], dict.fromkeys("abcdefgy", 1), id="the-last-to-come"),
    ],
)
async def test_a_full_line_has_a_place_for_who_has_few_in_it(waiting: list[str], left: dict[str, int]) -> None:
    turns, order = Turns(most_waiting=8), list[object]()
    async with turns.turn(a_sender("another")):
        tasks = []
        for peer in waiting:
            tasks.append(asyncio.create_task(takes(turns, a_sender(peer), order, peer)))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert {peer: turns.waiting_of_peer(a_sender(peer)) for peer in left} == left
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in ended} == {type(None), CrowdedError}
    assert Counter(order) == left


@pytest.mark.parametrize(
    ("waiting", "left"),
    [
        pytest.param("aaaaaaab", {"a": 3, "b": 1}, id="another-one-takes-from-who-has-most"),
        pytest.param("aaaabbbb", {"a": 2, "b": 2}, id="until-it-has-as-many"),
        pytest.param("aaaabbc", {"a": 2, "b": 1, "c": 1}, id="a-third-one"),
        pytest.param("abcdxyz", {"a": 1, "b": 1, "c": 1, "d": 1}, id="those-with-one-each-lose-none"),
    ],
)
async def test_the_places_of_a_peer_are_shared_by_its_namespaces(waiting: str, left: dict[str, int]) -> None:
    """All tenants come from one peer, the API server."""
    turns, order = Turns(most_waiting=8), list[object]()
    async with turns.turn(a_sender("another")):
        tasks = []
        for namespace in waiting:
            tasks.append(asyncio.create_task(takes(turns, a_sender("1.1.1.1", namespace), order, namespace)))
            await asyncio.sleep(0)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in ended} == {type(None), CrowdedError}
    assert Counter(order) == left


async def test_the_next_one_had_his_last_turn_longest_ago() -> None:
    turns, order = Turns(), list[object]()
    for peer in "dacb":
        await takes(turns, a_sender(peer), [], peer)
    async with turns.turn(a_sender("another")):
        tasks = [asyncio.create_task(takes(turns, a_sender(peer), order, peer)) for peer in "aabbccddnew"]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert "".join(map(str, order)) == "newdacbdacb"


async def test_several_have_a_turn_at_once_each_for_some_time() -> None:
    turns, loop = Turns(3), asyncio.get_running_loop()
    began = loop.time()

    async def take() -> None:
        async with turns.turn(a_sender(""), seconds=0.05):
            pass

    await asyncio.gather(*(take() for _ in range(7)))
    assert loop.time() - began >= 0.1


@pytest.mark.parametrize("steps", range(4))
async def test_a_cancelled_waiter_keeps_nobody_waiting(steps: int) -> None:
    async with asyncio.timeout(10):
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


@pytest.mark.parametrize("cancelled", [[0], [4], [0, 1, 2, 3, 4], [1, 3]])
@pytest.mark.parametrize("namespaces", [1, 2, 5])
async def test_who_is_cancelled_waits_no_more(namespaces: int, cancelled: list[int]) -> None:
    turns, order = Turns(), list[object]()
    async with turns.turn(a_sender("another")):
        senders = [a_sender("1.1.1.1", str(number % namespaces)) for number in range(5)]
        tasks = [asyncio.create_task(takes(turns, origin, order, n)) for n, origin in enumerate(senders)]
        await asyncio.sleep(0)
        for number in cancelled:
            tasks[number].cancel()
        await asyncio.sleep(0)
        left = [origin for number, origin in enumerate(senders) if number not in cancelled]
        for origin in senders:
            assert turns.waiting_of_peer(origin) == len(left)
            assert turns.waiting_of_namespace(origin) == left.count(origin)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(order) == len(left)


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
    assert origin_of("1.1.1.1", body) == a_sender("1.1.1.1", namespace)


@pytest.mark.parametrize(("size", "large"), [(2**20, False), (2**20 + 1, True)])
def test_large_bodies_have_their_own_turns(size: int, *, large: bool) -> None:
    assert origin_of("1.1.1.1", b"x" * size) == a_sender("1.1.1.1", large=large)
