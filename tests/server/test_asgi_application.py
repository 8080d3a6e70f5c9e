"""The port that a request comes in by decides what it can reach."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

import pytest

from tiergate.pages.authorization import Access, Authorize
from tiergate.process.asgi import MAX_PAGE_READERS, MAX_READERS_OF_PEER, SWITCH, Application
from tiergate.process.service import Message, Pages, Receive, Scope, Send

MAIN, USAGE = 9443, 9444


class Echo:
    """A service and pages that say who was reached."""

    def __init__(self, *, ready: bool = True, undecided: str = "") -> None:
        self._ready = ready
        self._undecided = undecided
        self.stopped: list[str] = []

    @property
    def pages(self) -> Pages:
        """Be pages that everybody may read."""
        return Pages(self._page)

    def _page(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
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

    async def undecided(self) -> str:
        """Say why no verdict can be given."""
        return self._undecided

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

    async def ask(self, method: str, path: str, *, port: int = MAIN) -> tuple[int, bytes]:
        """Start up, send one request, and return status and body."""
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
        pytest.param(USAGE, "GET", "//metrics", 404, b"no such path\n", id="nor-behind-two-slashes"),
        pytest.param(USAGE, "GET", "///metrics", 404, b"no such path\n", id="nor-behind-three"),
        pytest.param(MAIN, "GET", "//metrics", 200, b"service", id="nor-without-a-token"),
        pytest.param(USAGE, "POST", "/mutate", 405, b"method not allowed\n", id="no-reviews-on-the-usage-port"),
        pytest.param(USAGE, "GET", "/livez", 200, b"page /livez", id="no-probes-on-the-usage-port"),
    ],
)
async def test_each_path_has_one_port(port: int, method: str, path: str, status: int, body: bytes) -> None:
    assert await Client(Echo()).ask(method, path, port=port) == (status, body)


async def test_the_thread_of_the_pages_leaves_the_interpreter_to_reviews_soon() -> None:
    before = sys.getswitchinterval()
    try:
        await Client(Echo()).ask("GET", "/usage", port=USAGE)
        assert sys.getswitchinterval() == pytest.approx(SWITCH)
    finally:
        sys.setswitchinterval(before)


async def test_a_service_is_stopped_after_its_tasks() -> None:
    service = Echo()
    await Client(service).ask("GET", "/livez")
    assert service.stopped == ["task", "service"]


@pytest.mark.parametrize(
    ("service", "readyz", "decides"),
    [
        pytest.param(Echo(), (200, b"ok\n"), (200, b"ok\n"), id="all-is-well"),
        pytest.param(Echo(ready=False), (503, b"not yet\n"), (503, b"not yet\n"), id="not-ready"),
        pytest.param(Echo(undecided="lost"), (200, b"ok\n"), (503, b"lost\n"), id="ready-and-without-a-verdict"),
    ],
)
async def test_a_service_that_is_not_ready_or_cannot_decide_says_why(
    service: Echo, readyz: tuple[int, bytes], decides: tuple[int, bytes]
) -> None:
    assert await Client(service).ask("GET", "/readyz") == readyz
    assert await Client(service).ask("GET", "/decides") == decides


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("POST", "/mutate", 403, id="review"),
        pytest.param("GET", "/livez", 200, id="probe"),
        pytest.param("GET", "/metrics", 200, id="metrics"),
    ],
)
async def test_a_connection_nothing_is_known_of_presented_no_certificate(method: str, path: str, status: int) -> None:
    assert (await Client(Echo(), client_certificates=True).ask(method, path))[0] == status


class Readers:
    """Asks for the metrics, whose page waits to be sent, from several addresses at once."""

    def __init__(self, authorize: Authorize | None = None) -> None:
        self._application = Application(Echo, usage_port=USAGE, own_tasks={}, client_certificates=False)
        self._application._pages, self._application._authorize = self._pages, authorize
        self.opened = asyncio.Event()

    async def _pages(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await self.opened.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def read(self, peer: str, token: str = "") -> asyncio.Task[int]:
        """Begin to read; the result is the status."""
        return asyncio.create_task(self._read(peer, token))

    async def _read(self, peer: str, token: str) -> int:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"authorization", b"Bearer " + token.encode())] if token else []
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/metrics", "headers": headers}
        await self._application(
            scope | {"server": ("127.0.0.1", MAIN), "client": (peer, 1)}, cast("Receive", None), send
        )
        status: int = sent[0]["status"]
        return status


async def test_only_some_read_a_page_at_once_and_few_of_one_address() -> None:
    readers = Readers()
    tasks = [readers.read(peer) for peer in ("a", "b", "c") for _ in range(MAX_READERS_OF_PEER + 1)]
    done, _ = await asyncio.wait(tasks, timeout=0.1)
    assert [one.result() for one in done] == [503] * (len(tasks) - MAX_PAGE_READERS)
    assert not {tasks[0], tasks[MAX_READERS_OF_PEER + 1]} & done
    readers.opened.set()
    await asyncio.gather(*tasks)
    assert await asyncio.gather(*(readers.read("a") for _ in range(MAX_READERS_OF_PEER))) == [200] * MAX_READERS_OF_PEER


@pytest.mark.parametrize("peers", [1, 20])
async def test_who_is_permitted_reads_whatever_tokens_others_make_up(peers: int) -> None:
    """A made-up token takes a place in the line of questions, and none of a reader."""
    looked_up = asyncio.Event()

    async def authorize(token: str | None, _peer: str) -> Access:
        if token == "scraper":
            return "permitted"
        await looked_up.wait()
        return "unauthenticated"

    readers = Readers(authorize)
    readers.opened.set()
    made_up = [readers.read(f"peer-{number % peers}", f"made-up-{number}") for number in range(100)]
    await asyncio.sleep(0)
    assert [await readers.read("scraper", "scraper") for _ in range(3)] == [200] * 3
    assert not any(one.done() for one in made_up)
    looked_up.set()
    assert await asyncio.gather(*made_up) == [401] * 100
    assert await readers.read("scraper") == 401


@pytest.mark.parametrize(
    ("access", "status"),
    [
        pytest.param("permitted", 200, id="permitted"),
        pytest.param("unauthenticated", 401, id="unauthenticated"),
        pytest.param("forbidden", 403, id="forbidden"),
        pytest.param("unavailable", 503, id="nobody-can-say"),
    ],
)
async def test_metrics_follow_the_verdict(access: Access, status: int) -> None:
    async def authorize(_token: str | None, _peer: str) -> Access:
        return access

    readers = Readers(authorize)
    readers.opened.set()
    assert await readers.read("a", "token") == status
