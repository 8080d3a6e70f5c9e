"""One connection of the server's protocol over a transport that writes down what it was told."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from tiergate.core.request import Endpoint
from tiergate.process.answers import refuse, respond
from tiergate.process.service import Receive, Scope, Send
from tiergate.process.worker import (
    BoundedProtocol,
    Worker,
)
from tiergate.server.admission import Answer, Record

REQUEST = b"POST /validate HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345"
REVIEW = REQUEST.replace(b"Host: h", b"Host: h\r\nContent-Type: application/json")


class Verdicts:
    """Answers everything that is a number with 200."""

    async def answer(self, endpoint: Endpoint, body: bytes, **_: object) -> Answer:
        """Answer as admission does: a review, what is none, or a failure of ours."""
        if body == b"fails":
            raise RuntimeError
        return Answer(200 if body.isdigit() else 400, body, Record(endpoint))


class Wire:
    """A transport that remembers what was written, and how the connection ended."""

    def __init__(self, *, encrypted: bool = False) -> None:
        self.writes: list[bytes] = []
        self.end = ""
        self.unread = 0
        self.encrypted = encrypted

    def get_extra_info(self, name: str) -> object:
        return "a session" if self.encrypted and name == "ssl_object" else None

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.end = self.end or "closed"

    def abort(self) -> None:
        self.end = "aborted"

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return bool(self.end)

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with its body."""
    await respond(send, 200, (await receive())["body"])


async def answer_later(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request some turns after it came."""
    for _ in range(6):
        await asyncio.sleep(0)
    await answer(scope, receive, send)


async def refuse_it(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer a request whose body is still coming."""
    await refuse(send, 413, b"too large\n")


async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Take for ever."""
    await asyncio.Event().wait()


App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Connection:
    """One connection to an application, without a network."""

    def __init__(self, app: App = answer) -> None:
        self.wire = Wire()
        self.state = ServerState()
        config = Config(cast("Any", app), **{**Worker.CONFIG_KWARGS, "log_config": None, "timeout_keep_alive": 120})
        self.protocol = BoundedProtocol(config=config, server_state=self.state, app_state={})
        self.protocol.connection_made(cast("asyncio.Transport", self.wire))

    async def receive(self, data: bytes) -> None:
        """Let bytes come in, and the loop turn until they are answered."""
        self.protocol.data_received(data)
        for _ in range(5):
            await asyncio.sleep(0)

    async def leave(self) -> None:
        """End what is still going on."""
        for task in tuple(self.state.tasks):
            task.cancel()
        await asyncio.gather(*self.state.tasks, return_exceptions=True)


async def on_a_connection(app: App, story: Callable[[Connection], Awaitable[None]]) -> Wire:
    """Play a story on a new connection and return what was seen on its wire."""
    connection = Connection(app)
    try:
        await story(connection)
        return copy.deepcopy(connection.wire)  # before our own leaving is seen on it
    finally:
        await connection.leave()


async def receiving(app: App, *segments: bytes) -> Wire:
    """Return the wire of a connection on which some segments came."""

    async def story(connection: Connection) -> None:
        for segment in segments:
            if connection.wire.end:
                return
            await connection.receive(segment)

    return await on_a_connection(app, story)
