"""Small reviews always get in: whoever stops sending makes room, and large bodies are few at a time."""

import asyncio
import contextlib
import random

import pytest

from tests.server.uploads import KIB, LARGE, MIB, SMALL, Client, played
from tests.virtual_time import TICK
from tiergate.process.bodies import (
    LIGHT_BYTES,
    PACE_SECONDS,
    SMALL_BYTES,
    SMALL_SECONDS,
    Bodies,
    Overloaded,
    Truncated,
)
from tiergate.process.slots import MAX_WAITING_OF_PEER, PATIENCE


@pytest.fixture(autouse=True)
def without_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collect no garbage: this process has all tests in its memory. `test_nothing_grows` tries when it is collected."""
    monkeypatch.setattr("tiergate.process.bodies.give_back", lambda: None)


@pytest.mark.slow
@pytest.mark.parametrize("other", ["1.1.1.1", "2.2.2.2"], ids=["same-peer", "another-peer"])
@pytest.mark.parametrize("size", [SMALL, SMALL_BYTES], ids=["small", "one-mebibyte"])
def test_stalled_uploads_never_refuse_a_whole_small_body(size: int, other: str) -> None:
    async def story() -> None:
        bodies = Bodies()
        stalled = [Client(bodies, "1.1.1.1", size) for _ in range(400)]
        for one in stalled:
            await one.send(size - 1)
        assert bodies.held <= 32 * MIB
        honest = Client(bodies, other, size)
        await honest.send_all()
        assert len(await honest.reading) == size
        given_up = [one.refusal() for one in stalled if one.reading.done()]
        assert all(isinstance(one, Overloaded) for one in given_up)
        assert all((b"retry-after", b"1") in one.headers for one in given_up if one)
        bodies.release(size, peer=other)
        await asyncio.sleep(60)
        assert all(one.reading.done() for one in stalled)
        assert bodies.held == 0

    played(story())


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_large_body_that_stalls_ends_and_its_turn_goes_on(*, declared: bool) -> None:
    async def story() -> None:
        bodies, loop = Bodies(), asyncio.get_running_loop()
        stalled = Client(bodies, "1.1.1.1", 40 * MIB, declared=declared)
        for _ in range(39):
            await stalled.send(MIB)
        honest = Client(bodies, "1.1.1.1", LARGE, declared=declared)
        await honest.send_all()
        began = loop.time()
        assert len(await honest.reading) == LARGE
        assert loop.time() - began <= PACE_SECONDS
        assert isinstance(stalled.refusal(), Truncated)

    played(story())


def test_no_address_takes_the_turns_of_another() -> None:
    async def story() -> None:
        bodies = Bodies()
        hostile = [Client(bodies, "1.1.1.1", LARGE) for _ in range(20)]
        for one in hostile:
            await one.send(LARGE - 1)
        honest = Client(bodies, "2.2.2.2", LARGE)
        await honest.send_all()
        assert honest.reading.done()
        assert len(honest.reading.result()) == LARGE
        waiting = sum(not one.reading.done() for one in hostile)
        assert waiting == 1 + MAX_WAITING_OF_PEER

    played(story())


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 9_000, LIGHT_BYTES])
@pytest.mark.parametrize("parts", [1, 3])
def test_whole_bodies_that_wait_for_their_answer_never_refuse_a_light_one(size: int, parts: int) -> None:
    """A tenant's reviews come from the API server's address, as everybody else's do."""

    async def story() -> None:
        bodies, sizes = Bodies(), []
        for filling in (900 * KIB, 100 * KIB, LIGHT_BYTES + 1):
            for peer in ("1.1.1.1", "2.2.2.2") * 40:
                one = Client(bodies, peer, filling)
                await one.send_all()
                if one.refusal() is None:
                    sizes.append((len(await one.reading), peer))
        assert bodies.held > 31 * MIB
        honest = Client(bodies, "1.1.1.1", size, declared=parts == 1)
        for _ in range(parts - 1):
            await honest.send(size // parts)
        await honest.send_all()
        assert len(await honest.reading) == size
        for length, peer in (*sizes, (size, "1.1.1.1")):
            bodies.release(length, peer=peer)
        assert bodies.held == 0

    played(story())


@pytest.mark.parametrize("early", range(-8, 9))
@pytest.mark.parametrize("meets", ["end", "slot", "time limit"])
def test_a_body_that_is_given_up_is_refused_whatever_comes_in_the_same_turn(meets: str, early: int) -> None:
    async def story() -> None:
        bodies, loop = Bodies(in_flight=2 * MIB), asyncio.get_running_loop()
        large = Client(bodies, "1.1.1.1", LARGE)
        await large.send_all()  # and is being answered
        await large.reading
        began = loop.time()
        stalled = Client(bodies, "1.1.1.1", SMALL_BYTES + (2 if meets == "slot" else -1), declared=False)
        await stalled.send(SMALL_BYTES - 2)
        if meets == "slot":
            await stalled.send(4)
        newcomer = Client(bodies, "1.1.1.1", SMALL_BYTES)
        await asyncio.sleep(0)

        def at_once() -> None:
            newcomer.put(SMALL_BYTES)
            if meets == "slot":
                bodies.release(LARGE, peer="1.1.1.1")
            elif meets == "end":
                stalled.put(1)

        loop.call_at(began + early * TICK / 2 + (SMALL_SECONDS if meets == "time limit" else 1.0), at_once)
        assert len(await newcomer.reading) == SMALL_BYTES
        with pytest.raises((Overloaded, Truncated)):
            await stalled.reading
        bodies.release(SMALL_BYTES, peer="1.1.1.1")
        if meets != "slot":
            bodies.release(LARGE, peer="1.1.1.1")
        assert bodies.held == 0

    played(story())


@pytest.mark.parametrize("seed", range(300))
def test_a_body_is_whole_or_refused_however_giving_it_up_meets_its_end(seed: int) -> None:
    """Its end, its time limit, its slot and its being given up come in any order, often in one turn of the loop."""
    choose = random.Random(seed)  # noqa: S311  # not a secret

    async def pause() -> None:
        seconds = choose.choice([0.0, PACE_SECONDS, PATIENCE, SMALL_SECONDS])
        await asyncio.sleep(max(0.0, seconds - choose.randrange(8) * TICK))

    async def upload(bodies: Bodies, peer: str) -> None:
        if choose.random() < 0.5:
            await pause()
        size = SMALL_BYTES + choose.choice([-1, 1])
        one = Client(bodies, peer, size, declared=choose.random() < 0.5)
        if choose.random() < 0.8:
            one.put(SMALL_BYTES - 2)
            await pause()
        await one.send_all()
        with contextlib.suppress(Overloaded, Truncated):
            got = len(await one.reading)
            if choose.random() < 0.5:
                await pause()
            bodies.release(got, peer=peer)
            assert got == size

    async def story() -> None:
        bodies = Bodies(in_flight=2 * MIB)
        await asyncio.gather(*(upload(bodies, choose.choice(["1.1.1.1", "2.2.2.2"])) for _ in range(12)))
        assert bodies.held == 0

    played(story())
