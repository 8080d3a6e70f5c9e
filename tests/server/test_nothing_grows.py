"""What a request carries stays nowhere: in no cache, no label of a metric and no line that is longer than a name."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import (
    RELEASE_NAMESPACE,
    a_claim_object,
    a_namespace_object,
    a_pod_object,
    a_quota,
    a_tier,
    a_tier_object,
    an_item,
)
from tests.reviews import a_review
from tests.server.admission_fakes import FakePermissions, FakeState
from tests.virtual_time import VirtualLoop
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.process import bodies
from tiergate.server.admission import UNKNOWN_TIER, Admission
from tiergate.server.routes import LONGEST, Routes

if TYPE_CHECKING:
    from tiergate.process.service import Message

LENGTHS = (65, 1_000, 20_000)
"""Just above what a cache keeps, just below and far above what a name may be."""


def mark(name: str) -> str:
    """Return what all texts of a forgery are made of, and nothing else is."""
    return f"forged{list(FORGERIES).index(name):02}"


def a_container(**resources: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    return {"name": "a", "resources": resources}


FORGERIES: dict[str, Callable[[str], tuple[str, bytes]]] = {
    "a resource name": lambda text: ("/validate", a_review(a_pod_object(a_container(limits={text: "1"})))),
    "an extended resource": lambda text: (
        "/validate",
        a_review(a_pod_object(a_container(limits={"a.b/" + text: "1"}))),
    ),
    "a quantity": lambda text: ("/validate", a_review(a_pod_object(a_container(limits={"cpu": text})))),
    "a container": lambda text: ("/mutate", a_review(a_pod_object({"name": text}))),
    "a pod": lambda text: ("/mutate", a_review(a_pod_object() | {"metadata": {"name": text, "namespace": "dev"}})),
    "a namespace": lambda text: ("/validate", a_review(a_pod_object(), namespace=text)),
    "a uid": lambda text: ("/validate", a_review(a_pod_object(), uid=text)),
    "an operation": lambda text: ("/validate", a_review(a_pod_object(), operation=text)),
    "a resource": lambda text: ("/validate", a_review(a_pod_object(), resource={"resource": text})),
    "a subresource": lambda text: ("/validate", a_review(a_pod_object(), subResource=text)),
    "a user": lambda text: ("/validate", a_review(a_pod_object(), userInfo={"username": text, "groups": [text]})),
    "a storage class": lambda text: ("/validate", a_review(a_claim_object(storageClassName=text))),
    "a tier": lambda text: ("/tiers", a_review(a_tier_object({}, name=text))),
    "a tier's quota": lambda text: (
        "/tiers",
        a_review(a_tier_object({"enforcement": "Warn", "quotas": [{"name": text, "hard": {text: "1"}}]})),
    ),
    "a deleted tier": lambda text: ("/tiers", a_review(None, old=a_tier_object({}, name=text), operation="DELETE")),
    "a label": lambda text: (
        "/namespaces",
        a_review(a_namespace_object(tier=text), old=a_namespace_object(), operation="UPDATE"),
    ),
}


class Client:
    """Sends bodies through the routes of a whole server without its network."""

    def __init__(self) -> None:
        self.state = state = FakeState(
            tiers={"dev": a_tier(an_item(high={"cpu": "2"}))},
            quotas=(a_quota(hard={"limits.cpu": "1", "limits.memory": "1"}),),
        )
        self.recorder = PrometheusRecorder()
        self.lines: list[bytes] = []
        admission = Admission(state, FakePermissions(), release_namespace=RELEASE_NAMESPACE, clock=state.clock)
        self._admission = admission
        self._routes = Routes(admission, self.recorder, write=self.lines.append)

    async def post(self, path: str, body: bytes) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(_message: Message) -> None:
            pass

        headers = [(b"content-type", b"application/json")]
        await self._routes.http(
            {"path": path, "query_string": b"", "method": "POST", "headers": headers}, receive, send
        )
        await asyncio.sleep(0)

    def stop(self) -> None:
        self._admission.stop()


def texts_that_stay() -> Iterator[str]:
    """Yield the start of every text that some object still holds and that a request brought."""
    for one in gc.get_objects():
        if isinstance(one, dict | tuple | list | set | frozenset):
            for held in (*one, *one.values()) if isinstance(one, dict) else one:
                if type(held) is str and len(held) >= LENGTHS[0] and held.count("forged") >= 5:
                    yield held[:100]


async def send_all(client: Client) -> None:
    for name, forge in FORGERIES.items():
        for length in LENGTHS:
            await client.post(*forge((mark(name) * length)[:length]))
    client.stop()
    client.state.calls.clear()  # a fake's own


@pytest.mark.slow
async def test_no_text_of_a_request_stays_and_its_line_is_short() -> None:
    """All forgeries before one look at every object of the process, which takes long."""
    client = Client()
    await send_all(client)
    assert len(client.lines) == len(FORGERIES) * len(LENGTHS)
    for line in client.lines:
        assert max(len(text) for text in json.loads(line).values() if isinstance(text, str)) <= 2 * LONGEST
        assert len(line) < 4000
    gc.collect()
    stay = [*texts_that_stay(), client.recorder.exposition().decode()]
    assert [name for name in FORGERIES if any(mark(name) in text for text in stay)] == []


async def test_a_tier_that_nobody_knows_is_one_label_whatever_it_is_called() -> None:
    client = Client()

    for number in range(20):
        await client.post("/tiers", a_review(a_tier_object({}, name=f"made-up-{number}")))
    await client.post("/tiers", a_review(a_tier_object({}, name="dev")))
    counted = [
        line
        for line in client.recorder.exposition().decode().splitlines()
        if line.startswith("tiergate_decisions_total")
    ]
    assert len(counted) == 2
    assert all(f'tier="{tier}"' in line for tier, line in zip((UNKNOWN_TIER, "dev"), counted, strict=True))


def test_what_the_last_bodies_left_is_given_back_in_a_quiet_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Light ones leave next to nothing, and are what comes all the time."""
    given_back: list[float] = []

    async def story() -> None:
        small, loop = bodies.Bodies(), asyncio.get_running_loop()
        for size, due in ((bodies.LIGHT_BYTES, []), (bodies.LIGHT_BYTES + 1, [bodies.QUIET_SECONDS])):
            began = loop.time()

            async def receive(size: int = size) -> Message:
                return {"type": "http.request", "body": b"x" * size, "more_body": False}

            for _ in range(3):
                small.release(len(await small.read([(b"content-type", b"application/json")], receive)))
            await asyncio.sleep(2 * bodies.QUIET_SECONDS)
            assert [at - began for at in given_back] == pytest.approx(due, abs=1e-3)

    monkeypatch.setattr(bodies, "give_back", lambda: given_back.append(asyncio.get_running_loop().time()))
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story())
