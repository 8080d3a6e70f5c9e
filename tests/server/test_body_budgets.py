"""Small reviews always get in: whoever stops sending makes room, and large bodies are few at a time."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from tests.virtual_time import TICK, VirtualLoop
from tiergate.process.bodies import (
    HURRIED_SECONDS,
    LIGHT_BYTES,
    MAX_BODY_BYTES,
    PACE_BYTES,
    PACE_SECONDS,
    SMALL_BYTES,
    SMALL_SECONDS,
    Bodies,
    Overloaded,
    Refused,
    Truncated,
)
from tiergate.process.service import Message
from tiergate.process.slots import MAX_AT_ONCE, MAX_WAITING, MAX_WAITING_OF_PEER, PATIENCE, Slots

KIB, MIB = 2**10, 2**20
SMALL = 100 * KIB
LARGE = 2 * SMALL_BYTES


@pytest.fixture(autouse=True)
def without_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collect no garbage: this process has all tests in its memory. `test_nothing_grows` tries when it is collected."""
    monkeypatch.setattr("tiergate.process.bodies.give_back", lambda: None)


def played(story: Coroutine[Any, Any, None]) -> None:
    """Run a story in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story)


class Client:
    """Somebody who sends one body in parts; what is not sent stalls."""

    def __init__(self, bodies: Bodies, peer: str, size: int, *, declared: bool = True) -> None:
        self._parts: asyncio.Queue[Message] = asyncio.Queue()
        headers = [(b"content-type", b"application/json")]
        if declared:
            headers.append((b"content-length", b"%d" % size))
        self._left = size
        self.reading = asyncio.ensure_future(bodies.read(headers, self._parts.get, peer=peer))

    def put(self, size: int) -> None:
        """Send further bytes."""
        self._left -= size
        self._parts.put_nowait({"type": "http.request", "body": b"x" * size, "more_body": self._left > 0})

    async def send(self, size: int) -> None:
        """Send further bytes and let the server take them."""
        self.put(size)
        for _ in range(10):
            await asyncio.sleep(0)

    def held_back(self) -> bool:
        """Say whether the server has not taken what was sent."""
        return not self._parts.empty()

    async def send_all(self) -> None:
        """Send what is left."""
        while self._left:
            await self.send(min(self._left, 256 * KIB))

    def refusal(self) -> Refused | None:
        """Return what the server said, None while it waits or when it took the body."""
        error = self.reading.exception() if self.reading.done() else None
        assert error is None or isinstance(error, Refused)
        return error


Story = Callable[[Bodies], Awaitable[None]]


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
