"""The port that a request comes in by decides what it can reach."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

import pytest

from tiergate.process.asgi import MAX_PAGE_READERS, Application
from tiergate.process.service import Message, Receive, Scope, Send

MAIN, USAGE = 9443, 9444


class Echo:
    """A service and pages that say who was reached."""

    def __init__(self, *, ready: bool = True) -> None:
        self._ready = ready
        self.stopped: list[str] = []

    def pages(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Be a WSGI application."""
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"page " + environ["PATH_INFO"].encode()]

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return a task that says when it ends."""
        return {"works": self._work}

    async def _work(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.append("task")

    def stop(self) -> None:
        """Say so."""
        self.stopped.append("service")

    async def start(self) -> None:
        """Start."""

    def ready(self) -> tuple[bool, str]:
        """Say what was set."""
        return self._ready, "not yet"

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Say that the service was reached."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"service"})


class Client:
    """Drives the ASGI application through lifespan and requests."""

    def __init__(self, service: Echo, *, client_certificates: bool = False) -> None:
        self._application = Application(
            lambda: service, usage_port=USAGE, own_tasks={}, client_certificates=client_certificates
        )

    def ask(self, method: str, path: str, *, port: int = MAIN) -> tuple[int, bytes]:
        """Start up, send one request, and return status and body."""
        return asyncio.run(self._ask(method, path, port))

    async def _ask(self, method: str, path: str, port: int) -> tuple[int, bytes]:
        events: asyncio.Queue[Message] = asyncio.Queue()
        await events.put({"type": "lifespan.startup"})
        answers: asyncio.Queue[Message] = asyncio.Queue()
        lifespan = asyncio.create_task(self._application({"type": "lifespan"}, events.get, answers.put))
        assert (await answers.get())["type"] == "lifespan.startup.complete"
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "http_version": "1.1",
            "headers": [],
            "server": ("127.0.0.1", port),
        }
        await self._application(scope, receive, send)
        await events.put({"type": "lifespan.shutdown"})
        await lifespan
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize(
    ("port", "method", "path", "status", "body"),
    [
        pytest.param(MAIN, "POST", "/mutate", 200, b"service", id="review"),
        pytest.param(MAIN, "GET", "/livez", 200, b"ok\n", id="livez"),
        pytest.param(MAIN, "HEAD", "/livez", 200, b"ok\n", id="livez-head"),
        pytest.param(MAIN, "GET", "/readyz", 200, b"ok\n", id="readyz"),
        pytest.param(MAIN, "GET", "/metrics", 200, b"page /metrics", id="metrics"),
        pytest.param(MAIN, "POST", "/metrics", 405, b"method not allowed\n", id="post-metrics"),
        pytest.param(MAIN, "GET", "/usage", 200, b"service", id="usage-is-left-to-the-service"),
        pytest.param(USAGE, "GET", "/usage", 200, b"page /usage", id="usage"),
        pytest.param(USAGE, "GET", "/", 200, b"page /", id="usage-root"),
        pytest.param(USAGE, "GET", "/metrics", 404, b"no such path\n", id="no-metrics-on-the-usage-port"),
        pytest.param(USAGE, "POST", "/mutate", 405, b"method not allowed\n", id="no-reviews-on-the-usage-port"),
        pytest.param(USAGE, "GET", "/livez", 200, b"page /livez", id="no-probes-on-the-usage-port"),
    ],
)
def test_each_path_has_one_port(port: int, method: str, path: str, status: int, body: bytes) -> None:
    assert Client(Echo()).ask(method, path, port=port) == (status, body)


def test_a_service_is_stopped_after_its_tasks() -> None:
    service = Echo()
    Client(service).ask("GET", "/livez")
    assert service.stopped == ["task", "service"]


def test_an_unready_service_says_why() -> None:
    assert Client(Echo(ready=False)).ask("GET", "/readyz") == (503, b"not yet\n")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("POST", "/mutate", 403, id="review"),
        pytest.param("GET", "/livez", 200, id="probe"),
        pytest.param("GET", "/metrics", 200, id="metrics"),
    ],
)
def test_a_connection_nothing_is_known_of_presented_no_certificate(method: str, path: str, status: int) -> None:
    assert Client(Echo(), client_certificates=True).ask(method, path)[0] == status


async def test_only_some_wait_for_a_page_and_the_next_one_is_told() -> None:
    """A page may wait for a question about its token, and a connection that waits for us is never closed."""
    application = Application(Echo, usage_port=USAGE, own_tasks={}, client_certificates=False)
    opened, statuses = asyncio.Event(), list[int]()

    async def pages(_scope: Scope, _receive: Receive, send: Send) -> None:
        await opened.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Message) -> None:
        if "status" in message:
            statuses.append(message["status"])

    application._pages = pages
    scope: Scope = {"type": "http", "method": "GET", "path": "/metrics", "server": ("127.0.0.1", MAIN)}
    readers = [
        asyncio.ensure_future(application(scope, cast("Receive", None), send)) for _ in range(MAX_PAGE_READERS + 1)
    ]
    await asyncio.sleep(0)
    assert statuses == [503]
    opened.set()
    await asyncio.gather(*readers)
    await application(scope, cast("Receive", None), send)
    assert statuses == [503, *[200] * (MAX_PAGE_READERS + 1)]
