"""Replicas that want to lead, beside an API server whose answers can be lost, late or wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fake_api import FakeApi
from tiergate.cluster.api import Api
from tiergate.cluster.errors import Unreachable
from tiergate.cluster.lease import Elector, LeaseTiming

LEASE = "/apis/coordination.k8s.io/v1/namespaces/tiergate-system/leases/tiergate-controller"
TIMING = LeaseTiming(lease_duration=15, renew_deadline=10, retry_period=2)
BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
LONGEST_TAKEOVER = TIMING.lease_duration + TIMING.retry_period * 1.2


class Line:
    """A candidate's way to the API server: requests get lost, answers get lost, and everything can take its time."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.lost = False
        self.answer_lost = False
        self.before = 0.0
        self.after = 0.0

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 - the client's signature
        most: int = 0,  # noqa: ARG002 - as above
    ) -> bytes:
        """Send; a delay longer than the timeout is a frozen process: it wakes up with the answer in its hands."""
        await asyncio.sleep(self.before)
        if self.lost:
            await asyncio.sleep(timeout)
            raise Unreachable("nobody answers")
        answer = await self.api.request(method, path, query=query, body=body, content_type=content_type)
        await asyncio.sleep(self.after)
        if self.answer_lost:
            await asyncio.sleep(timeout)
            raise Unreachable("the answer was lost")
        return answer


class Candidate:
    """One replica: its elector, its line, and when it led."""

    def __init__(self, api: FakeApi, name: str, timing: LeaseTiming = TIMING) -> None:
        loop = asyncio.get_running_loop()
        self.line = Line(api)
        self.elector = Elector(
            Api(self.line),
            namespace="tiergate-system",
            name="tiergate-controller",
            identity=name,
            timing=timing,
            # Every machine has a time of day of its own; nothing may depend on it.
            now=lambda: BEGUN + timedelta(seconds=loop.time() + 1000 * ord(name[0])),
            clock=lambda: loop.time() + self.slept,
        )
        self.slept = 0.0
        self.terms = 0
        self.ended = 0.0
        self.running: asyncio.Task[None] | None = None

    def leads(self) -> bool:
        return self.elector.remaining() > 0

    def start(self) -> None:
        self.running = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while True:
            await self.elector.acquire()
            self.terms += 1
            try:
                await self.elector.hold()
                self.ended = asyncio.get_running_loop().time()
                assert not self.leads()  # what still works while the term ends may not write any more
            finally:
                await self.elector.release()

    def kill(self) -> None:
        """End as SIGKILL does: nothing more is sent."""
        self.line.lost = True
        self.line.before = 10**6

    async def stop(self) -> None:
        """End in order."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)


@asynccontextmanager
async def candidates(api: FakeApi, *names: str, timing: LeaseTiming = TIMING) -> AsyncIterator[list[Candidate]]:
    found = [Candidate(api, name, timing) for name in names]
    for one in found:
        one.start()
        await asyncio.sleep(0.1)
    try:
        yield found
        for one in found:
            assert one.running is not None
            assert not one.running.done(), one.running
    finally:
        for one in found:
            await one.stop()


async def until(holds: Callable[[], bool]) -> float:
    """Return the time at which something holds, to a twentieth of a second."""
    loop = asyncio.get_running_loop()
    for _ in range(2000):
        if holds():
            return loop.time()
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come true in 100 s")


def spec(api: FakeApi) -> dict[str, Any]:
    found: dict[str, Any] = api.get(LEASE)["spec"]
    return found
