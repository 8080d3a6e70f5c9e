"""No answer of any endpoint leaves anything of its review behind: no cycle for the collector, and not the body."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from tests.builders import (
    RELEASE_NAMESPACE,
    Json,
    a_claim_object,
    a_namespace_object,
    a_pod_object,
    a_quota,
    a_tier,
    a_tier_object,
    a_tier_quota,
    an_item,
)
from tests.reviews import a_resize, a_review
from tests.server.admission_fakes import FakePermissions, FakeState, FakeWorkloads
from tiergate.admission.review import UserInfo
from tiergate.cluster.errors import Unreachable
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import Tier
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.process.logs import JsonFormatter
from tiergate.server import large_reviews
from tiergate.server import routes as routes_module
from tiergate.server.admission import LARGE, Admission
from tiergate.server.endpoints.reading import OutOfTimeError
from tiergate.server.routes import Routes
from tiergate.wire import Malformed
from tiergate.wire.kinds import ENDPOINTS
from tiergate.wire.namespace import Namespace

if TYPE_CHECKING:
    from tiergate.process.service import Message

BIG: Final = "<" * LARGE
LIMITED: Final = {"limits": {"cpu": "4", "memory": "1Gi"}}
ITEM: Final = an_item(default={"cpu": "1"}, high={"cpu": "2"})
TIER: Final = a_tier(ITEM)


class Life:
    """Ends with what holds it."""


class Body(bytes):
    """A body that can be watched: bytes themselves cannot."""

    life: Life


class Failing(FakeState):
    """A cluster of which nothing can be read live; each failure is a new one, as a raised one holds what it passed."""

    def __init__(self, failure: type[Exception], **more: object) -> None:
        super().__init__(tiers={TIER.name: TIER}, **more)  # type: ignore[arg-type]  # a fake's own
        self._failure = failure

    async def namespace_now(self, name: str, *, peer: str, timeout: float) -> Namespace | None:  # noqa: ARG002, ASYNC109
        raise self._failure("no answer")

    async def quotas_now(self, namespace: str, *, peer: str, timeout: float) -> tuple[QuotaStatus, ...]:  # noqa: ARG002, ASYNC109
        raise self._failure("no answer")

    async def tier_now(self, name: str, *, peer: str, timeout: float) -> Tier | None:  # noqa: ARG002, ASYNC109
        raise Malformed("/spec", "odd")


class Unanswered(FakePermissions):
    """Nobody says who may."""

    async def may_assign(self, user: UserInfo, tier: str, *, peer: str, timeout: float) -> bool:  # noqa: ARG002, ASYNC109
        raise Unreachable("no answer")


class Case(msgspec.Struct):
    """A request, the outcome it must have, and the cluster it is decided on."""

    path: str
    body: bytes
    outcome: str
    state: FakeState
    permissions: FakePermissions = FakePermissions()


def a_state(tier: Tier = TIER, **more: object) -> FakeState:
    return FakeState(tiers={tier.name: tier}, **more)  # type: ignore[arg-type]  # a fake's own


def label(after: str) -> bytes:
    return a_review(a_namespace_object(tier=after), old=a_namespace_object(tier=None), operation="UPDATE")


def pod(**container: object) -> dict[str, object]:
    return a_pod_object({"name": "a", "image": "i", **container})


def cases() -> Mapping[str, Case]:
    """Return a request for each endpoint and each way to answer it."""
    full = a_quota(hard={"limits.cpu": "1"}, used={"limits.cpu": "1"})
    within = pod(resources={"requests": {"cpu": "1"}, "limits": {"cpu": "1"}})
    return {
        **_judged(full, within),
        **_unreadable(within),
        **_failed(full, within),
        **_of_tiers(),
        **_of_workloads(full),
    }


def _judged(full: QuotaStatus, within: Json) -> Mapping[str, Case]:
    warn, audit = a_tier(ITEM, mode="Warn"), a_tier(ITEM, mode="Audit")
    exempt = a_tier(ITEM, users=("alice",))
    return {
        "allowed": Case("/validate", a_review(within), "allowed", a_state()),
        "patched": Case("/mutate", a_review(pod()), "patched", a_state()),
        "denied": Case("/validate", a_review(pod(resources=LIMITED)), "denied", a_state()),
        "denied after a live read": Case("/validate", a_review(within), "denied", a_state(quotas=(full,))),
        "warned": Case("/validate", a_review(pod(resources=LIMITED)), "warned", a_state(warn)),
        "audited": Case("/validate", a_review(pod(resources=LIMITED)), "audited", a_state(audit)),
        "exempt": Case("/validate", a_review(within), "exempt", a_state(exempt)),
        "ungoverned": Case(
            "/validate", a_review(within, namespace="free"), "ungoverned", a_state(namespaces={"free": None})
        ),
        "resized": Case("/validate", a_resize(within, within), "allowed", a_state()),
        "a claim": Case("/validate", a_review(a_claim_object()), "allowed", a_state()),
    }


def _unreadable(within: Json) -> Mapping[str, Case]:
    nul = pod(env=[{"name": "a", "value": "\0"}])
    return {
        "NUL": Case("/validate", a_review(nul), "malformed", a_state()),
        "NUL, large": Case(
            "/validate",
            a_review(pod(env=[{"name": "a", "value": BIG}, {"name": "b", "value": "\0"}])),
            "malformed",
            a_state(),
        ),
        "large": Case("/validate", a_review(pod(args=[BIG], resources=LIMITED)), "denied", a_state()),
        "many containers": Case(
            "/mutate", a_review(a_pod_object(*[{"name": f"c{n}"} for n in range(300)])), "malformed", a_state()
        ),
        "a bad quantity": Case("/mutate", a_review(pod(resources={"limits": {"cpu": "lots"}})), "malformed", a_state()),
        "a wrong type": Case("/validate", a_review(pod(name=5)), "malformed", a_state()),
        "a number as quantity": Case(
            "/validate", a_review(pod(resources={"limits": {"cpu": 1}})), "allowed", a_state()
        ),
        "a long name": Case("/validate", a_review(pod(name="n" * 5000)), "malformed", a_state()),
        "a bad time": Case(
            "/validate", a_review(a_pod_object() | {"metadata": {"deletionTimestamp": "never"}}), "malformed", a_state()
        ),
        "too deep": Case(
            "/validate", a_review(pod(args="X")).replace(b'"X"', b"[" * 2000 + b"]" * 2000), "malformed", a_state()
        ),
        "a surrogate": Case(
            "/validate", a_review(pod(args=["X"])).replace(b'"X"', b'"\\ud800"'), "malformed", a_state()
        ),
        "a bad old object": Case("/validate", a_resize(within, pod(name=5)), "malformed", a_state()),
    }


def _failed(full: QuotaStatus, within: Json) -> Mapping[str, Case]:
    return {
        "no JSON": Case("/validate", b"nonsense", "bad-request", a_state()),
        "no JSON, large": Case("/validate", b"[" * (LARGE + 1), "bad-request", a_state()),
        "no UTF-8": Case("/mutate", b'"\xff"', "bad-request", a_state()),
        "no review": Case("/tiers", b'{"kind": "Pod"}', "bad-request", a_state()),
        "not judged": Case("/namespaces", a_review(within), "bad-request", a_state()),
        "out of time": Case("/validate", a_review(within), "error", Failing(OutOfTimeError, stale=True)),
        "unreachable": Case("/validate", a_review(within), "error", Failing(Unreachable, stale=True)),
        "a bug": Case("/validate", a_review(within), "error", Failing(ZeroDivisionError, quotas=(full,))),
    }


def _of_tiers() -> Mapping[str, Case]:
    return {
        "a tier": Case("/tiers", a_review(a_tier_object({})), "allowed", a_state()),
        "a bad tier": Case("/tiers", a_review(a_tier_object({"limits": [{"type": "None"}]})), "denied", a_state()),
        "a malformed tier": Case("/tiers", a_review(a_tier_object({"limits": 5})), "malformed", a_state()),
        "a label": Case("/namespaces", label("dev"), "allowed", a_state(), FakePermissions("dev")),
        "a label not permitted": Case("/namespaces", label("dev"), "denied", a_state()),
        "a label of a bad tier": Case(
            "/namespaces", label("odd"), "allowed", Failing(Unreachable), FakePermissions("odd")
        ),
        "a label not answered": Case("/namespaces", label("dev"), "error", a_state(), Unanswered()),
        "a bad label": Case("/namespaces", label("dev").replace(b'"dev"}', b"5}"), "malformed", a_state()),
    }


def deployment(**container: object) -> Json:
    pod_spec = {"containers": [{"name": "a", "image": "i", **container}]}
    metadata = {"name": "web", "namespace": "dev"}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"template": {"spec": pod_spec}}}


def scaled(after: int) -> bytes:
    new, old = (
        {"kind": "Scale", "metadata": {"name": "web", "namespace": "dev"}, "spec": {"replicas": count}}
        for count in (after, 1)
    )
    return a_review(new, old=old, operation="UPDATE", subResource="scale")


def _of_workloads(full: QuotaStatus) -> Mapping[str, Case]:
    small = deployment(resources={"limits": {"cpu": "1"}})
    strict = a_tier(ITEM, quotas=[a_tier_quota({"limits.cpu": "1"})])
    away = FakeWorkloads(scaled=Unreachable("no answer"))
    huge = deployment(env=[{"name": "a", "value": BIG}, {"name": "b", "value": "\0"}], resources={"limits": {"cpu": 1}})
    return {
        "a workload": Case("/workloads", a_review(small), "allowed", a_state()),
        "a workload that never runs": Case("/workloads", a_review(deployment(resources=LIMITED)), "denied", a_state()),
        "a workload that does not fit": Case("/workloads", a_review(small), "allowed", a_state(strict, quotas=(full,))),
        "a workload, quotas unreachable": Case(
            "/workloads", a_review(small), "allowed", Failing(Unreachable, quotas=(full,))
        ),
        "a workload, out of time": Case("/workloads", a_review(small), "allowed", Failing(OutOfTimeError, stale=True)),
        "a workload, a bug": Case("/workloads", a_review(small), "error", Failing(ZeroDivisionError, stale=True)),
        "a bad workload": Case(
            "/workloads", a_review(deployment(resources={"limits": {"cpu": "half"}})), "malformed", a_state()
        ),
        "a large workload": Case("/workloads", a_review(deployment(args=[BIG])), "allowed", a_state()),
        "a large workload with NUL": Case("/workloads", a_review(huge), "malformed", a_state()),
        "a workload with too many containers": Case(
            "/workloads",
            a_review({**small, "spec": {"template": {"spec": {"containers": [{}] * 300}}}}),
            "malformed",
            a_state(),
        ),
        "a scale": Case("/workloads", scaled(9), "allowed", a_state(strict, quotas=(full,))),
        "a scale that is not read": Case("/workloads", scaled(9), "allowed", a_state(strict, workloads=away)),
        "no workload": Case("/workloads", a_review(a_namespace_object()), "bad-request", a_state()),
    }


@pytest.fixture(scope="module")
def _nothing_older() -> Iterator[None]:
    """Hide what was there before from the collector: a collection costs as much as there is to look at."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def no_collector(_nothing_older: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nothing be collected but by the test, and log as the server does: pytest keeps every record."""
    handler, logger = logging.StreamHandler(io.StringIO()), logging.Logger("apart")  # noqa: LOG001
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    monkeypatch.setattr(routes_module, "logger", logger)
    monkeypatch.setattr(large_reviews, "PATIENCE", 60.0)
    gc.disable()
    yield
    gc.enable()


def test_every_endpoint_is_asked() -> None:
    assert {case.path for case in cases().values()} == ENDPOINTS.keys()


@pytest.mark.slow
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("case", cases().values(), ids=cases().keys())
async def test_an_answer_leaves_nothing_behind(case: Case) -> None:
    await leaves_nothing(case)


async def leaves_nothing(case: Case) -> None:
    lines: list[bytes] = []
    admission = Admission(case.state, case.permissions, release_namespace=RELEASE_NAMESPACE, clock=case.state.clock)
    routes = Routes(admission, PrometheusRecorder(), write=lines.append)
    try:
        await post(routes, case)  # the first time fills caches
        await asyncio.sleep(0)
        gc.collect()
        watched = await post(routes, case)
        await asyncio.sleep(0)
        assert watched() is None
        assert gc.collect() == 0
    finally:
        admission.stop()
    assert json.loads(lines[-1])["outcome"] == case.outcome


async def post(routes: Routes, case: Case) -> weakref.ref[Life]:
    """Send the body, and return what watches it."""
    bodies = [Body(case.body)]
    bodies[0].life = Life()
    watched = weakref.ref(bodies[0].life)

    async def receive() -> Message:
        return {"type": "http.request", "body": bodies.pop(), "more_body": False}

    async def send(_message: Message) -> None:
        pass

    headers = [(b"content-type", b"application/json")]
    scope = {"path": case.path, "query_string": b"timeout=30s", "method": "POST", "headers": headers}
    await routes.http(scope, receive, send)
    return watched
