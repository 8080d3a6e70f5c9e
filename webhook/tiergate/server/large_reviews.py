"""Reads reviews that take long to read: in a process of its own, one at a time, so that the event loop goes on.

A thread would not do: one call of the decoder holds the interpreter for as long as a large document takes (ADR 21).
The process starts with the first such review and ends when none came for a while. Whatever goes wrong with it is a
failure of that one review.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.admission.review import BadReview
from tiergate.process.bodies import SMALL_BYTES
from tiergate.server import large_reviews_process as process
from tiergate.server.turns import Origin, PeerKey, Turns

if TYPE_CHECKING:
    from tiergate.admission.request import AdmissionRequest
    from tiergate.core.request import Endpoint
    from tiergate.server.endpoints.reading import Deadline

IDLE: Final = 60.0
"""Seconds after which an idle process ends, and its memory is free again."""
PATIENCE: Final = 3.0
"""Seconds for one review, its waiting included: less than others wait for the slot that a large body has meanwhile."""
MAX_WAITING_OF_PEER: Final = 64
"""Reviews of one peer that wait for the process, far fewer than it may have connections; more are refused at once.

A namespace may have as many of them as there are places left, so that none fills the line for the others.
"""

MAX_BYTES_OF_PEER: Final = 12 * 2**20
"""Bytes of these that are not large bodies: less than those of a peer that may be in flight, so that some room is left.

A namespace may have as many of them as are left, too.
"""


class CannotReadError(RuntimeError):
    """A large review could not be read: the process was busy for too long, or failed."""


class _Channel(msgspec.Struct):
    """A process and the way to it."""

    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class LargeReviews:
    """Reads large reviews, in turn by peer and namespace."""

    def __init__(self) -> None:
        """Start with no process."""
        self._turns = Turns()
        self._bytes = Counter[PeerKey | Origin]()
        self._channel: _Channel | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def read(self, endpoint: Endpoint, body: bytes, deadline: Deadline, origin: Origin) -> AdmissionRequest:
        """Return the request of a review, as ``admission.request.read`` does.

        Raises:
            BadReview: As there.
            CannotReadError: It could not be read, or not in time.
        """
        left = MAX_WAITING_OF_PEER - self._turns.waiting_of_peer(origin)
        if self._turns.waiting_of_namespace(origin) >= left:
            raise CannotReadError("too many large reviews are waiting")
        size = len(body) if len(body) <= SMALL_BYTES else 0  # the others have slots
        if size and self._bytes[origin] + size > MAX_BYTES_OF_PEER - self._bytes[origin.peer]:
            raise CannotReadError("too many bytes of large reviews are waiting")
        counted = Counter[PeerKey | Origin]({origin: size, origin.peer: size})
        self._bytes += counted
        try:
            async with asyncio.timeout(min(deadline.left(), PATIENCE)), self._turns.turn(origin):
                kind, answer = await self._ask(endpoint, body)
        except TimeoutError:
            kind, answer = process.FAILED, b"it was not read in time"
        finally:
            self._bytes -= counted  # leaves out what is zero
        if kind == process.REQUEST:
            request: AdmissionRequest = pickle.loads(answer)  # noqa: S301  # what our own process made
            return request
        if kind == process.BAD_REVIEW:
            reason, uid = msgspec.json.decode(answer, type=tuple[str, str])
            raise BadReview(reason, uid=uid)
        raise CannotReadError(f"a review of {len(body)} bytes: {answer.decode()}")

    async def _ask(self, endpoint: Endpoint, body: bytes) -> tuple[int, bytes]:
        """Return the kind and the bytes of the process' answer."""
        if self._idle is not None:
            self._idle.cancel()
        answered = False
        try:
            channel = self._channel = self._channel or await _started()
            channel.writer.write(process.REVIEW.pack(len(endpoint), len(body)) + endpoint.encode())
            channel.writer.write(body)
            await channel.writer.drain()
            kind, size = process.ANSWER.unpack(await channel.reader.readexactly(process.ANSWER.size))
            answer = await channel.reader.readexactly(size)
            answered = True
        except (OSError, EOFError) as error:
            return process.FAILED, f"its process ended: {type(error).__name__}".encode()
        finally:
            if answered:
                self._idle = asyncio.get_running_loop().call_later(IDLE, self.stop)
            else:
                self.stop()  # also where the time was over: what it would still say is no answer to the next
        return kind, answer

    def stop(self) -> None:
        """End the process, if there is one."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.writer.transport.abort()
            _end(channel.process)


async def _started() -> _Channel:
    ours, theirs = socket.socketpair()
    try:
        command = [sys.executable, "-P", "-m", process.__name__]  # -P: nothing from the working directory
        child = subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL)  # noqa: ASYNC220  # at once
    finally:
        theirs.close()
    try:
        reader, writer = await asyncio.open_connection(sock=ours)
    except BaseException:  # the time was over
        ours.close()
        _end(child)
        raise
    return _Channel(child, reader, writer)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    asyncio.get_running_loop().run_in_executor(None, child.wait)  # freeing its memory takes time
