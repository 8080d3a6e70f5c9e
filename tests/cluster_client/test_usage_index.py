"""The index of pods and claims against an API server in memory: when it is open, and what it says."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.builders import a_claim_object, a_pod_object, texts
from tests.fake_api import FakeApi
from tests.following import eventually, running
from tests.virtual_time import clock
from tiergate.cluster.errors import ApiError
from tiergate.cluster.namespaced_cache import limit_ranges, resource_quotas
from tiergate.cluster.usage_index import claim_decoder, pod_decoder
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod
from tiergate.core.tally import Footprints
from tiergate.core.tier import LABEL
from tiergate.server.state import ServerState
from tiergate.server.usage import UsageByNamespace, rows_of
from tiergate.wire import Malformed, tree
from tiergate.wire.namespace import Namespace

if TYPE_CHECKING:
    from tiergate.cluster.client import Client

VIRTUAL_TIME = True
TIER = "/apis/tiergate.io/v1alpha1/tiers/dev"
PODS, CLAIMS = "/api/v1/pods", "/api/v1/persistentvolumeclaims"
HARD = {"pods": "5", "requests.cpu": "4", "requests.storage": "10Gi", "services": "3"}


class Api(FakeApi):
    """Counts the watches that are open, by path."""

    def __init__(self) -> None:
        super().__init__()
        self.watching: Counter[str] = Counter()

    async def watch(
        self,
        path: str,
        *,
        resource_version: str,
        query: Mapping[str, str] | None = None,
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[bytes]:
        self.watching[path] += 1
        events = super().watch(path, resource_version=resource_version, query=query, opened=opened)
        try:
            async with aclosing(events) as lines:  # type: ignore[type-var]  # an async generator in fact
                async for line in lines:
                    yield line
        finally:
            self.watching[path] -= 1


def a_tier(mode: str, hard: Mapping[str, str] | None = None) -> dict[str, Any]:
    quotas = [{"name": "compute", "hard": dict(HARD if hard is None else hard)}]
    return {"metadata": {"uid": "t"}, "spec": {"enforcement": mode, "quotas": quotas}}


def put_pod(api: Api, name: str, cpu: str = "1", *, namespace: str = "dev", **status: str) -> None:
    pod = a_pod_object({"name": "agent", "image": "a", "resources": {"requests": {"cpu": cpu}}})
    pod["metadata"], pod["status"] = {"uid": f"u-{name}"}, status
    api.put(f"/api/v1/namespaces/{namespace}/pods/{name}", pod)


def put_claim(api: Api, name: str, storage: str = "5Gi") -> None:
    api.put(f"/api/v1/namespaces/dev/persistentvolumeclaims/{name}", a_claim_object(storage))


def a_cluster(mode: str = "Warn", hard: Mapping[str, str] | None = None) -> Api:
    api = Api()
    api.put(TIER, a_tier(mode, hard))
    api.put("/api/v1/namespaces/dev", {"metadata": {"labels": {"tiergate.io/tier": "dev"}}})
    return api


@asynccontextmanager
async def server(api: Api) -> AsyncIterator[ServerState]:
    """Run all caches and the index; none may end."""
    state = ServerState(cast("Client", api), release_namespace="tiergate-system", clock=clock)
    async with running(state.tasks().values()):
        yield state


def used(state: ServerState, kind: type[Pod | Claim] = Pod, namespace: str = "dev") -> dict[str, str] | None:
    """Return what the tier's one quota has used, or None where that is not known."""
    tier = state.tier("dev")
    found = None if tier is None else state.usage(namespace, tier, kind)
    return None if found is None else {name: text for one in found for name, text in texts(one.used).items()}


async def test_usage_follows_the_objects() -> None:
    """Existing ones, new ones, changed ones, those that end, and those that are gone."""
    api = a_cluster()
    put_pod(api, "a", "500m")
    put_pod(api, "elsewhere", namespace="prod")
    put_claim(api, "data")
    async with server(api) as state:
        await eventually(lambda: used(state) == {"pods": "1", "requests.cpu": "500m"})
        await eventually(lambda: used(state, Claim) == {"requests.storage": "5Gi"})
        put_pod(api, "b")
        await eventually(lambda: used(state) == {"pods": "2", "requests.cpu": "1500m"})
        put_pod(api, "b", "2")
        put_claim(api, "data", "7Gi")
        await eventually(lambda: used(state) == {"pods": "2", "requests.cpu": "2500m"})
        await eventually(lambda: used(state, Claim) == {"requests.storage": "7Gi"})
        put_pod(api, "b", "2", phase="Succeeded")
        await eventually(lambda: used(state) == {"pods": "1", "requests.cpu": "500m"})
        api.delete("/api/v1/namespaces/dev/pods/a")
        await eventually(lambda: used(state) == {"pods": "0", "requests.cpu": "0"})
        assert used(state, namespace="prod") == {"pods": "1", "requests.cpu": "1"}


@pytest.mark.parametrize("mode", ["Warn", "Audit"])
async def test_the_index_is_open_only_while_a_tier_needs_it(mode: str) -> None:
    """Opened by the tier's mode, closed and empty when it is enforced again, opened anew."""
    api = a_cluster("Enforce")
    put_pod(api, "a")
    async with server(api) as state:
        pods = dict(state.index.each())["pods"]
        await eventually(lambda: state.tier("dev"))
        for _ in range(2):
            await asyncio.sleep(0.1)
            assert (api.watching[PODS], api.watching[CLAIMS], len(pods), pods.cache) == (0, 0, 0, None)
            api.put(TIER, a_tier(mode))
            await eventually(lambda: used(state) == {"pods": "1", "requests.cpu": "1"})
            assert (api.watching[PODS], api.watching[CLAIMS], len(pods)) == (1, 1, 1)
            api.put(TIER, a_tier("Enforce"))
            await eventually(lambda: not (api.watching[PODS] or api.watching[CLAIMS]))
        api.put(TIER, a_tier(mode))
        await eventually(lambda: api.watching[PODS])
        api.delete(TIER)
        await eventually(lambda: not api.watching[PODS])


async def test_a_name_that_a_tier_counts_anew_is_listed_anew_and_not_known_before() -> None:
    """Only names that some tier counts are kept of an object; those of a tier that is gone do no harm."""
    api = a_cluster("Warn", {"pods": "5"})
    put_pod(api, "a")
    async with server(api) as state:
        await eventually(lambda: used(state) == {"pods": "1"})
        (footprint,) = dict(state.index.each())["pods"]._tally.sums("dev")
        assert set(footprint.charge) == {"pods"}
        api.refuse["GET pods"] = ApiError(503, "ServiceUnavailable", "")
        api.put(TIER, a_tier("Warn", {"pods": "5", "requests.cpu": "4"}))
        await eventually(lambda: used(state) is None)
        tier = state.tier("dev")
        assert tier is not None
        assert list(state.index.rows("dev", tier)) == []
        await asyncio.sleep(10)
        assert used(state) is None
        api.refuse.clear()
        await eventually(lambda: used(state) == {"pods": "1", "requests.cpu": "1"})
        api.refuse["GET pods"] = ApiError(503, "ServiceUnavailable", "")
        api.put(TIER, a_tier("Warn", {"requests.cpu": "4"}))
        await eventually(lambda: used(state) == {"requests.cpu": "1"})


@pytest.mark.parametrize(
    ("hard", "watched"),
    [
        pytest.param({"pods": "1"}, {PODS}, id="pods"),
        pytest.param({"requests.storage": "1Gi"}, {CLAIMS}, id="claims"),
        pytest.param({"services": "1"}, set(), id="neither"),
        pytest.param({}, set(), id="no-quota"),
    ],
)
async def test_only_kinds_that_some_quota_counts_are_watched(hard: dict[str, str], watched: set[str]) -> None:
    api = a_cluster("Warn", hard)
    async with server(api) as state:
        await eventually(lambda: all(api.watching[path] for path in watched) and state.tier("dev"))
        await asyncio.sleep(0.1)
        assert {path for path in (PODS, CLAIMS) if api.watching[path]} == watched
        tier = state.tier("dev")
        assert tier is not None
        if PODS not in watched:  # nothing to count is known at once
            assert state.usage("dev", tier, Pod) == ()


@pytest.mark.parametrize(("minor", "cpu"), [("36+", "4"), ("37", "3")], ids=["R-32", "R-33"])
async def test_a_pod_being_resized_counts_as_the_server_s_release_counts_it(minor: str, cpu: str) -> None:
    """The release is learnt from the server, maybe after the pods: what is kept of them is right for either."""
    api = a_cluster()
    api.minor = minor
    names = {"a": ("2", "1"), "b": ("1", "2")}
    pod = a_pod_object(
        *({"name": name, "image": "a", "resources": {"requests": {"cpu": asked}}} for name, (asked, _) in names.items())
    )
    statuses = [{"name": name, "resources": {"requests": {"cpu": actual}}} for name, (_, actual) in names.items()]
    pod["metadata"], pod["status"] = {"uid": "u"}, {"phase": "Running", "containerStatuses": statuses}
    api.put("/api/v1/namespaces/dev/pods/a", pod)
    async with server(api) as state:
        await eventually(lambda: used(state) == {"pods": "1", "requests.cpu": cpu})


async def test_usage_is_not_known_before_the_first_list() -> None:
    """Each such question is counted, for the metric."""
    api = a_cluster()
    api.refuse["GET pods"] = ApiError(403, "Forbidden", "no list for us")
    async with server(api) as state:
        await eventually(lambda: state.tier("dev"))
        await eventually(lambda: used(state, Claim) is not None)
        pods = dict(state.index.each())["pods"]
        pods.take_unchecked()
        assert used(state) is None
        assert used(state) is None
        assert (pods.take_unchecked(), pods.take_unchecked()) == (2, 0)
        api.refuse.clear()
        await eventually(lambda: used(state) is not None)
        pods.take_unchecked()
        assert used(state) is not None
        assert pods.take_unchecked() == 0


async def test_usage_is_not_known_when_the_watch_has_lost_touch() -> None:
    """Nothing was heard for longer than bookmarks take."""
    async with server(a_cluster()) as state:
        await eventually(lambda: used(state) is not None)
        await asyncio.sleep(3600)
        assert used(state) is None


async def test_the_index_does_not_decide_readiness() -> None:
    """Warnings without quotas are better than a replica less."""
    api = a_cluster()
    for kind in ("pods", "persistentvolumeclaims"):
        api.refuse[f"GET {kind}"] = ApiError(403, "Forbidden", "")
    async with server(api) as state:
        await eventually(lambda: not state.unsynced())
        state.observe()
        assert not state.stale()


@pytest.mark.parametrize("cpu", ["1e2147483648", "1" + "\0", "[" * 3000], ids=["quantity", "nul", "no-quantity"])
async def test_a_pod_that_cannot_be_read_makes_the_usage_of_its_namespace_unknown_and_of_no_other(cpu: str) -> None:
    api = a_cluster()
    put_pod(api, "odd", cpu, namespace="prod")
    put_pod(api, "a")
    async with server(api) as state:
        await eventually(lambda: used(state) == {"pods": "1", "requests.cpu": "1"})
        assert used(state, namespace="prod") is None
        cache = dict(state.index.each())["pods"].cache
        assert cache is not None
        assert list(cache.faults) == ["prod/odd"]
        put_pod(api, "odd", namespace="prod")
        await eventually(lambda: used(state, namespace="prod") == {"pods": "1", "requests.cpu": "1"})
        put_pod(api, "odd", cpu, namespace="prod")
        await eventually(lambda: used(state, namespace="prod") is None)
        api.delete("/api/v1/namespaces/prod/pods/odd")
        await eventually(lambda: used(state, namespace="prod") == {"pods": "0", "requests.cpu": "0"})


LARGE: dict[str, Callable[[], Any]] = {
    "pods": lambda: pod_decoder(Footprints()),
    "claims": lambda: claim_decoder(Footprints()),
    "quotas": lambda: resource_quotas(FakeApi(), clock=clock)._decode,
    "limit ranges": lambda: limit_ranges(FakeApi(), clock=clock)._decode,
}


@pytest.mark.parametrize("kind", LARGE)
def test_no_event_of_a_large_object_holds_the_event_loop(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant can have it come again and again: it is read fast, or nothing looks for what is wrong with it."""
    containers = [{"name": "a", "args": [""] * 260_000, "env": [{"name": "A", "value": "\0"}]}]
    document = {"metadata": {"name": "a", "namespace": "dev"}, "spec": {"containers": containers}}
    monkeypatch.setattr(tree, "parse", lambda _: pytest.fail("it is read strictly"))
    with pytest.raises(Malformed, match="more than 65536 bytes"):
        LARGE[kind]()(json.dumps(document).encode())


async def test_no_annotation_hides_a_namespace_or_holds_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server stores many of them, and NUL in them; an outage is handed over for all namespaces at once."""
    annotations = {f"a{number}": "" for number in range(60_000)} | {"nul": "\0"}
    managed: list[Any] = [{"fieldsV1": {"f:metadata": {"f:annotations": {f"f:{name}": {} for name in annotations}}}}]
    monkeypatch.setattr(tree, "parse", lambda _: pytest.fail("it is read strictly"))
    api = a_cluster()
    labels = {LABEL: "dev"}
    api.put(
        "/api/v1/namespaces/odd", {"metadata": {"labels": labels, "annotations": annotations, "managedFields": managed}}
    )
    async with server(api) as state:
        await eventually(lambda: not state.unsynced())
        assert state.namespace("odd") == Namespace("odd", tier="dev")
        assert await state.namespace_now("odd", peer="", timeout=1.0) == Namespace("odd", tier="dev")


async def test_the_pod_that_once_ended_the_index_makes_the_usage_of_its_namespace_unknown() -> None:
    api = a_cluster()
    pod = a_pod_object({"name": "a", "args": [""] * 260_000, "env": [{"name": "A", "value": "\0"}]})
    api.put("/api/v1/namespaces/prod/pods/odd", {**pod, "metadata": {"uid": "u"}})
    put_pod(api, "a")
    async with server(api) as state:
        await eventually(lambda: used(state) == {"pods": "1", "requests.cpu": "1"})
        assert used(state, namespace="prod") is None
        assert not state.unsynced()


async def test_usage_of_a_reporting_tier_is_shown_on_the_pages() -> None:
    """There is no ResourceQuota to read it from."""
    api = a_cluster()
    put_pod(api, "a")
    async with server(api) as state:
        await eventually(lambda: used(state) is not None and used(state, Claim) is not None)
        await eventually(state.governed)
        shown = rows_of(await UsageByNamespace(state).namespaces())
        rows = {(row.namespace, row.quota, row.resource): f"{row.used}/{row.hard}" for row in shown}
        assert rows == {
            ("dev", "tier", "pods"): "1/5",
            ("dev", "tier", "requests.cpu"): "1/4",
            ("dev", "tier", "requests.storage"): "0/10Gi",
        }
        before = state.versions()
        put_pod(api, "b")
        await eventually(lambda: state.versions() != before)


def test_pods_that_differ_for_quota_are_not_taken_for_alike() -> None:
    """What is worked out once for a template must not be used for a pod with another state."""
    read = pod_decoder(Footprints())
    pod = a_pod_object({"name": "agent", "image": "a", "resources": {"requests": {"cpu": "1"}}})
    twin = {**pod, "metadata": {"name": "twin", "uid": "other", "annotations": {"a": "b"}}}
    ended = {**pod, "status": {"phase": "Failed"}}
    deleted = {"deletionTimestamp": "2026-01-15T09:30:00Z", "deletionGracePeriodSeconds": 30}
    going = {**pod, "metadata": {**pod["metadata"], **deleted}}
    longer = {**pod, "metadata": {**pod["metadata"], **deleted, "deletionGracePeriodSeconds": 60}}
    found = [read(json.dumps(one).encode()) for one in (pod, twin, ended, going, longer)]
    assert found[0] is found[1]
    assert len(set(found)) == 4
    assert found[4].over_at == (found[3].over_at or 0) + 30
