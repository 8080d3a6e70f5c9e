"""Who reads a large body next: slots for few at a time, shared fairly between addresses."""

import asyncio
import contextlib

import pytest

from tests.server.uploads import KIB, LARGE, MIB, Client, played
from tiergate.process.bodies import (
    HURRIED_SECONDS,
    MAX_BODY_BYTES,
    PACE_BYTES,
    PACE_SECONDS,
    Bodies,
    Overloaded,
    Refused,
)
from tiergate.process.slots import MAX_AT_ONCE, MAX_WAITING, MAX_WAITING_OF_PEER, PATIENCE, Slots


def test_large_bodies_of_one_address_are_read_one_after_the_other() -> None:
    """All API servers may come from one address: the others wait, they are not refused."""

    async def story() -> None:
        bodies = Bodies()
        clients = [Client(bodies, "1.1.1.1", LARGE) for _ in range(8)]
        for one in clients:
            await one.send_all()
        for one in clients:
            assert len(await one.reading) == LARGE
            assert bodies.held <= MAX_AT_ONCE * LARGE
            bodies.release(LARGE, peer="1.1.1.1")
        assert bodies.held == 0

    played(story())


def test_who_waits_too_long_for_a_turn_is_told_to_come_again() -> None:
    async def story() -> None:
        bodies = Bodies()
        first, second = (Client(bodies, "1.1.1.1", LARGE) for _ in range(2))
        await first.send_all()
        await first.reading  # and it is being answered
        await second.send_all()
        await asyncio.sleep(PATIENCE + 1)
        assert isinstance(second.refusal(), Overloaded)
        bodies.release(LARGE, peer="1.1.1.1")
        assert bodies.held == 0

    played(story())


def test_a_large_body_has_a_slot_for_less_time_than_others_wait_for_one() -> None:
    assert PACE_SECONDS + MAX_BODY_BYTES // PACE_BYTES * HURRIED_SECONDS < PATIENCE


@pytest.mark.parametrize("attack", ["stall", "trickle", "brisk"])
@pytest.mark.parametrize("addresses", [2, 6])
@pytest.mark.slow
def test_slow_uploads_of_other_addresses_do_not_keep_one_from_a_slot(addresses: int, attack: str) -> None:
    """However many of each address are in line, and however often they come again."""

    async def hostile(bodies: Bodies, peer: str) -> None:
        while True:
            one = Client(bodies, peer, MAX_BODY_BYTES)
            await one.send(KIB)
            while not one.reading.done():
                await asyncio.sleep(0.25)
                if attack != "stall" and not one.held_back():
                    await one.send(1 if attack == "trickle" else PACE_BYTES // 2 + 1)
            with contextlib.suppress(Refused):
                bodies.release(len(await one.reading), peer=peer)
            await asyncio.sleep(0.1)

    async def story() -> None:
        bodies, loop = Bodies(), asyncio.get_running_loop()
        peers = [f"1.1.1.{number}" for number in range(addresses)] * (MAX_WAITING_OF_PEER + 1)
        attacking = [asyncio.ensure_future(hostile(bodies, peer)) for peer in peers]
        await asyncio.sleep(5)
        for _ in range(2):
            honest, began = Client(bodies, "2.2.2.2", 36 * MIB), loop.time()
            await honest.send_all()
            assert len(await honest.reading) == 36 * MIB
            assert loop.time() - began < PATIENCE
            bodies.release(36 * MIB, peer="2.2.2.2")
            await asyncio.sleep(1)
        for one in attacking:
            one.cancel()

    played(story())


def test_the_next_slot_is_for_the_address_that_used_them_least_lately() -> None:
    async def story() -> None:
        slots, order = Slots(), list[str]()

        async def use(peer: str, seconds: float) -> None:
            assert await slots.take(peer)
            order.append(peer)
            await asyncio.sleep(seconds)
            slots.give(peer)

        await asyncio.gather(use("long", 0.5), use("short", 0.3))
        busy = [use(peer, 1.0) for peer in ("a", "b")]
        await asyncio.gather(*busy, *(use(peer, 0.1) for peer in ("long", "long", "short", "new")))
        assert order[4:] == ["new", "short", "long", "long"]
        order.clear()
        await asyncio.sleep(60)  # and what was long ago is forgotten
        busy = [use(peer, 1.0) for peer in ("a", "b")]
        await asyncio.gather(*busy, *(use(peer, 0.1) for peer in ("long", "short")))
        assert order[2:] == ["long", "short"]

    played(story())


def test_in_a_full_line_the_address_with_most_places_gives_one_up() -> None:
    async def story() -> None:
        slots = Slots()
        peers = [f"1.1.1.{number}" for number in range(MAX_WAITING // MAX_WAITING_OF_PEER)]
        for peer in peers[:MAX_AT_ONCE]:
            assert await slots.take(peer)
        full = [asyncio.ensure_future(slots.take(peer)) for peer in peers * MAX_WAITING_OF_PEER]
        await asyncio.sleep(0)
        newcomer = asyncio.ensure_future(slots.take("2.2.2.2"))
        await asyncio.sleep(0.1)
        assert [one.result() for one in full if one.done()] == [False]
        for peer in peers[:MAX_AT_ONCE]:
            slots.give(peer)
        for peer in peers[MAX_AT_ONCE:]:  # they came first, and had none either
            assert not newcomer.done()
            await asyncio.sleep(0)
            slots.give(peer)
        assert await newcomer
        await asyncio.wait(full)

    played(story())
