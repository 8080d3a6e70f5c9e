"""Every write of the controller: none can overwrite what it was not decided on, none is sent by a standby."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.controller.world import (
    MUTATING,
    OPTIONS,
    RANGE,
    RELEASE,
    SECRETS,
    VALIDATING,
    a_cluster,
    a_configuration,
    a_namespace,
    a_tier_with_limits,
    condition,
    controller,
    edit_tier,
    eventually,
    quota_path,
    ready,
    secret_path,
    settled,
    tier_path,
    written,
)
from tests.fake_api import FakeApi, Write
from tests.virtual_time import clock
from tiergate.controller.leader_tasks import LeaderTasks
from tiergate.controller.service import Loops

if TYPE_CHECKING:
    from tiergate.cluster.client import Client

AUTHORITY, SERVING = map(secret_path, SECRETS)
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{RELEASE}/leases/tiergate-controller"

CREATES = {
    ("POST", "events"),
    ("POST", "leases"),
    ("POST", "limitranges"),
    ("POST", "resourcequotas"),
}
"""What does not exist has no version; the API server refuses a second object of the name."""
CHANGES = {
    ("DELETE", "limitranges"),
    ("DELETE", "resourcequotas"),
    ("PATCH", "mutatingwebhookconfigurations"),
    ("PATCH", "tiers"),
    ("PATCH", "validatingwebhookconfigurations"),
    ("PUT", "leases"),
    ("PUT", "limitranges"),
    ("PUT", "resourcequotas"),
    ("PUT", "secrets"),
}


def version_of(write: Write) -> object:
    """Return the resourceVersion that a write was decided on, as its kind of request carries one."""
    document = write.document
    if write.method == "DELETE":
        return document["preconditions"]["resourceVersion"]
    if write.content_type == "application/json-patch+json":
        first = document[0]
        assert (first["op"], first["path"]) == ("test", "/metadata/resourceVersion")
        return first["value"]
    return document["metadata"]["resourceVersion"]


def without_ca(secret: dict[str, Any]) -> dict[str, Any]:
    """Return the Secret with data that no plan can keep."""
    return {**secret, "data": {key: base64.b64encode(b"broken").decode() for key in secret["data"]}}


async def test_every_write_carries_the_version_it_was_decided_on() -> None:
    """A life with every kind of write in it; a new kind of write has to be entered here."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits())
    async with controller(api):
        await settled(api)
        api.put(quota_path(), {**api.get(quota_path()), "spec": {"hard": {"pods": "9"}}})
        api.put(RANGE, {**api.get(RANGE), "spec": {"limits": []}})
        api.put(MUTATING, a_configuration("pods.mutate.tiergate.io"))
        api.put(VALIDATING, a_configuration("pods.validate.tiergate.io"))
        await eventually(lambda: {("PUT", "resourcequotas"), ("PUT", "limitranges")} <= kinds(api))
        edit_tier(api, a_tier_with_limits(mode="Audit"))
        await eventually(ready(api, "ModeAudit"))
        api.put("/api/v1/namespaces/lost", a_namespace("nowhere"))
        await eventually(lambda: api.events("NoSuchTier"), within=10)
        api.put(SERVING, without_ca(api.get(SERVING)))
        api.put(AUTHORITY, without_ca(api.get(AUTHORITY)))
        await eventually(lambda: ("PUT", "secrets") in kinds(api), within=20)
    assert kinds(api) == CREATES | CHANGES
    for write in api.writes:
        if (write.method, write.place.resource) in CHANGES:
            assert isinstance(version_of(write), str), write
            assert version_of(write), write


def kinds(api: FakeApi) -> set[tuple[str, str]]:
    return {(write.method, write.place.resource) for write in api.writes}


async def test_a_standby_writes_nothing_and_takes_over_what_it_finds() -> None:
    """While another one holds the Lease there is no write at all; when it is released, drift is repaired at once."""
    api = a_cluster()
    held = {"holderIdentity": "another", "leaseDurationSeconds": 15, "renewTime": "2026-03-01T00:00:00.000000Z"}
    api.put(LEASE, {"spec": held})
    async with controller(api):
        await asyncio.sleep(0.3)
        assert api.journal == {}
        api.put(LEASE, {**api.get(LEASE), "spec": {**held, "holderIdentity": ""}})
        await eventually(ready(api), within=4)
        assert api.get(LEASE)["spec"]["leaseTransitions"] == 1
        assert quota_path() in api


async def test_whoever_loses_the_lead_stops_writing_and_begins_anew_with_it() -> None:
    """A Lease that another one took ends the work; drift stays until somebody leads again."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        lease = api.get(LEASE)
        own = lease["spec"]["holderIdentity"]
        api.put(LEASE, {**lease, "spec": {**lease["spec"], "holderIdentity": "another"}})
        await asyncio.sleep(2.3)
        api.journal.clear()
        api.delete(quota_path())
        await asyncio.sleep(0.3)
        assert written(api) == {}
        lease = api.get(LEASE)
        api.put(LEASE, {**lease, "spec": {**lease["spec"], "holderIdentity": ""}})
        await eventually(lambda: quota_path() in api, within=4)
        assert api.get(LEASE)["spec"]["holderIdentity"] == own
        await eventually(lambda: condition(api, "Ready")["status"] == "True")


async def test_an_orderly_end_releases_the_lease() -> None:
    """Nothing depends on it, and it saves the others a lease duration."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
    assert api.get(LEASE)["spec"]["holderIdentity"] == ""


async def test_a_loop_of_the_leader_that_fails_is_a_reason_not_to_be_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is restarted by itself; the others go on, and the lead stays where it is."""

    async def fails(_tasks: LeaderTasks) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(LeaderTasks, "_full_pass", fails)
    api = a_cluster()
    loops = Loops(cast("Client", api), OPTIONS, clock=clock, lease_clock=clock)
    running = [asyncio.ensure_future(task()) for task in loops.tasks().values()]
    try:
        await eventually(lambda: "full pass" in loops.failing())
        assert dict(loops.failing()) == {"full pass": "RuntimeError: a bug"}
        api.delete("/api/v1/namespaces/dev")
        api.put("/api/v1/namespaces/dev", a_namespace())
        await eventually(lambda: quota_path() in api)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
