"""The ASGI application of a process: lifespan, probes, and which port serves which path.

The main port serves the service's own endpoints, the probes and ``/metrics``; the usage port, on loopback, serves the
pages only. Neither serves a path of the other.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from a2wsgi import WSGIMiddleware

from tiergate.pages.authorization import METRICS, STATUS, token_of
from tiergate.process.answers import RETRY_AFTER, method_not_allowed, not_found, refuse, respond
from tiergate.process.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping

    from tiergate.pages.authorization import Authorize
    from tiergate.process.service import Receive, Scope, Send, Service

MAX_PAGE_READERS: Final = 8
"""Pages that are made or sent at once. Who has no right to one never takes a place."""
MAX_READERS_OF_PEER: Final = 4
"""Of one address, so that one that reads slowly does not keep others from their pages."""

SWITCH: Final = 0.0005
"""Seconds after which the thread of the pages lets the event loop run: Python's default of 5 ms delays reviews."""

READING: Final = frozenset({"GET", "HEAD"})
ALLOWED: Final = b"GET, HEAD"
Probe: TypeAlias = "Callable[[], Awaitable[tuple[bool, str]]]"
"""Says whether all is well, and that or why not, for people."""

logger = logging.getLogger(__name__)


class Application:
    """The application of one process: its service, its supervised tasks and its paths."""

    def __init__(
        self,
        factory: Callable[[], Service],
        *,
        usage_port: int | None,
        own_tasks: Mapping[str, Callable[[], Awaitable[None]]],
        client_certificates: bool,
        client_names: frozenset[str] = frozenset(),
        on_task_failure: Callable[[str], None] = lambda _name: None,
    ) -> None:
        """Describe the process; the service is created at lifespan start-up, inside the worker.

        Args:
            factory: Creates the service.
            usage_port: The port that serves pages only.
            own_tasks: Tasks of the process itself, supervised with the service's.
            client_certificates: Whether POST needs a verified client certificate.
            client_names: Names of which that certificate must have one; none: any will do.
            on_task_failure: Called with the name of each task that failed.
        """
        self._factory = factory
        self._usage_port = usage_port
        self._own_tasks = own_tasks
        self._client_certificates = client_certificates
        self._client_names = client_names
        self._on_task_failure = on_task_failure
        self._service: Service | None = None
        self._supervisor = Supervisor({})
        self._readers: Counter[str] = Counter()
        self._authorize: Authorize | None = None
        self._pages: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None
        self._probes: dict[str, Probe] = {"/livez": self._alive, "/readyz": self._ready, "/decides": self._decides}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Route one ASGI scope: return the coroutine that answers it."""
        if scope["type"] != "http":
            return self._not_http(scope, receive, send)
        if scope["server"][1] == self._usage_port:
            return self._usage(scope, receive, send)
        path = scope["path"]
        if (probe := self._probes.get(path)) is not None:
            return self._probe(probe, scope, send)
        if path == METRICS:
            return self._metrics(scope, receive, send)
        if (
            self._client_certificates
            and scope["method"] == "POST"
            and not _client_is_verified(receive, self._client_names)
        ):
            return refuse(send, 403, b"a client certificate is required\n")
        return self._service.http(scope, receive, send)  # type: ignore[union-attr]  # requests come only after start-up

    async def _not_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._start()
        except Exception as error:
            logger.exception("start-up failed", extra={"fields": {"reason": str(error)}})
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._supervisor.stop()
        if self._service is not None:
            self._service.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        service = self._service = self._factory()
        await service.start()
        if (pages := service.pages) is not None:
            self._authorize = pages.authorize
            sys.setswitchinterval(SWITCH)
            self._pages = WSGIMiddleware(pages.application, workers=1)  # type: ignore[arg-type,assignment]
        self._supervisor = Supervisor({**self._own_tasks, **service.tasks()}, on_failure=self._on_task_failure)
        self._supervisor.start()

    async def _probe(self, ask: Probe, scope: Scope, send: Send) -> None:
        """Answer a probe: 200 with what is said, or 503 with why not."""
        if scope["method"] not in READING:
            await method_not_allowed(send, ALLOWED)
            return
        good, text = await ask()
        await respond(send, 200 if good else 503, f"{text}\n".encode())

    async def _alive(self) -> tuple[bool, str]:
        return True, "ok"

    async def _ready(self) -> tuple[bool, str]:
        ready, why = self._readiness()
        # A failing task is told, and no reason: it would fail in every replica, and then nobody would be ready.
        failing = [f"task {name} failed: {reason}" for name, reason in sorted(self._supervisor.failing.items())]
        return ready, "\n".join(["ok" if ready else why, *failing])

    async def _decides(self) -> tuple[bool, str]:
        ready, why = self._readiness()
        if ready and self._service is not None:
            why = await self._service.undecided()
        return not why, why or "ok"

    def _readiness(self) -> tuple[bool, str]:
        return (False, "starting") if self._service is None else self._service.ready()

    async def _metrics(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._authorize is not None:
            access = await self._authorize(token_of(scope["headers"]), _peer(scope))
            if access != "permitted":
                headers = (RETRY_AFTER,) if access == "unavailable" else ()
                await respond(send, STATUS[access], f"{access}\n".encode(), headers=headers)
                return
        await self._page(scope, receive, send)

    async def _usage(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == METRICS or path.startswith("//"):  # the pages take several slashes there for one
            await not_found(send)
        else:
            await self._page(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._pages is None:
            await not_found(send)
        elif scope["method"] not in READING:
            await method_not_allowed(send, ALLOWED)
        elif self._readers.total() >= MAX_PAGE_READERS or self._readers[peer := _peer(scope)] >= MAX_READERS_OF_PEER:
            await respond(send, 503, b"too many readers\n", headers=(RETRY_AFTER,))
        else:
            self._readers[peer] += 1
            try:
                await self._pages(scope, receive, send)
            finally:
                self._readers -= Counter([peer])  # leaves out what is zero


def _peer(scope: Scope) -> str:
    peer: str = (scope.get("client") or ("",))[0]
    return peer


def _client_is_verified(receive: Receive, names: frozenset[str]) -> bool:
    """Say whether the connection of this request presented a certificate that the client CA signed, with a right name.

    ASGI has a TLS extension for this, which uvicorn does not fill in; its ``receive`` is a bound method whose object
    knows the connection. Anything unknown counts as no.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    connection = None if transport is None else transport.get_extra_info("ssl_object")
    if connection is None or not connection.getpeercert(binary_form=True):
        return False
    return not names or not names.isdisjoint(_names_of(connection.getpeercert()))


def _names_of(certificate: Mapping[str, Any]) -> Iterator[str]:
    """Yield the common names and DNS names of a verified certificate, in the form of the ssl module."""
    for part in certificate.get("subject", ()):
        yield from (value for key, value in part if key == "commonName")
    yield from (value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS")
