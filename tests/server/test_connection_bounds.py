"""What one connection may cost: bytes, requests, time, and how many writes an answer takes."""

import asyncio
import itertools
from collections.abc import Callable
from typing import cast

import pytest

from tests.server.connections import (
    REQUEST,
    Connection,
    Wire,
    answer,
    answer_later,
    never,
    on_a_connection,
    receiving,
    refuse_it,
)
from tiergate.process.answers import MAX_DISCARDED_BYTES
from tiergate.process.corked import Corked
from tiergate.process.worker import (
    BULKY_BYTES,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_URL_BYTES,
)


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
