"""What the controller costs: nothing where nothing changes, and little where somebody never stops changing things."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tiergate.controller.reconciler import WRITE_BURST, NamespaceReconciler
from tiergate.controller.status import StatusWriter

if TYPE_CHECKING:
    from tiergate.cluster.tier_record import TierRecord
    from tiergate.wire.tier_status import TierStatus

from tests.controller.world import (
    a_cluster,
    a_namespace,
    condition,
    controller,
    eventually,
    quota_path,
    ready,
    settled,
    tier_path,
    written,
)


@pytest.mark.slow
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
        assert condition(api, "Ready")["message"] == "namespace odd: unexpected: 'odd'; the controller's log says more"
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


async def test_who_fights_us_costs_one_write_a_second() -> None:
    """A controller that undoes each repair does not make us spin."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        for _ in range(600):
            api.put(quota_path(), {**api.get(quota_path()), "spec": {"hard": {"pods": "999"}}})
            await asyncio.sleep(0.1)
    assert WRITE_BURST + 55 <= api.journal["PUT resourcequotas"] <= WRITE_BURST + 60


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
