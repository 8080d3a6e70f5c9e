"""The loops together, against an API server in memory: what is written, and what is never written."""

from __future__ import annotations

import asyncio

import pytest

from tests.controller.world import (
    RELEASE,
    a_cluster,
    a_foreign_quota,
    a_namespace,
    a_tier,
    condition,
    controller,
    eventually,
    quota_path,
    ready,
    settled,
    tier_path,
)
from tests.fake_api import FakeApi
from tiergate.cluster.errors import ApiError


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


@pytest.mark.parametrize("harm", ["edited", "deleted", "unreadable"])
async def test_a_quota_is_repaired(harm: str) -> None:
    """Whoever edits or deletes it, two seconds later it is right again."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        if harm == "deleted":
            api.delete(quota_path())
        elif harm == "unreadable":
            many = {f"example.com/{number}": "1" for number in range(600)}
            api.put(quota_path(), {**api.get(quota_path()), "spec": {"hard": many}})
        else:
            api.put(quota_path(), {**api.get(quota_path()), "spec": {"hard": {"pods": "999", "secrets": "1"}}})
        await eventually(lambda: api.get(quota_path())["spec"] == {"hard": {"pods": "2"}})
    assert sum(count for verb, count in api.journal.items() if verb.endswith("resourcequotas")) == 1


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
    """Even with the label nothing is written there, and what an earlier version wrote goes."""
    api = a_cluster()
    api.put(f"/api/v1/namespaces/{name}", a_namespace())
    left = {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "dev"}
    quota = {"metadata": {"name": "tier", "namespace": name, "labels": left}, "spec": {"hard": {"pods": "0"}}}
    api.put(quota_path(name), quota)
    async with controller(api):
        await settled(api)
        await eventually(lambda: quota_path(name) not in api)
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
    assert "Generation 1 stays in force" in condition(api, "Ready")["message"]
    assert api.get(tier_path())["status"]["observedGeneration"] == 2
    async with controller(api):  # another process, which never saw generation 1
        api.delete(quota_path())
        await eventually(lambda: api.get(quota_path())["spec"] == {"hard": {"pods": "2"}})
        api.put(tier_path(), {**api.get(tier_path()), **a_tier(pods="3")})
        await eventually(lambda: api.get(quota_path())["spec"] == {"hard": {"pods": "3"}})
        await eventually(ready(api))
    assert "inForce" not in api.get(tier_path())["status"]


async def test_a_refused_write_is_said_in_the_status_and_tried_again() -> None:
    """The reason of the API server reaches `kubectl get tiers`; when it passes, all is well."""
    api = a_cluster()
    api.refuse["POST resourcequotas"] = ApiError(403, "Forbidden", "quota of quotas")
    async with controller(api):
        await eventually(ready(api, "WriteFailed"))
        assert "quota of quotas" in condition(api, "Ready")["message"]
        api.refuse.clear()
        await eventually(ready(api))


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
