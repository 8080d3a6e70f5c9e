"""For how long nobody led, as the webhook sees it: by its own clock, whatever the Lease says the time is."""

from __future__ import annotations

import logging

import pytest

from tests.fake_api import FakeApi
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.cluster.lease import CONTROLLER_LEASE
from tiergate.server.leadership import Leadership

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/tiergate-system/leases/{CONTROLLER_LEASE}"


class Watched:
    """A Lease in memory, a clock that is set by hand, and what looks at the one by the other."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.now = 1000.0
        self.seen = Leadership(Api(self.api), namespace="tiergate-system", clock=lambda: self.now)

    def renew(self, holder: str, time: str) -> None:
        self.api.put(LEASE, {"spec": {"holderIdentity": holder, "renewTime": time}})

    async def after(self, seconds: float) -> float:
        """Let time pass, look, and return the silence."""
        self.now += seconds
        await self.seen.look()
        return self.seen.silence()


@pytest.fixture
def watched() -> Watched:
    return Watched()


async def test_each_renewal_ends_the_silence(watched: Watched) -> None:
    assert await watched.after(5) == 5
    watched.renew("one", "1970-01-01T00:00:00.000000Z")
    assert await watched.after(5) == 0
    assert await watched.after(5) == 5
    watched.renew("one", "1970-01-01T00:00:01.000000Z")
    assert await watched.after(5) == 0
    watched.renew("two", "1970-01-01T00:00:01.000000Z")
    assert await watched.after(5) == 0
    assert await watched.after(600) == 600


async def test_a_lease_that_nobody_holds_is_not_renewed(watched: Watched) -> None:
    """A leader that leaves writes once more; the next one is heard."""
    watched.renew("one", "then")
    assert await watched.after(1) == 0
    watched.renew("", "later")
    assert await watched.after(5) == 5
    watched.renew("one", "then")
    assert await watched.after(5) == 0


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ApiError(403, "Forbidden", "no"), id="403"),
        pytest.param(ApiError(500, "InternalError", "no"), id="500"),
        pytest.param(Unreachable("refused"), id="no-answer"),
    ],
)
async def test_a_look_that_fails_is_logged_once_and_is_silence(
    watched: Watched, error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.renew("one", "then")
    assert await watched.after(1) == 0

    async def fail(*_: object, **__: object) -> bytes:
        raise error

    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING):
        broken.setattr(watched.api, "request", fail)
        assert [await watched.after(5), await watched.after(5)] == [5, 10]
    assert [record.message for record in caplog.records] == ["cannot see who leads"]
    watched.renew("one", "later")
    assert await watched.after(5) == 0


@pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": None}, {"holderIdentity": 7}, {"renewTime": 1}])
async def test_a_lease_of_another_shape_is_silence(watched: Watched, spec: object) -> None:
    watched.api.put(LEASE, {"spec": spec})
    assert [await watched.after(5), await watched.after(5)] == [5, 10]
