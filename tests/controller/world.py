"""A controller and the API server in memory that it works on; everything waits in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from tests.fake_api import FakeApi
from tests.virtual_time import clock
from tiergate.cluster.webhook_probe import ProbeResult
from tiergate.controller.options import ControllerOptions
from tiergate.controller.service import Loops

if TYPE_CHECKING:
    from tiergate.cluster.client import Client

RELEASE = "tiergate-system"
OPTIONS = ControllerOptions(
    kubeconfig=None, service_account_dir=None, namespace=RELEASE, service="tiergate-webhook", host="here"
)
REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
MUTATING = f"{REGISTRATION}/mutatingwebhookconfigurations/tiergate"
VALIDATING = f"{REGISTRATION}/validatingwebhookconfigurations/tiergate"


SECRETS = ("tiergate-ca", "tiergate-webhook-tls")


def secret_path(name: str) -> str:
    return f"/api/v1/namespaces/{RELEASE}/secrets/{name}"


def tier_path(name: str = "dev") -> str:
    return f"/apis/tiergate.io/v1alpha1/tiers/{name}"


def quota_path(namespace: str = "dev", name: str = "tier") -> str:
    return f"/api/v1/namespaces/{namespace}/resourcequotas/{name}"


def a_tier(**hard: str) -> dict[str, Any]:
    return {"metadata": {"uid": "u"}, "spec": {"quotas": [{"name": "compute", "hard": hard or {"pods": "2"}}]}}


def a_namespace(tier: str | None = "dev", **metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"metadata": {"labels": {} if tier is None else {"tiergate.io/tier": tier}, **metadata}}


def a_foreign_quota(**hard: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "spec": {"hard": hard}}


def a_configuration(*names: str) -> dict[str, Any]:
    """Return a webhook configuration that is as its annotation says."""
    webhooks = [{"name": name, "clientConfig": {}, "failurePolicy": "Fail"} for name in names]
    return {"metadata": {"annotations": {"tiergate.io/webhooks": json.dumps(webhooks)}}, "webhooks": webhooks}


class Webhook:
    """What the controller asks for an answer: all replicas are ready, or none is."""

    def __init__(self) -> None:
        self.alive = True
        self.said_ready = False
        """The API server says so of a replica, whether it answers or not."""

    async def ask(self, client_config: Mapping[str, object]) -> ProbeResult:  # noqa: ARG002 - as it is asked
        await asyncio.sleep(0 if self.alive else 0.5)
        return ProbeResult(
            answered=self.alive, unreachable=not (self.alive or self.said_ready), detail="connection refused"
        )


@asynccontextmanager
async def controller(api: FakeApi, webhook: Webhook | None = None) -> AsyncIterator[None]:
    """Run all tasks of the controller."""
    loops = Loops(cast("Client", api), OPTIONS, probe=webhook or Webhook(), clock=clock, lease_clock=clock)
    running = [asyncio.ensure_future(task()) for task in loops.tasks().values()]
    try:
        yield
        assert loops.failing() == {}
        for task in running:
            assert not task.done(), task.exception()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def eventually(holds: Callable[[], object], *, within: float = 2.0, every: float = 0.01) -> None:
    """Wait until something holds, at most so many virtual seconds; what raises KeyError does not hold yet.

    Each look costs real time: who waits for half a minute looks less often.
    """
    deadline = clock() + within
    while True:
        try:
            if holds():
                return
        except KeyError:
            pass
        assert clock() < deadline, "it did not come true in time"
        await asyncio.sleep(every)


def condition(api: FakeApi, kind: str, tier: str = "dev") -> dict[str, Any]:
    found = [one for one in api.get(tier_path(tier))["status"]["conditions"] if one["type"] == kind]
    return cast("dict[str, Any]", found[0]) if found else {}


def ready(api: FakeApi, reason: str = "QuotasInForce") -> Callable[[], bool]:
    return lambda: condition(api, "Ready").get("reason") == reason


def a_cluster(*, counts: bool = True) -> FakeApi:
    """Return a cluster with one tier, its namespace and both webhook configurations."""
    api = FakeApi(counts=counts)
    api.put(tier_path(), a_tier())
    api.put("/api/v1/namespaces/dev", a_namespace())
    api.put(MUTATING, a_configuration("pods.mutate.tiergate.io"))
    api.put(VALIDATING, a_configuration("tiers.validate.tiergate.io", "pods.validate.tiergate.io"))
    for name in SECRETS:
        api.put(secret_path(name), {"type": "Opaque"})
    return api


def written(api: FakeApi) -> dict[str, int]:
    """Return what was written but for the Lease, which is renewed for ever."""
    return {verb: count for verb, count in api.journal.items() if not verb.endswith(" leases")}


async def settled(api: FakeApi) -> None:
    """Wait until the cluster is as it should be, and nothing is on its way any more."""
    await eventually(ready(api))
    await eventually(lambda: condition(api, "Enforcing").get("status") == "True")
    await asyncio.sleep(0.05)
    api.journal.clear()


RANGE = "/api/v1/namespaces/dev/limitranges/tier"
ITEM = {"type": "Container", "default": {"cpu": "250m"}, "max": {"cpu": "500m"}}


def a_tier_with_limits(*, native: bool = True, mode: str = "Enforce") -> dict[str, Any]:
    tier = a_tier()
    tier["spec"] |= {"limits": [ITEM], "nativeLimitRange": native, "enforcement": mode}
    return tier


def edit_tier(api: FakeApi, tier: dict[str, Any]) -> None:
    api.put(tier_path(), {**api.get(tier_path()), "spec": tier["spec"]})
