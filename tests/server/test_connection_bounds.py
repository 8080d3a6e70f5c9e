"""What one connection may cost: bytes, requests, time, and how many writes an answer takes."""

import asyncio
import copy
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from tiergate.core.request import Endpoint
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.process.answers import MAX_DISCARDED_BYTES, refuse, respond
from tiergate.process.corked import Corked
from tiergate.process.runner import _Server, _settings
from tiergate.process.service import Receive, Scope, Send
from tiergate.process.worker import (
    BULKY_BYTES,
    HEADERS_TIMEOUT,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_UNREAD,
    MAX_URL_BYTES,
    REQUEST_TIMEOUT,
    SLOW_SECONDS,
    UNREAD_TIMEOUT,
    BoundedProtocol,
    DrainingServer,
    Worker,
)
from tiergate.server.admission import Answer, Record
from tiergate.server.routes import Routes

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


async def test_a_body_is_bulky_from_a_number_of_bytes_on_until_it_is_whole() -> None:
    async def story(connection: Connection) -> None:
        head = REQUEST.replace(b"Length: 5", b"Length: %d" % (2 * BULKY_BYTES)).removesuffix(b"12345")
        await connection.receive(head + b"1" * (BULKY_BYTES - 1))
        assert not connection.protocol.is_bulky()
        await connection.receive(b"1")
        assert connection.protocol.is_bulky()
        await connection.receive(b"1" * BULKY_BYTES)
        assert not connection.protocol.is_bulky()

    await on_a_connection(never, story)


async def test_head_and_body_go_out_in_one_write() -> None:
    (written,) = (await receiving(answer, REQUEST)).writes
    assert written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert written.endswith(b"\r\n\r\n12345")


async def test_an_answer_that_ends_its_connection_is_written_before_the_end() -> None:
    wire = await receiving(answer, REQUEST.replace(b"Host: h", b"Host: h\r\nConnection: close"))
    assert len(wire.writes) == 1
    assert wire.end == "closed"


async def test_nothing_is_written_to_a_connection_that_ended_meanwhile() -> None:
    wire = Wire()
    corked = Corked(cast("asyncio.Transport", wire))
    corked.write(b"late")
    wire.abort()
    await asyncio.sleep(0)
    assert wire.writes == []


async def test_the_last_answer_over_tls_has_a_moment_to_arrive_and_nothing_behind_it_is_taken() -> None:
    """Uvloop's own closing of TLS waits for the client, and meanwhile decrypts all that comes, in turn with nobody."""
    now, wire = 100.0, Wire(encrypted=True)
    later: list[Callable[[], None]] = []
    corked = Corked(cast("asyncio.Transport", wire), clock=lambda: now, call_later=lambda _, then: later.append(then))
    corked.write(b"the last")
    for _ in range(2):
        corked.close()
        corked.write(b"too late")
        await asyncio.sleep(0)
    assert (wire.writes, wire.end, corked.is_closing(), len(later)) == ([b"the last"], "", True, 1)
    wire.unread = 5
    later.pop()()
    assert (wire.end, len(later)) == ("", 1)
    wire.unread = 0
    later.pop()()
    assert wire.end == "aborted"


@pytest.mark.parametrize(("idle", "end"), [(0.5, ""), (5.0, "aborted")])
async def test_an_idle_connection_over_tls_ends_at_once(idle: float, end: str) -> None:
    now, wire = 100.0, Wire(encrypted=True)
    corked = Corked(cast("asyncio.Transport", wire), clock=lambda: now, call_later=lambda *_: None)
    corked.write(b"an answer")
    await asyncio.sleep(0)
    now += idle
    corked.close()
    assert wire.end == end


@pytest.mark.parametrize(
    ("start", "rest"),
    [
        pytest.param(b"POST /", b"a", id="path"),
        pytest.param(b"POST / HTTP/1.1\r\nA: ", b"a", id="header"),
        pytest.param(b"POST / HTTP/1.1\r\n", b"a: b\r\n", id="headers"),
    ],
)
async def test_framing_without_end_ends_the_connection(start: bytes, rest: bytes) -> None:
    segment = rest * (2**15 // len(rest))
    enough = 2 * MAX_HEADER_BYTES // len(segment)
    assert (await receiving(never, start, *[segment] * enough)).end == "aborted"


@pytest.mark.parametrize("request_line", [b"POST /validate", b"GET /livez"])
@pytest.mark.parametrize("encoding", [b"chunked", b"gzip, chunked", b"identity"])
async def test_a_body_without_a_length_is_refused_before_any_of_it_is_parsed(
    request_line: bytes, encoding: bytes
) -> None:
    """A chunk of one byte costs as much as one of many: the API server sends a length with every review."""
    head = request_line + b" HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: " + encoding + b"\r\n\r\n"
    for wire in (
        await receiving(answer, head + b"1\r\nx\r\n" * 5000),
        await receiving(answer, REQUEST, head, b"1\r\nx\r\n0\r\nA: trailer\r\n\r\n"),
    ):
        assert wire.writes[-1].startswith(b"HTTP/1.1 411 Length Required\r\n")
        assert b"connection: close" in wire.writes[-1]
        assert wire.end == "closed"


async def test_headers_are_few_and_their_bytes_too() -> None:
    head, end = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n", b"\r\n"
    assert not (await receiving(answer, head + b"a: b\r\n" * (MAX_HEADERS - 1) + end)).end
    many = b"a: b\r\n" * MAX_HEADERS  # with the one above one too many
    for rest in (many + end, many + b"a: b\r\n", b"a: " + b"b" * MAX_HEADER_BYTES):
        assert (await receiving(answer, head + rest)).end == "aborted"


async def test_urls_are_short() -> None:
    end = b" HTTP/1.1\r\n\r\n"
    assert not (await receiving(answer, b"GET /" + b"%41" * 300 + end)).end
    for long in (b"GET /" + b"%41" * 10_000 + end, b"GET /" + b"a" * MAX_URL_BYTES + end):
        assert (await receiving(answer, long)).end == "aborted"


@pytest.mark.parametrize("line", [b"a:\r\n", b"a: " + b"b" * 50 + b"\r\n", b"a: " + b"b" * 2**17 + b"\r\n"])
async def test_of_headers_in_one_piece_no_more_is_made_than_the_limits_allow(line: bytes) -> None:
    """However many bytes are read at once: garbage of ended connections waits for its collection."""

    async def story(connection: Connection) -> None:
        await connection.receive(b"POST / HTTP/1.1\r\n" + line * (2**18 // len(line)) + b"b: c\r\n" * 2)
        assert connection.wire.end == "aborted"
        assert len(connection.protocol.headers) <= MAX_HEADERS
        assert sum(map(len, itertools.chain(*connection.protocol.headers))) <= MAX_HEADER_BYTES
        connection.protocol.connection_lost(None)
        assert not connection.protocol.headers
        assert not connection.protocol.scope

    await on_a_connection(never, story)


async def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    head, body = REQUEST.replace(b"Host: h", b"Host: h\r\nEXPECT: 100-Continue").split(b"12345")[0], b"12345"
    assert (await receiving(answer, head, body)).writes[0].startswith(b"HTTP/1.1 100 Continue\r\n")


async def test_a_large_piece_is_parsed_as_many_small_ones() -> None:
    size = 4 * MAX_HEADER_BYTES + 5
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size
    wire = await receiving(answer, head + b"x" * size, REQUEST)
    assert not wire.end
    received = b"".join(wire.writes)
    assert received.index(b"x" * size) < received.index(b"12345")


async def test_a_large_body_is_no_framing() -> None:
    size = 64 * MAX_HEADER_BYTES
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size
    assert not (await receiving(never, head, *[b"x" * 2**16] * (size // 2**16))).end


@pytest.mark.slow
async def test_many_requests_on_a_connection_are_no_framing() -> None:
    wire = await receiving(answer, *[REQUEST] * (16 * MAX_HEADER_BYTES // len(REQUEST)))
    assert not wire.end
    assert b"".join(wire.writes).count(b"12345") == len(wire.writes)


async def test_the_rest_of_a_refused_body_is_dropped_within_bounds() -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (2 * MAX_DISCARDED_BYTES)
    part = b"x" * 2**22
    few = await receiving(refuse_it, head, *[part] * 4)
    assert few.writes[0].startswith(b"HTTP/1.1 413 ")
    assert not few.end
    assert (await receiving(refuse_it, head, *[part] * (MAX_DISCARDED_BYTES // len(part) + 1))).end == "aborted"


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param(REQUEST.replace(b"12345", b"67890"), id="a-request"),
        pytest.param(REQUEST[:30], id="half-a-request"),
        pytest.param(b"\0", id="no-request"),
    ],
)
async def test_what_comes_before_an_answer_ends_the_connection_behind_that_answer(behind: bytes) -> None:
    """However many it would be: each of them would be a review that no other connection takes turns with."""
    for segments in ([REQUEST + behind * 100], [REQUEST, behind]):
        wire = await receiving(answer_later, *segments, b"")
        (written,) = wire.writes
        assert written.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close" in written
        assert written.endswith(b"12345")
        assert wire.end == "closed"


async def test_a_request_for_another_protocol_is_the_last() -> None:
    upgrade = REQUEST.replace(b"Host: h", b"Host: h\r\nConnection: upgrade\r\nUpgrade: websocket")
    wire = await receiving(refuse_it, upgrade)
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
    ],
)
async def test_what_does_not_come_whole_in_time_is_ended(segments: list[bytes], most: float) -> None:
    """Each further byte does not win more time, and nothing is ended before."""

    async def story(connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        for segment in segments:
            await connection.receive(segment)
        connection.protocol.end_if_late(loop.time() + most - 1)
        assert not connection.wire.end
        connection.protocol.end_if_late(loop.time() + most + 1)

    assert (await on_a_connection(answer, story)).end == "aborted"


async def test_an_answer_that_nobody_reads_is_ended() -> None:
    async def story(connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        await connection.receive(REQUEST)
        for unread, later in ((5, 0.0), (0, UNREAD_TIMEOUT + 1), (5, UNREAD_TIMEOUT + 2), (5, 2 * UNREAD_TIMEOUT)):
            connection.wire.unread = unread
            connection.protocol.end_if_late(now + later)
            assert not connection.wire.end
        connection.protocol.end_if_late(now + 3 * UNREAD_TIMEOUT)

    assert (await on_a_connection(answer, story)).end == "aborted"


async def test_an_idle_connection_is_closed_after_a_while_and_no_timer_keeps_it() -> None:
    async def story(connection: Connection) -> None:
        await connection.receive(REQUEST)
        assert connection.protocol.timeout_keep_alive_task is None
        for idle in (0, 119):
            connection.protocol.end_if_late(asyncio.get_running_loop().time() + idle)
            assert not connection.wire.end
        connection.protocol.end_if_late(asyncio.get_running_loop().time() + 121)

    assert (await on_a_connection(answer, story)).end == "closed"


async def test_who_is_idle_or_slow_keeps_us_waiting_and_who_waits_for_us_does_not() -> None:
    async def story(connection: Connection) -> None:
        protocol = connection.protocol
        assert protocol.waiting_since() == protocol._since
        await connection.receive(REQUEST[:20])
        assert protocol.waiting_since() == protocol._since
        await connection.receive(REQUEST[20:-1])
        assert protocol.waiting_since() is None
        began = protocol._since
        assert began is not None
        assert protocol.working_since() == began
        protocol._since = began - SLOW_SECONDS - 1
        assert protocol.waiting_since() == protocol._since
        began = protocol._since
        await connection.receive(REQUEST[-1:])
        assert protocol.working_since() == began
        assert (protocol.waiting_since() is not None) == protocol.cycle.response_complete

    await on_a_connection(never, story)
    await on_a_connection(answer, story)


@pytest.mark.parametrize(
    ("request_", "proves"),
    [
        pytest.param(REVIEW, True, id="a-review"),
        pytest.param(REVIEW.replace(b"12345", b"wrong"), False, id="no-review"),
        pytest.param(REVIEW.replace(b"12345", b"fails"), False, id="a-failure-of-ours"),
        pytest.param(REVIEW.replace(b"json", b"text"), False, id="another-type"),
        pytest.param(REVIEW.replace(b"/validate", b"/nowhere"), False, id="no-such-path"),
        pytest.param(b"GET /validate HTTP/1.1\r\nHost: h\r\n\r\n", False, id="no-post"),
    ],
)
async def test_only_a_review_that_is_answered_makes_a_connection_known(request_: bytes, *, proves: bool) -> None:
    routes = Routes(Verdicts(), PrometheusRecorder(), write=lambda _lines: None)

    async def story(connection: Connection) -> None:
        known: list[int] = []
        connection.protocol.on_review = lambda: known.append(1)
        await connection.receive(request_[:-1])
        assert not known
        await connection.receive(request_[-1:])
        await connection.receive(request_)
        assert known == [1] * proves
        assert len(connection.wire.writes) == 2

    await on_a_connection(routes.http, story)


async def test_of_many_unread_answers_only_some_are_kept() -> None:
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

    await on_a_connection(answer, story)


async def test_an_answer_may_take_its_time() -> None:
    async def story(connection: Connection) -> None:
        await connection.receive(REQUEST)
        connection.protocol.end_if_late(asyncio.get_running_loop().time() + 10 * REQUEST_TIMEOUT)

    assert not (await on_a_connection(never, story)).end


async def test_every_connection_is_looked_at_once_a_second() -> None:
    async def story(connection: Connection) -> None:
        connection.protocol._since = asyncio.get_running_loop().time() - REQUEST_TIMEOUT - 1
        server = DrainingServer(connection.protocol.config)
        server.server_state.connections.add(connection.protocol)
        for counter in range(1, 11):
            assert not connection.wire.end
            await server.on_tick(counter)

    assert (await on_a_connection(answer, story)).end == "aborted"


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
