"""What one connection may cost: bytes, requests, time, and how many writes an answer takes."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from tiergate.process.answers import MAX_DISCARDED_BYTES, refuse, respond
from tiergate.process.runner import _Server, _settings
from tiergate.process.service import Receive, Scope, Send
from tiergate.process.worker import (
    HEADERS_TIMEOUT,
    MAX_FRAMING_BYTES,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_PIPELINED,
    MAX_UNREAD,
    REQUEST_TIMEOUT,
    SLOW_SECONDS,
    UNREAD_TIMEOUT,
    BoundedProtocol,
    Corked,
    DrainingServer,
    Worker,
)

REQUEST = b"POST /validate HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345"


class Wire:
    """A transport that remembers what was written, and how the connection ended."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.end = ""
        self.unread = 0

    def get_extra_info(self, _name: str) -> None:
        return None

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


def on_a_connection(app: App, story: Callable[[Connection], Awaitable[None]]) -> Wire:
    """Play a story on a new connection and return what was seen on its wire."""

    async def played() -> Wire:
        connection = Connection(app)
        try:
            await story(connection)
            return copy.deepcopy(connection.wire)  # before our own leaving is seen on it
        finally:
            await connection.leave()

    return asyncio.run(played())


def receiving(app: App, *segments: bytes) -> Wire:
    """Return the wire of a connection on which some segments came."""

    async def story(connection: Connection) -> None:
        for segment in segments:
            if connection.wire.end:
                return
            await connection.receive(segment)

    return on_a_connection(app, story)


def test_head_and_body_go_out_in_one_write() -> None:
    (written,) = receiving(answer, REQUEST).writes
    assert written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert written.endswith(b"\r\n\r\n12345")


def test_an_answer_that_ends_its_connection_is_written_before_the_end() -> None:
    wire = receiving(answer, REQUEST.replace(b"Host: h", b"Host: h\r\nConnection: close"))
    assert len(wire.writes) == 1
    assert wire.end == "closed"


def test_nothing_is_written_to_a_connection_that_ended_meanwhile() -> None:
    async def story() -> list[bytes]:
        wire = Wire()
        corked = Corked(cast("asyncio.Transport", wire))
        corked.write(b"late")
        wire.abort()
        await asyncio.sleep(0)
        return wire.writes

    assert asyncio.run(story()) == []


@pytest.mark.parametrize(
    ("start", "rest"),
    [
        pytest.param(b"POST /", b"a", id="path"),
        pytest.param(b"POST / HTTP/1.1\r\nA: ", b"a", id="header"),
        pytest.param(b"POST / HTTP/1.1\r\n", b"a: b\r\n", id="headers"),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;aaaaaaaa\r\nx\r\n", id="chunk-sizes"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n", id="trailers"),
    ],
)
def test_framing_without_end_ends_the_connection(start: bytes, rest: bytes) -> None:
    segment = rest * (2**15 // len(rest))
    enough = 2 * MAX_FRAMING_BYTES // len(segment)
    assert receiving(never, start, *[segment] * enough).end == "aborted"


def test_headers_are_few_and_their_bytes_too() -> None:
    head, end = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n", b"\r\n"
    assert not receiving(answer, head + b"a: b\r\n" * (MAX_HEADERS - 1) + end).end
    many = receiving(answer, head + b"a: b\r\n" * MAX_HEADERS + end)
    assert many.writes[0].startswith(b"HTTP/1.1 400 ")
    assert many.end == "closed"
    for rest in (b"a: b\r\n" * (MAX_HEADERS + 1), b"a: " + b"b" * MAX_HEADER_BYTES):
        assert receiving(answer, head + rest).end == "aborted"


def test_a_large_body_is_no_framing() -> None:
    size = 8 * MAX_FRAMING_BYTES
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size
    assert not receiving(never, head, *[b"x" * 2**16] * (size // 2**16)).end


def test_many_requests_on_a_connection_are_no_framing() -> None:
    wire = receiving(answer, *[REQUEST] * (2 * MAX_FRAMING_BYTES // len(REQUEST)))
    assert not wire.end
    assert b"".join(wire.writes).count(b"12345") == len(wire.writes)


def test_the_rest_of_a_refused_body_is_dropped_within_bounds() -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (2 * MAX_DISCARDED_BYTES)
    part = b"x" * 2**22
    few = receiving(refuse_it, head, *[part] * 4)
    assert few.writes[0].startswith(b"HTTP/1.1 413 ")
    assert not few.end
    assert receiving(refuse_it, head, *[part] * (MAX_DISCARDED_BYTES // len(part) + 1)).end == "aborted"


def test_requests_that_wait_for_an_answer_are_few() -> None:
    assert not receiving(never, REQUEST * (1 + MAX_PIPELINED)).end
    wire = receiving(never, REQUEST * (2 + MAX_PIPELINED))
    assert wire.end == "closed"
    assert wire.writes[0].startswith(b"HTTP/1.1 400 ")


def test_pipelined_requests_are_answered_in_order() -> None:
    wire = receiving(answer, REQUEST + REQUEST.replace(b"12345", b"67890"), b"")
    received = b"".join(wire.writes)
    assert received.index(b"12345") < received.index(b"67890")


def test_a_request_for_another_protocol_is_the_last() -> None:
    upgrade = REQUEST.replace(b"Host: h", b"Host: h\r\nConnection: upgrade\r\nUpgrade: websocket")
    wire = receiving(refuse_it, upgrade)
    assert b"connection: close" in wire.writes[0]
    assert wire.end == "closed"


@pytest.mark.parametrize(
    ("segments", "most"),
    [
        pytest.param([], REQUEST_TIMEOUT, id="silence"),
        pytest.param([b"POST /validate HT"], HEADERS_TIMEOUT, id="half-a-line"),
        pytest.param([b"POST / HTTP/1.1\r\nHost: h\r\n"], HEADERS_TIMEOUT, id="half-the-headers"),
        pytest.param([REQUEST[:-1]], REQUEST_TIMEOUT, id="half-a-body"),
        pytest.param([REQUEST, b"\r\n"], REQUEST_TIMEOUT, id="an-empty-line-after-an-answer"),
        pytest.param([REQUEST, b"POST"], HEADERS_TIMEOUT, id="half-of-the-second"),
        pytest.param([REQUEST + b"POST / HTTP/1.1\r\n"], HEADERS_TIMEOUT, id="the-second-s-headers-in-the-same-bytes"),
        pytest.param([REQUEST + REQUEST[:-1]], REQUEST_TIMEOUT, id="the-second-s-body-in-the-same-bytes"),
    ],
)
def test_what_does_not_come_whole_in_time_is_ended(segments: list[bytes], most: float) -> None:
    """Each further byte does not win more time, and nothing is ended before."""

    async def story(connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        for segment in segments:
            await connection.receive(segment)
        connection.protocol.end_if_late(loop.time() + most - 1)
        assert not connection.wire.end
        connection.protocol.end_if_late(loop.time() + most + 1)

    assert on_a_connection(answer, story).end == "aborted"


def test_an_answer_that_nobody_reads_is_ended() -> None:
    async def story(connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        await connection.receive(REQUEST)
        for unread, later in ((5, 0.0), (0, UNREAD_TIMEOUT + 1), (5, UNREAD_TIMEOUT + 2), (5, 2 * UNREAD_TIMEOUT)):
            connection.wire.unread = unread
            connection.protocol.end_if_late(now + later)
            assert not connection.wire.end
        connection.protocol.end_if_late(now + 3 * UNREAD_TIMEOUT)

    assert on_a_connection(answer, story).end == "aborted"


def test_an_idle_connection_is_closed_after_a_while_and_no_timer_keeps_it() -> None:
    async def story(connection: Connection) -> None:
        await connection.receive(REQUEST)
        assert connection.protocol.timeout_keep_alive_task is None
        for idle in (0, 119):
            connection.protocol.end_if_late(asyncio.get_running_loop().time() + idle)
            assert not connection.wire.end
        connection.protocol.end_if_late(asyncio.get_running_loop().time() + 121)

    assert on_a_connection(answer, story).end == "closed"


def test_who_is_idle_or_slow_keeps_us_waiting_and_who_waits_for_us_does_not() -> None:
    async def story(connection: Connection) -> None:
        protocol = connection.protocol
        await connection.receive(REQUEST[:-1])
        assert protocol.waiting_since() is None
        began = protocol._since
        assert began is not None
        protocol._since = began - SLOW_SECONDS - 1
        assert protocol.waiting_since() == protocol._since
        await connection.receive(REQUEST[-1:])
        assert (protocol.waiting_since() is not None) == protocol.cycle.response_complete

    on_a_connection(never, story)
    on_a_connection(answer, story)


def test_a_connection_is_known_to_have_asked_once_its_first_request_is_whole() -> None:
    async def story(connection: Connection) -> None:
        asked: list[int] = []
        connection.protocol.on_request = lambda: asked.append(1)
        await connection.receive(REQUEST[:-1])
        assert not asked
        await connection.receive(REQUEST[-1:] + REQUEST)
        assert asked == [1]

    on_a_connection(answer, story)


def test_of_many_unread_answers_only_some_are_kept() -> None:
    async def story(connection: Connection) -> None:
        server = DrainingServer(connection.protocol.config)
        several = [Connection() for _ in range(MAX_UNREAD + 2)]
        server.server_state.connections.update(one.protocol for one in several)
        await server.on_tick(1)
        assert not any(one.wire.end for one in several)
        for one in reversed(several):
            one.protocol.pause_writing()
            await asyncio.sleep(0.001)
        await server.on_tick(2)
        assert [number for number, one in enumerate(several) if one.wire.end == "aborted"] == [
            MAX_UNREAD,
            MAX_UNREAD + 1,
        ]

    on_a_connection(answer, story)


def test_an_answer_may_take_its_time() -> None:
    async def story(connection: Connection) -> None:
        await connection.receive(REQUEST)
        connection.protocol.end_if_late(asyncio.get_running_loop().time() + 10 * REQUEST_TIMEOUT)

    assert not on_a_connection(never, story).end


def test_every_connection_is_looked_at_once_a_second() -> None:
    async def story(connection: Connection) -> None:
        connection.protocol._since = asyncio.get_running_loop().time() - REQUEST_TIMEOUT - 1
        server = DrainingServer(connection.protocol.config)
        server.server_state.connections.add(connection.protocol)
        for counter in range(1, 11):
            assert not connection.wire.end
            await server.on_tick(counter)

    assert on_a_connection(answer, story).end == "aborted"


def test_gunicorn_hands_its_settings_to_uvicorn() -> None:
    """The API server ends an idle connection after 90 s; were we first, a review could be lost on its way."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        """Be loaded."""

    server = _Server(application, _settings([], "info"))
    worker = Worker(1, 1, [], server, 15, server.cfg, server.cfg.logger_class(server.cfg))
    worker.tmp.close()
    config = worker.config
    assert config.timeout_keep_alive >= 90 + 10
    assert (config.http, config.loop, config.lifespan) == (BoundedProtocol, "uvloop", "on")
    assert (config.proxy_headers, config.access_log) == (False, False)
    assert not config.is_ssl
