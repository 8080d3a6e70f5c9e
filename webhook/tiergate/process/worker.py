"""gunicorn's worker: uvicorn with httptools, which parses HTTP in C, with limits and a stop that loses no request.

It uses classes of uvicorn that are not a public interface, so uvicorn's minor version is pinned (docs/adr/0012).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from gunicorn.arbiter import Arbiter
from uvicorn import Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker

from tiergate.process.answers import ANSWERED, CLOSE, HOLD, LENGTH_REQUIRED, MAX_DISCARDED_BYTES
from tiergate.process.connections import Acceptor, Connections
from tiergate.process.corked import Corked
from tiergate.process.held import HeldAnswer
from tiergate.process.reading import Served

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from uvicorn.config import Config

DRAIN_SECONDS: Final = 10.0
"""Seconds after SIGTERM in which kept-alive connections are still served; less than gunicorn waits for the worker."""
MIN_DRAIN_SECONDS: Final = 1.0
"""Seconds a stop takes at least: a connection in its TLS handshake is not in any list yet."""
POLL_SECONDS: Final = 0.05
REQUEST_TIMEOUT: Final = 60.0
"""Seconds in which a whole request must arrive, from its first byte; longer than any of its parts may take."""
HEADERS_TIMEOUT: Final = 10.0
"""Seconds in which the headers of a request must be whole, from its first byte."""
SLOW_SECONDS: Final = 2.0
"""Seconds after which a request that is still arriving may be given up for another one."""
UNREAD_TIMEOUT: Final = 30.0
"""Seconds in which a client must have read an answer."""
MAX_UNREAD: Final = 64
"""Connections on which more than uvloop's 64 KiB of an answer may wait to be read; who waits longest goes first."""
MAX_HEADER_BYTES: Final = 2**15
"""Bytes of a request that are not body: its line and headers."""
MAX_HEADERS: Final = 100
"""Each is kept as objects, and the API server sends about ten."""
MAX_URL_BYTES: Final = 2**10
"""Ours have some twenty; 10,000 escaped bytes took 8 ms to read."""
BULKY_BYTES: Final = 2**15
"""Bytes of a body after which others of its address go before it."""
TRANSFER_ENCODING: Final = b"transfer-encoding"


def _nothing() -> None:
    pass


class BadRequest(Exception):
    """What a client sends is not taken: nothing more of it is parsed."""


class BoundedProtocol(HttpToolsProtocol, Served):
    """uvicorn's protocol with limits that neither it nor httptools has, in bytes, requests and seconds.

    What every request passes calls uvicorn's class by name, which is quicker than ``super()`` up to Python 3.11.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's, passed on
        """Start with nothing received."""
        super().__init__(*args, **kwargs)
        self.held = HeldAnswer()
        # A part of each request's scope.
        self.app_state = {**self.app_state, ANSWERED: self.review_answered, HOLD: self.held.wait}
        self._framing = 0
        self._dropped = 0
        self._arrived = 0  # of the body of the request that is incomplete
        self.headers = []
        self._since: float | None = self.loop.time()  # when the incomplete request began to arrive
        self._began = 0.0  # when the last one that was whole did
        self._in_headers = False
        self._asked = False  # whether the headers of any request were whole
        self._answered = self.loop.time()
        self._unread_since: float | None = None
        self.paused_since = 0.0
        self.on_lost = self.on_review = _nothing

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Wrap the transport in ``Corked``."""
        super().connection_made(transport)
        self.corked = Corked(transport)
        self.transport = cast("asyncio.Transport", self.corked)

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room, and let go of everything at once: uvloop's objects and this one keep each other for a while."""
        self.corked.lost()
        super().connection_lost(exc)
        self.on_lost()
        self.on_lost = self.on_review = _nothing
        self.app_state, self.headers, self.url, self.scope = {}, [], b"", None  # type: ignore[assignment]

    def review_answered(self) -> None:
        """Note that a review was answered: whoever sends these is not a stranger."""
        self.on_review()
        self.on_review = _nothing
        self.app_state.pop(ANSWERED, None)  # later requests need not say so again

    def pause_writing(self) -> None:
        """Note since when an answer waits to be read."""
        super().pause_writing()
        self.paused_since = self.loop.time()

    def waiting_since(self) -> float | None:
        """Return since when this client keeps us waiting, idle or slow with a request; None while it does not.

        Whoever has sent no headers yet has never been anything but awaited.
        """
        if self._since is None:
            return self._answered if self.cycle.response_complete else None
        if self.flow.read_paused:  # it is we who hold it back, until a slot is free
            return None
        is_slow = not self._asked or self.loop.time() - self._since > SLOW_SECONDS
        return self._since if is_slow else None

    def is_bulky(self) -> bool:
        """Say whether more of the request has come than nearly every review has."""
        return self._arrived >= BULKY_BYTES

    def is_held_back(self) -> bool:
        """Say whether it is we who want no more bytes now."""
        return self.flow.read_paused

    def working_since(self) -> float:
        """Return when the request began to arrive that we read or answer."""
        return self._began if self._since is None else self._since

    def on_message_begin(self) -> None:
        """Begin a request, unless another one is being answered: nobody honest sends several at once.

        They would be answered one after the other without any of them being a delivery that others take turns with.
        """
        if self._is_answering():
            raise BadRequest
        HttpToolsProtocol.on_message_begin(self)
        self._in_headers = True
        if self._since is None:  # it came behind another request, in the same bytes
            self._since = self.loop.time()

    def on_response_complete(self) -> None:
        """Note when the client got its answer; ``end_if_late`` ends an idle connection, not a timer for each answer."""
        self._answered = self.loop.time()
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Parse bytes; end a connection with too many bytes of headers.

        They are few enough at a time that the limits hold before more is made of them. After the last answer none is.
        """
        if self.corked.is_closing():
            return
        if len(data) > MAX_HEADER_BYTES:
            for start in range(0, len(data), MAX_HEADER_BYTES):
                self.data_received(data[start : start + MAX_HEADER_BYTES])
            return
        if self._since is None:
            self._since = self.loop.time()
        self._framing += len(data)
        HttpToolsProtocol.data_received(self, data)
        if self._framing > MAX_HEADER_BYTES and not self.transport.is_closing():
            self.transport.abort()

    def on_url(self, url: bytes) -> None:
        """Take a part of the URL; end the connection at one that is too long."""
        if len(self.url) + len(url) > MAX_URL_BYTES:
            self.transport.abort()
            raise BadRequest
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; end the connection at one too many, before any more objects are made of them.

        A body must have a length, as the API server's has: thousands of tiny chunks cost as much as megabytes of it.
        The rest is what uvicorn's does: calling it would cost 1 us a request.
        """
        if len(self.headers) >= MAX_HEADERS:
            self.transport.abort()
            raise BadRequest
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        elif name == TRANSFER_ENCODING:
            self.transport.write(LENGTH_REQUIRED)
            self.transport.close()
            raise BadRequest
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Accept the headers of a request."""
        self._in_headers = False
        self._asked = True
        HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        """Accept a part of the body; after the answer discard it, so that the client can read that answer."""
        self._framing -= len(body)
        self._arrived += len(body)
        if self.cycle.response_complete:
            self._dropped += len(body)
            if self._dropped > MAX_DISCARDED_BYTES:
                self.transport.abort()
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """Accept the end of a request."""
        self._framing = self._dropped = self._arrived = 0
        self._began, self._since = cast("float", self._since), None
        HttpToolsProtocol.on_message_complete(self)

    def end_if_late(self, now: float) -> None:
        """End a connection whose request has not arrived in time, that is idle, or whose answer stays unread.

        The making of an answer has no limit here.
        """
        if self._since is None and self.cycle.response_complete and now - self._answered > self.timeout_keep_alive:
            self.transport.close()
        most = HEADERS_TIMEOUT if self._in_headers else REQUEST_TIMEOUT
        if self._since is not None and now - self._since > most:
            self.transport.abort()
        if not self.transport.get_write_buffer_size():
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        elif now - self._unread_since > UNREAD_TIMEOUT:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """End the connection for what it brought, after the answer that is under way."""
        if self._is_answering():
            self.cycle.keep_alive = False
            self.flow.pause_reading()
        else:
            super().send_400_response(msg)  # writes nothing where the connection has ended

    def _is_answering(self) -> bool:
        return not getattr(self.cycle, "response_complete", True)  # before the first request it is None

    def _unsupported_upgrade_warning(self) -> None:
        # The parser took the bytes that follow for another protocol and dropped them: this answer must be the last.
        self.cycle.keep_alive = False


class DrainingServer(Server):
    """Serves open connections for a while after it stopped listening.

    uvicorn closes idle connections at once, and a client that is sending loses a request. Here each answer has
    ``Connection: close``, and only connections that stay idle are closed by us.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, but accept connections ourselves: each is known before its handshake."""
        await super().startup([])

        def make() -> Served:
            protocol: Served = self.config.http_protocol_class(  # type: ignore[assignment,call-arg]  # our own
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return protocol

        acceptor = Acceptor(make, self.config.ssl, Connections())
        self._accepting = [asyncio.ensure_future(acceptor.accept(listener)) for listener in sockets or ()]

    async def on_tick(self, counter: int) -> bool:
        """Do uvicorn's work, ten times a second, and end connections where too many have unread answers.

        Once a second end those that take too long.
        """
        connections = cast("tuple[BoundedProtocol, ...]", tuple(self.server_state.connections))
        unread = [one for one in connections if one.flow.write_paused]
        for connection in sorted(unread, key=lambda one: one.paused_since, reverse=True)[MAX_UNREAD:]:
            connection.transport.abort()
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in connections:
                connection.end_if_late(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, wait for the connections to end, then stop."""
        for accepting in self._accepting:
            accepting.cancel()
        for listener in sockets or ():
            listener.close()
        self.server_state.default_headers.append(CLOSE)  # running answers read this list object
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.sleep(MIN_DRAIN_SECONDS)
                while self.server_state.connections and not self.force_exit:  # noqa: ASYNC110 - a plain set gives no event
                    await asyncio.sleep(POLL_SECONDS)
        await super().shutdown(sockets)

    def exit_now(self) -> None:
        """Stop without waiting: on SIGQUIT, which gunicorn sends after SIGINT or SIGQUIT."""
        self.should_exit = self.force_exit = True


class Worker(UvicornWorker):  # type: ignore[misc]  # gunicorn, which it derives from, has no types
    """uvicorn's worker with our server, and with the TLS context that gunicorn's ``ssl_context`` hook gives."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": BoundedProtocol,
        "ws": "none",
        "lifespan": "on",
        "interface": "asgi3",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's, passed on
        """Finish uvicorn's configuration."""
        super().__init__(*args, **kwargs)
        logging.getLogger("uvicorn.error").propagate = True  # its handlers are gunicorn's: there are none
        if self.cfg.is_ssl:
            self.config.ssl_context_factory = self._context

    def _context(self, _config: Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        context: ssl.SSLContext = self.cfg.ssl_context(self.cfg, default)
        return context

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = DrainingServer(self.config)
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, server.exit_now)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
