"""gunicorn's worker: uvicorn with httptools, which parses HTTP in C, bounded and with a stop that loses no request.

It builds on classes of uvicorn that are no published interface, so its minor version is pinned (docs/adr/0012).
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

from tiergate.process.answers import AFTERMATH, CLOSE

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from uvicorn.config import Config

DRAIN: Final = 10.0
"""Seconds after SIGTERM in which kept-alive connections are still served; less than gunicorn waits for the worker."""
SETTLE: Final = 1.0
"""Seconds a stop takes at least: a connection whose TLS handshake is under way is in no list yet."""
POLL: Final = 0.05
PATIENCE: Final = 60.0
"""Seconds in which a request must have come in whole, from its first byte; longer than any body is waited for."""
MOST_FRAMING: Final = 2**18
"""Bytes of one request that are not its body: request line, headers, chunk sizes, trailers."""
MOST_WAITING: Final = 16
"""Requests that may wait behind the one that is being answered on their connection; the API server sends none."""


class Corked:
    """A transport that writes the head and the body of an answer as one: two are two TLS records and two packets.

    Everything that is written in one turn of the event loop goes out at its end.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._parts: list[bytes] = []
        self._later = asyncio.get_running_loop().call_soon

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        """Be the transport in everything else."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Take bytes for the end of this turn."""
        if not self._parts:
            self._later(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Send what there is, then end the connection."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            if not self._transport.is_closing():  # who left takes no answer, and uvloop raises on a closed one
                self._transport.write(data)


class TooManyWaiting(Exception):
    """A client sends requests without reading answers; raised through the parser, which makes it a 400."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the bounds that neither it nor httptools has, in bytes, requests and seconds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's, passed on
        """Start with nothing received."""
        super().__init__(*args, **kwargs)
        self._framing = 0
        self._dropped = 0
        self._since: float | None = self.loop.time()  # when what is still incomplete began to come

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Cork the transport."""
        super().connection_made(transport)
        self.transport = cast("asyncio.Transport", Corked(transport))

    def data_received(self, data: bytes) -> None:
        """Parse what came; end a connection whose headers or chunk sizes are endless."""
        if self._since is None:
            self._since = self.loop.time()
        self._framing += len(data)
        super().data_received(data)
        if self._framing > MOST_FRAMING:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """Take the head of a request."""
        if len(self.pipeline) >= MOST_WAITING:
            raise TooManyWaiting
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; after the answer it is dropped, so that a client gets to reading that answer."""
        self._framing -= len(body)
        if self.cycle.response_complete:
            self._dropped += len(body)
            if self._dropped > AFTERMATH:
                self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._framing = self._dropped = 0
        self._since = None
        super().on_message_complete()

    def end_if_late(self, now: float) -> None:
        """End a connection on which a request has been coming for too long, or none ever came.

        uvicorn times a connection only between an answer and the next byte. What is whole may be answered for as long
        as that takes.
        """
        if self._since is not None and now - self._since > PATIENCE:
            self.transport.abort()

    def _unsupported_upgrade_warning(self) -> None:
        # The parser took what follows for another protocol and dropped it: the answer is the last on this connection.
        self.cycle.keep_alive = False


class DrainingServer(Server):
    """Serves open connections for a while after it stopped listening.

    uvicorn closes idle connections at once, and a client that was just sending loses a request. Here each answer says
    that its connection ends, and only what is idle to the end is closed.
    """

    async def on_tick(self, counter: int) -> bool:
        """Do what there is to do ten times a second; once a second look for connections that take too long."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                cast("BoundedProtocol", connection).end_if_late(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let the connections end, then stop."""
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        self.server_state.default_headers.append(CLOSE)  # the very list that answers under way read
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN):
                await asyncio.sleep(SETTLE)
                while self.server_state.connections and not self.force_exit:  # noqa: ASYNC110 - uvicorn's set tells nobody
                    await asyncio.sleep(POLL)
        await super().shutdown(sockets)

    def leave_now(self) -> None:
        """Stop without waiting for anybody: SIGQUIT, which gunicorn sends where it got SIGINT or SIGQUIT itself."""
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
        logging.getLogger("uvicorn.error").propagate = True  # it was given gunicorn's own handlers: there are none
        if self.cfg.is_ssl:
            self.config.ssl_context_factory = self._context

    def _context(self, _config: Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        context: ssl.SSLContext = self.cfg.ssl_context(self.cfg, default)
        return context

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = DrainingServer(self.config)
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, server.leave_now)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
