"""Clients that send bodies in virtual time, in as many pieces as a story wants."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.virtual_time import VirtualLoop
from tiergate.process.bodies import (
    SMALL_BYTES,
    Bodies,
    Refused,
)
from tiergate.process.service import Message

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
