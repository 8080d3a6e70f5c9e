"""How long one connection may take: what does not come, what is not read, what is idle."""

import asyncio

import pytest

from tests.server.connections import (
    REQUEST,
    REVIEW,
    Connection,
    Verdicts,
    answer,
    never,
    on_a_connection,
    receiving,
    refuse_it,
)
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.process.runner import _Server, _settings
from tiergate.process.service import Receive, Scope, Send
from tiergate.process.worker import (
    HEADERS_TIMEOUT,
    MAX_UNREAD,
    REQUEST_TIMEOUT,
    SLOW_SECONDS,
    UNREAD_TIMEOUT,
    BoundedProtocol,
    DrainingServer,
    Worker,
)
from tiergate.server.pacing import Pacing
from tiergate.server.routes import Routes


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


@pytest.mark.parametrize("request_", [REVIEW, REVIEW.replace(b"json", b"text")], ids=["a-review", "refused"])
async def test_an_answer_that_is_held_back_is_the_last_of_its_connection_if_its_place_is_wanted(
    request_: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = Routes(Verdicts(), PrometheusRecorder(), write=lambda _lines: None)

    async def story(connection: Connection) -> None:
        held = connection.protocol.held
        for seconds, wanted in ((0.0, False), (0.001, False), (60.0, True)):
            monkeypatch.setattr(Pacing, "wait", lambda *_, seconds=seconds, **__: seconds)
            await connection.receive(request_)
            assert bool(held) == (seconds > 0)
            if wanted:
                held.let_go()
            await asyncio.gather(*connection.state.tasks)
            assert not held
            assert connection.wire.end == ("closed" if wanted else "")
        assert [b"connection: close" in one for one in connection.wire.writes] == [False, False, True]

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
