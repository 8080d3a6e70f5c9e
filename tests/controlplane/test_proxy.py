from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.controlplane.api import Object
from tests.controlplane.network import free_ports
from tests.controlplane.proxy import Endpoint, Forwarder, ServiceAddress, backends

SERVICE: Object = {
    "metadata": {"name": "web"},
    "spec": {"clusterIP": "127.64.1.5", "selector": {"app": "web"}, "ports": [{"port": 443, "targetPort": "https"}]},
}
ADDRESS = ServiceAddress("127.64.1.5", 443)


def a_pod(last: int, *, ready: bool = True, stopping: bool = False, app: str = "web") -> Object:
    metadata: Object = {"name": f"web-{last}", "labels": {"app": app, "other": "x"}}
    if stopping:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "c", "ports": [{"name": "https", "containerPort": 9443}]}]},
        "status": {"podIP": f"127.65.1.{last}", "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        pytest.param([a_pod(1), a_pod(2)], {1, 2}, id="all-ready"),
        pytest.param([a_pod(1), a_pod(2, ready=False)], {1}, id="an-unready-one-gets-nothing"),
        pytest.param([a_pod(1), a_pod(2, stopping=True)], {1}, id="a-stopping-one-gets-nothing"),
        pytest.param([a_pod(1, ready=False), a_pod(2, stopping=True)], {2}, id="a-stopping-one-is-the-last-resort"),
        pytest.param([a_pod(1, ready=False, stopping=True)], set(), id="but-not-when-it-does-not-serve"),
        pytest.param([a_pod(1, app="other")], set(), id="another-application"),
        pytest.param([], set(), id="none"),
    ],
)
def test_new_connections_go_to_ready_pods(pods: list[Object], expected: set[int]) -> None:
    assert backends(SERVICE, pods) == {ADDRESS: tuple((f"127.65.1.{last}", 9443) for last in sorted(expected))}


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"selector": {}}], ids=["headless", "without-selector"])
def test_some_services_are_not_forwarded(spec: Object) -> None:
    assert backends({**SERVICE, "spec": SERVICE["spec"] | spec}, [a_pod(1)]) == {}


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"<" + await reader.read() + b">")
    await writer.drain()
    writer.close()


async def _ask(address: ServiceAddress, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(address.address, address.port)
    writer.write(text)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def _with_forwarder(use: Callable[[Forwarder, Endpoint], Awaitable[None]]) -> None:
    async def main() -> None:
        port, address = free_ports("127.0.0.1", 2)
        server = await asyncio.start_server(_echo, "127.0.0.1", port)
        forwarder = Forwarder(ServiceAddress("127.0.0.1", address))
        running = asyncio.create_task(forwarder.run())
        try:
            await use(forwarder, ("127.0.0.1", port))
        finally:
            running.cancel()
            server.close()

    await main()


async def test_bytes_pass_both_ways_and_half_closed(capsys: pytest.CaptureFixture[str]) -> None:
    """A client that has sent everything still gets the whole answer, also a large one."""

    async def use(forwarder: Forwarder, backend: Endpoint) -> None:
        forwarder.update((backend,))
        await asyncio.sleep(0.05)
        text = b"x" * 3_000_000
        assert await _ask(forwarder.service, text) == b"<" + text + b">"

    await _with_forwarder(use)
    assert capsys.readouterr().err == ""


async def test_without_a_backend_connections_are_refused() -> None:
    async def use(forwarder: Forwarder, backend: Endpoint) -> None:
        with pytest.raises(ConnectionRefusedError):
            await _ask(forwarder.service, b"")
        forwarder.update((backend,))
        await asyncio.sleep(0.05)
        assert await _ask(forwarder.service, b"hello") == b"<hello>"
        forwarder.update(())
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            await _ask(forwarder.service, b"")

    await _with_forwarder(use)


async def test_an_established_connection_outlives_its_backends_readiness() -> None:
    async def use(forwarder: Forwarder, backend: Endpoint) -> None:
        forwarder.update((backend,))
        await asyncio.sleep(0.05)
        reader, writer = await asyncio.open_connection(forwarder.service.address, forwarder.service.port)
        writer.write(b"a")
        await asyncio.sleep(0.05)
        forwarder.update(())
        await asyncio.sleep(0.05)
        writer.write(b"b")
        writer.write_eof()
        assert await reader.read() == b"<ab>"
        writer.close()

    await _with_forwarder(use)
