"""Small reviews always get in: whoever stops sending makes room, and large bodies are few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from tests.virtual_time import VirtualLoop
from tiergate.process.bodies import PACE_SECONDS, SMALL_BYTES, Bodies, Overloaded, Refused, Truncated
from tiergate.process.service import Message
from tiergate.process.slots import MAX_AT_ONCE, MAX_WAITING_OF_PEER, PATIENCE

KIB, MIB = 2**10, 2**20
SMALL = 100 * KIB
LARGE = 2 * SMALL_BYTES


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

    async def send(self, size: int) -> None:
        """Send further bytes and let the server take them."""
        self._left -= size
        self._parts.put_nowait({"type": "http.request", "body": b"x" * size, "more_body": self._left > 0})
        for _ in range(10):
            await asyncio.sleep(0)

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
