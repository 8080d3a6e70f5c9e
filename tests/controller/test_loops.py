"""The loops together, against an API server in memory: what is written, and what is never written."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.fake_api import FakeApi
from tests.virtual_time import clock
from tiergate.cluster.client import ApiError
from tiergate.controller.reconciler import WRITE_BURST, NamespaceReconciler
from tiergate.controller.service import Loops, Options
from tiergate.controller.status import StatusWriter

if TYPE_CHECKING:
    from tiergate.cluster.client import Client
    from tiergate.cluster.tier_record import TierRecord
    from tiergate.wire.tier_status import TierStatus

RELEASE = "tiergate-system"
OPTIONS = Options(kubeconfig=None, service_account_dir=None, namespace=RELEASE, service="tiergate-webhook", host="here")
REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
MUTATING = f"{REGISTRATION}/mutatingwebhookconfigurations/tiergate"
VALIDATING = f"{REGISTRATION}/validatingwebhookconfigurations/tiergate"


def tier_path(name: str = "dev") -> str:
    return f"/apis/tiergate.io/v1alpha1/tiers/{name}"


def quota_path(namespace: str = "dev", name: str = "tier") -> str:
    return f"/api/v1/namespaces/{namespace}/resourcequotas/{name}"


def a_tier(**hard: str) -> dict[str, Any]:
    return {"metadata": {"uid": "u"}, "spec": {"quotas": [{"name": "compute", "hard": hard or {"pods": "2"}}]}}


def a_namespace(tier: str | None = "dev", **metadata: str) -> dict[str, Any]:
    return {"metadata": {"labels": {} if tier is None else {"tiergate.io/tier": tier}, **metadata}}


def a_foreign_quota(**hard: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "spec": {"hard": hard}}


def a_configuration(*names: str) -> dict[str, Any]:
    return {"webhooks": [{"name": name, "clientConfig": {}} for name in names]}


@asynccontextmanager
async def controller(api: FakeApi) -> AsyncIterator[None]:
    """Run all tasks of the controller."""
    loops = Loops(cast("Client", api), OPTIONS, clock=clock, lease_clock=clock)
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


async def eventually(holds: Callable[[], object], *, within: float = 2.0) -> None:
    """Wait until something holds, at most so many virtual seconds; what raises KeyError does not hold yet."""
    deadline = clock() + within
    while True:
        try:
            if holds():
                return
        except KeyError:
            pass
        assert clock() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)


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


async def test_a_namespace_gets_its_quota() -> None:
    """The quota says what the tier says, carries our labels, and the tier becomes Ready."""
    api = a_cluster()
    async with controller(api):
        await eventually(ready(api))
    quota = api.get(quota_path())
    assert quota["spec"] == {"hard": {"pods": "2"}}
    assert quota["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "dev"}
    assert api.get(tier_path())["status"]["summary"] == {"pods": "0/2"}


async def test_a_quota_that_is_not_counted_yet_is_not_ready() -> None:
    """Ready waits for the status of the ResourceQuota, not for the object."""
    api = a_cluster(counts=False)
    async with controller(api):
        await eventually(ready(api, "QuotaPending"))
        quota = api.get(quota_path())
        api.put(quota_path(), {**quota, "status": {"hard": {"pods": "2"}, "used": {"pods": "0"}}})
        await eventually(ready(api))


async def test_a_steady_state_makes_no_writes() -> None:
    """Full passes over a cluster that is as it should be only read."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        await asyncio.sleep(3600)
    assert written(api) == {}


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count the looks at namespaces and at tiers."""
    looks: Counter[str] = Counter()
    reconcile, compute = NamespaceReconciler.reconcile, StatusWriter.compute

    async def reconciled(self: NamespaceReconciler, name: str) -> None:
        looks["namespaces"] += 1
        await reconcile(self, name)

    def computed(self: StatusWriter, record: TierRecord) -> TierStatus:
        looks["tiers"] += 1
        return compute(self, record)

    with monkeypatch.context() as patched:
        patched.setattr(NamespaceReconciler, "reconcile", reconciled)
        patched.setattr(StatusWriter, "compute", computed)
        yield looks


async def test_a_status_write_of_a_tier_costs_one_look_at_it_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's is looked at and repaired, our own is no news; no namespace of the tier is looked at."""
    with counted(monkeypatch) as looks:
        api = a_cluster()
        for number in range(50):
            api.put(f"/api/v1/namespaces/team-{number}", a_namespace())
        async with controller(api):
            await settled(api)
            await asyncio.sleep(5)
            looks.clear()
            tier = api.get(tier_path())
            api.put(tier_path(), {**tier, "status": {**tier["status"], "namespaces": 7}})
            await eventually(lambda: api.get(tier_path())["status"]["namespaces"] == 51)
            await asyncio.sleep(5)
            assert looks == {"tiers": 1}
            api.put(quota_path(), {**api.get(quota_path()), "status": {"used": {"pods": "1"}}})
            await asyncio.sleep(5)
            assert looks == {"tiers": 2, "namespaces": 1}


async def test_a_key_that_brings_out_a_bug_is_named_and_disturbs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller stays ready, the other namespaces get their quotas, and the tier's status says which one fails."""
    reconcile = NamespaceReconciler.reconcile

    async def odd(self: NamespaceReconciler, name: str) -> None:
        if name == "odd":
            raise KeyError(name)
        await reconcile(self, name)

    monkeypatch.setattr(NamespaceReconciler, "reconcile", odd)
    api = a_cluster()
    api.put("/api/v1/namespaces/odd", a_namespace())
    async with controller(api):  # asserts that no loop fails
        await eventually(ready(api, "WriteFailed"))
        assert condition(api, "Ready")["message"] == "namespace odd: KeyError: 'odd'"
        assert quota_path() in api
        api.delete(quota_path())
        await eventually(lambda: quota_path() in api)


async def test_a_restart_makes_no_writes() -> None:
    """Nothing is remembered outside the cluster: a second controller finds everything in order."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
    async with controller(api):
        await asyncio.sleep(100)
    assert written(api) == {}


@pytest.mark.parametrize("harm", ["edited", "deleted"])
async def test_a_quota_is_repaired(harm: str) -> None:
    """Whoever edits or deletes it, two seconds later it is right again."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        if harm == "deleted":
            api.delete(quota_path())
        else:
            api.put(quota_path(), {**api.get(quota_path()), "spec": {"hard": {"pods": "999", "secrets": "1"}}})
        await eventually(lambda: api.get(quota_path())["spec"] == {"hard": {"pods": "2"}})
    assert sum(count for verb, count in api.journal.items() if verb.endswith("resourcequotas")) == 1


async def test_who_fights_us_costs_one_write_a_second() -> None:
    """A controller that undoes each repair does not make us spin."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        for _ in range(600):
            api.put(quota_path(), {**api.get(quota_path()), "spec": {"hard": {"pods": "999"}}})
            await asyncio.sleep(0.1)
    assert WRITE_BURST + 55 <= api.journal["PUT resourcequotas"] <= WRITE_BURST + 60


async def test_a_foreign_quota_is_never_touched() -> None:
    """It keeps the tier from being Ready; when it is gone, ours takes the name."""
    api = a_cluster()
    foreign = api.put(quota_path(), a_foreign_quota(pods="1"))
    async with controller(api):
        await eventually(ready(api, "ForeignResourceQuota"))
        assert api.get(quota_path()) == foreign
        api.delete(quota_path())
        await eventually(ready(api))
    assert api.get(quota_path())["spec"] == {"hard": {"pods": "2"}}


async def test_a_namespace_that_leaves_loses_ours_alone() -> None:
    """Without the label our quota goes, and somebody else's stays."""
    api = a_cluster()
    api.put(quota_path(name="own"), a_foreign_quota(pods="1"))
    async with controller(api):
        await eventually(ready(api))
        api.put("/api/v1/namespaces/dev", a_namespace(None))
        await eventually(lambda: api.get(tier_path())["status"]["namespaces"] == 0)
        await eventually(lambda: quota_path() not in api)
    assert api.get(quota_path(name="own"))


async def test_a_namespace_that_changes_its_tier_keeps_one_quota() -> None:
    """The same object takes the new tier's bounds: there is no moment without one."""
    api = a_cluster()
    api.put(tier_path("prod"), a_tier(pods="50"))
    async with controller(api):
        await settled(api)
        api.put("/api/v1/namespaces/dev", a_namespace("prod"))
        await eventually(lambda: api.get(quota_path())["spec"]["hard"] == {"pods": "50"})
    assert api.journal["DELETE resourcequotas"] == 0


@pytest.mark.parametrize("name", ["kube-system", "kube-anything", RELEASE])
async def test_namespaces_of_the_cluster_and_the_release_are_never_governed(name: str) -> None:
    """Even with the label nothing is written there."""
    api = a_cluster()
    api.put(f"/api/v1/namespaces/{name}", a_namespace())
    async with controller(api):
        await settled(api)
    assert quota_path(name) not in api
    assert api.get(tier_path())["status"]["namespaces"] == 1


async def test_a_namespace_on_its_way_out_is_left_alone() -> None:
    """Its quotas go with it; a create there would only be refused."""
    api = a_cluster()
    api.put("/api/v1/namespaces/old", a_namespace(deletionTimestamp="2026-03-01T00:00:00Z"))
    async with controller(api):
        await settled(api)
    assert quota_path("old") not in api
    assert api.get(tier_path())["status"]["namespaces"] == 1


async def test_a_label_that_names_no_tier_is_said_once() -> None:
    """One Event on the namespace, also after a restart, and nothing is deleted."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        api.delete(tier_path())
        await eventually(lambda: api.events("NoSuchTier"), within=10)
        await asyncio.sleep(100)
        assert api.journal["POST events"] == 1
    async with controller(api):
        await asyncio.sleep(100)
    assert [event["involvedObject"]["name"] for event in api.events("NoSuchTier")] == ["dev"]
    assert api.get(quota_path())


async def test_a_tier_that_comes_a_moment_later_needs_no_event() -> None:
    """Installers create namespaces before tiers."""
    api = FakeApi()
    api.put("/api/v1/namespaces/dev", a_namespace())
    async with controller(api):
        await asyncio.sleep(0.1)
        api.put(tier_path(), a_tier())
        await eventually(ready(api))
    assert api.events("NoSuchTier") == []


async def test_an_invalid_edit_leaves_the_last_good_version_in_force() -> None:
    """Ready says what is wrong, and the quota of the good version is still repaired."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        api.put(tier_path(), {**api.get(tier_path()), **a_tier(**{"example.com/gpu": "1"})})
        await eventually(ready(api, "Invalid"))
        api.delete(quota_path())
        await eventually(lambda: api.get(quota_path())["spec"] == {"hard": {"pods": "2"}})
    assert condition(api, "Ready")["message"].endswith("Generation 1 stays in force")
    assert api.get(tier_path())["status"]["observedGeneration"] == 2


async def test_a_refused_write_is_said_in_the_status_and_tried_again() -> None:
    """The reason of the API server reaches `kubectl get tiers`; when it passes, all is well."""
    api = a_cluster()
    api.refuse["POST resourcequotas"] = ApiError(403, "Forbidden", "quota of quotas")
    async with controller(api):
        await eventually(ready(api, "WriteFailed"))
        assert "quota of quotas" in condition(api, "Ready")["message"]
        api.refuse.clear()
        await eventually(ready(api))


async def test_usage_is_written_about_once_a_second() -> None:
    """Pods that come and go do not flood the API server with status writes; the last number arrives."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        for number in range(1, 301):
            used = {"hard": {"pods": "2"}, "used": {"pods": str(number)}}
            api.put(quota_path(), {**api.get(quota_path()), "status": used})
            await asyncio.sleep(0.1)
        await eventually(lambda: api.get(tier_path())["status"]["summary"] == {"pods": "300/2"})
    assert 25 <= api.journal["PATCH tiers"] <= 32


async def test_the_authority_is_published_and_repaired() -> None:
    """Every entry of both configurations trusts the stored CA, also after somebody removed it."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        secret = api.get(f"/api/v1/namespaces/{RELEASE}/secrets/tiergate-webhook-tls")
        trusted = secret["data"]["ca.crt"]
        assert base64.b64decode(trusted).startswith(b"-----BEGIN CERTIFICATE-----")
        api.put(VALIDATING, a_configuration("pods.validate.tiergate.io"))
        await eventually(lambda: api.get(VALIDATING)["webhooks"][0]["clientConfig"] == {"caBundle": trusted})
    entries = api.get(MUTATING)["webhooks"]
    assert [entry["clientConfig"]["caBundle"] for entry in entries] == [trusted]


async def test_a_deleted_webhook_configuration_stays_deleted() -> None:
    """That is how uninstalling and breaking the glass work: Enforcing=False and an Event, nothing else."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        api.delete(MUTATING)
        await eventually(lambda: condition(api, "Enforcing")["reason"] == "WebhookConfigurationMissing")
        await eventually(lambda: api.events("NotEnforcing"))
        await asyncio.sleep(0.1)
    assert MUTATING not in api
    assert written(api) == {"PATCH tiers": 1, "POST events": 1}
    assert condition(api, "Ready")["status"] == "True"


async def test_without_certificates_quotas_are_kept_all_the_same() -> None:
    """One thing that fails does not take another with it, and the status says why enforcement is missing."""
    api = a_cluster()
    api.refuse["GET secrets"] = ApiError(403, "Forbidden", "no secrets for you")
    async with controller(api):
        await eventually(ready(api))
        await eventually(lambda: condition(api, "Enforcing").get("reason") == "CertificateUnavailable")
    assert "no secrets for you" in condition(api, "Enforcing")["message"]


RANGE = "/api/v1/namespaces/dev/limitranges/tier"
ITEM = {"type": "Container", "default": {"cpu": "250m"}, "max": {"cpu": "500m"}}


def a_tier_with_limits(*, native: bool = True, mode: str = "Enforce") -> dict[str, Any]:
    tier = a_tier()
    tier["spec"] |= {"limits": [ITEM], "nativeLimitRange": native, "enforcement": mode}
    return tier


def edit_tier(api: FakeApi, tier: dict[str, Any]) -> None:
    api.put(tier_path(), {**api.get(tier_path()), "spec": tier["spec"]})


async def test_no_limit_range_is_made_unless_the_tier_asks() -> None:
    """With one present LimitRanger would run before the webhook and bring its holes back."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits(native=False))
    async with controller(api):
        await settled(api)
    assert RANGE not in api


async def test_a_limit_range_is_kept_while_the_tier_asks_for_it() -> None:
    """Made, repaired after an edit and after a deletion, removed when switched off, and never rewritten in between."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits())
    async with controller(api):
        await eventually(lambda: api.get(RANGE)["spec"] == {"limits": [ITEM]})
        await settled(api)
        assert api.get(RANGE)["metadata"]["labels"] == api.get(quota_path())["metadata"]["labels"]
        api.put(RANGE, {**api.get(RANGE), "spec": {"limits": []}})
        await eventually(lambda: api.get(RANGE)["spec"] == {"limits": [ITEM]})
        api.delete(RANGE)
        await eventually(lambda: api.get(RANGE)["spec"] == {"limits": [ITEM]})
        await asyncio.sleep(0.05)
        assert (api.journal["PUT limitranges"], api.journal["POST limitranges"]) == (1, 1)
        edit_tier(api, a_tier_with_limits(native=False))
        await eventually(lambda: RANGE not in api)
        await eventually(ready(api))


@pytest.mark.parametrize("mode", ["Warn", "Audit"])
async def test_in_a_mode_that_refuses_nothing_there_is_no_limit_range(mode: str) -> None:
    """LimitRanger refuses, so it goes with the quotas and comes back with them."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits())
    async with controller(api):
        await settled(api)
        edit_tier(api, a_tier_with_limits(mode=mode))
        await eventually(ready(api, f"Mode{mode}"))
        assert RANGE not in api
        edit_tier(api, a_tier_with_limits())
        await eventually(ready(api))
        assert RANGE in api


async def test_a_foreign_limit_range_is_never_touched() -> None:
    """It keeps the tier from being Ready; when it is gone, ours takes the name."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits())
    foreign = api.put(RANGE, {"metadata": {"labels": {}}, "spec": {"limits": [ITEM]}})
    async with controller(api):
        await eventually(ready(api, "ForeignLimitRange"))
        message = condition(api, "Ready")["message"]
        assert message == (
            'LimitRange "tier" in namespace dev is not ours and is never taken over: rename or delete it'
        )
        assert api.get(RANGE) == foreign
        api.delete(RANGE)
        await eventually(ready(api))
        assert RANGE in api


async def test_a_namespace_that_leaves_loses_its_limit_range() -> None:
    """As its quota."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits())
    async with controller(api):
        await settled(api)
        api.put("/api/v1/namespaces/dev", a_namespace(None))
        await eventually(lambda: RANGE not in api)
        await eventually(lambda: quota_path() not in api)


async def test_labels_of_ours_that_somebody_removes_come_back() -> None:
    """One of the two is enough to know the object; without both it is nobody's, and is left alone."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        whole = api.get(quota_path())["metadata"]["labels"]
        for name in whole:
            quota = api.get(quota_path())
            labels = {key: value for key, value in whole.items() if key != name}
            api.put(quota_path(), {**quota, "metadata": {**quota["metadata"], "labels": labels}})
            await eventually(lambda: api.get(quota_path())["metadata"]["labels"] == whole)
        quota = api.get(quota_path())
        api.put(quota_path(), {**quota, "metadata": {**quota["metadata"], "labels": {}}})
        await eventually(ready(api, "ForeignResourceQuota"))
