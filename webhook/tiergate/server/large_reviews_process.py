"""The process that reads large reviews: reviews and answers over the socket that is its standard input.

It holds one review at a time, and may not take more memory than one can need.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import socket
import struct
from typing import Final, cast

import msgspec

from tiergate.admission.request import read
from tiergate.admission.review import BadReview
from tiergate.core.request import Endpoint
from tiergate.process.memory import map_large_blocks

REVIEW: Final = struct.Struct("<BQ")
"""Bytes of the endpoint, bytes of the body; then both."""
ANSWER: Final = struct.Struct("<BQ")
"""Kind and bytes; then these."""
REQUEST: Final = 0
"""A pickled AdmissionRequest."""
BAD_REVIEW: Final = 1
"""Reason and uid, as JSON."""
FAILED: Final = 2
"""Why, as text."""
MEMORY: Final = 320 * 2**20
"""Bytes of address space: the interpreter, and the largest review as bytes, as text and as a tree."""
NICE: Final = 10
"""How far it stands back where the system has no better way."""


def answer(endpoint: Endpoint, body: bytes) -> tuple[int, bytes]:
    """Return the kind and the bytes of the answer."""
    try:
        return REQUEST, pickle.dumps(read(endpoint, body), pickle.HIGHEST_PROTOCOL)
    except BadReview as error:
        return BAD_REVIEW, msgspec.json.encode((str(error), error.uid))
    except Exception as error:  # noqa: BLE001  # also MemoryError: it fails this one review
        return FAILED, type(error).__name__.encode()


def serve(connection: socket.socket) -> None:
    """Answer until the other side ends."""
    with connection, connection.makefile("rb") as reviews:
        while head := reviews.read(REVIEW.size):
            name, size = REVIEW.unpack(head)
            endpoint = cast("Endpoint", reviews.read(name).decode())
            kind, said = answer(endpoint, reviews.read(size))
            connection.sendall(ANSWER.pack(kind, len(said)) + said)


def stand_back() -> None:
    """Leave the core at once to the event loop, where both want it: ordinary reviews go first.

    Nice processes get less time, but Linux lets them go on until the next tick, up to 4 ms, whoever wakes up meanwhile.
    Processes of other containers take nothing from this one, as each container has a share of its own.
    """
    os.nice(NICE)
    with contextlib.suppress(AttributeError, OSError):  # Linux alone has it
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def main() -> None:
    """Serve on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends it, or its end of the socket does
    stand_back()
    map_large_blocks()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    serve(socket.socket(fileno=0))


if __name__ == "__main__":
    main()
