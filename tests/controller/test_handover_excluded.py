"""One namespace that cannot be handed over is left out, and stays refused; it keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.controller.handover_world import AFTER, BACK_AFTER, LEASE, SLACK, Cluster, handed_over, limited, range_of
from tests.controller.world import (
    MUTATING,
    VALIDATING,
    Webhook,
    a_namespace,
    condition,
    controller,
    edit_tier,
    eventually,
    quota_path,
    tier_path,
)
from tests.fake_api import Object
from tiergate.cluster.errors import ApiError, BodyTooLarge, Unreachable
from tiergate.controller import coverage, handover
from tiergate.controller.handover import INCLUDE_PERIOD, NO_PROGRESS_AFTER

HOSTILE = "dev-b"
TENANTS = {"tiergate.io/tier": "dev", "app.kubernetes.io/managed-by": "Helm"}
OURS = {"tiergate.io/tier": "dev", "app.kubernetes.io/managed-by": "tiergate"}
MANY = {f"example.com/{number}": "1" for number in range(600)}
"""More names than are judged: an object with them cannot be read."""


def a_range(labels: Object, **limits: str) -> Object:
    return {"metadata": {"labels": labels}, "spec": {"limits": [{"type": "Container", "max": limits or MANY}]}}


def a_quota(labels: Object) -> Object:
    return {"metadata": {"labels": labels}, "spec": {"hard": MANY}}


class HostileCluster(Cluster):
    """Refuses what is written to the LimitRange of a namespace while ``refuses`` says so."""

    refuses = False

    async def request(self, method: str, path: str, **more: Any) -> bytes:  # noqa: ANN401 - as the base has it
        if self.refuses and method == "POST" and f"/{HOSTILE}/limitranges" in path:
            raise ApiError(403, "Forbidden", "exceeded quota: count/limitranges")
        return await super().request(method, path, **more)


def _refuse(api: HostileCluster) -> None:
    api.refuses = True


Arrange = Callable[[HostileCluster], object]
LEFT_OUT: dict[str, tuple[Arrange, str]] = {
    "foreign-range": (lambda api: api.put(range_of(HOSTILE), a_range({}, cpu="9")), "not as the tier says"),
    "unreadable-range": (lambda api: api.put(range_of(HOSTILE), a_range(TENANTS)), 'limitranges "tier" cannot be read'),
    "unreadable-quota": (lambda api: api.put(quota_path(HOSTILE), a_quota(TENANTS)), 'quotas "tier" cannot be read'),
    "no-such-tier": (
        lambda api: api.put(f"/api/v1/namespaces/{HOSTILE}", a_namespace("typo")),
        "or an Event on the namespace",
    ),
    "writes-refused": (_refuse, "not as the tier says"),
}
HANDED_OVER: dict[str, Arrange] = {
    "unreadable-and-ours": lambda api: api.put(range_of(HOSTILE), a_range(OURS)),
    "unreadable-quota-of-ours": lambda api: api.put(quota_path(HOSTILE), a_quota(OURS)),
    "unreadable-under-another-name": lambda api: api.put(
        f"/api/v1/namespaces/{HOSTILE}/limitranges/mine", a_range(OURS | {"app.kubernetes.io/managed-by": "me"})
    ),
    "quota-of-another-name": lambda api: api.put(quota_path(HOSTILE, "mine"), a_quota(TENANTS)),
    "a-long-annotation": lambda api: api.put(
        f"/api/v1/namespaces/{HOSTILE}",
        a_namespace(annotations={"volume.beta.kubernetes.io/storage-class": "x" * 2000}),
    ),
    "larger-than-a-page": lambda api: api.put(
        f"/api/v1/namespaces/{HOSTILE}/limitranges/mine",
        {"metadata": {"labels": TENANTS, "annotations": {"a": "x" * 9 * 2**20}}, "spec": {"limits": []}},
    ),
}


@asynccontextmanager
async def settled(api: HostileCluster, webhook: Webhook) -> AsyncIterator[None]:
    async with controller(api, webhook):
        await eventually(lambda: condition(api, "Enforcing")["status"] == "True", within=LEASE + 10)
        yield


@pytest.mark.slow
@pytest.mark.parametrize("name", LEFT_OUT)
async def test_what_is_in_the_way_in_one_namespace_keeps_that_one_refused_and_no_other(name: str) -> None:
    """Its tier names it; the others wait no more than NO_PROGRESS_AFTER longer; afterwards nothing is left of it."""
    arrange, words = LEFT_OUT[name]
    api, webhook = HostileCluster(), Webhook()
    async with settled(api, webhook):
        arrange(api)
        webhook.alive = False
        await eventually(api.handed_over, within=AFTER + NO_PROGRESS_AFTER + SLACK)
        assert api.left_out() == {HOSTILE}
        await eventually(lambda: condition(api, "Enforcing")["reason"] == "HandedOver")
        message = condition(api, "Enforcing")["message"]
        subject = "1 namespace outside this tier" if name == "no-such-tier" else f"namespace {HOSTILE}"
        assert f"; {subject} left out, and pods there stay refused: " in message
        assert words in message
        webhook.alive = True
        await eventually(lambda: api.guarded() and not api.left_out(), within=BACK_AFTER + SLACK)


@pytest.mark.slow
@pytest.mark.parametrize("name", HANDED_OVER)
async def test_what_a_tenant_creates_beside_our_objects_is_in_nobodys_way(name: str) -> None:
    """And what he makes of ours is repaired, also where it cannot be read any more."""
    api, webhook = HostileCluster(), Webhook()
    async with settled(api, webhook):
        HANDED_OVER[name](api)
        webhook.alive = False
        await eventually(api.handed_over, within=AFTER + SLACK)
        assert api.left_out() == set()
        assert api.get(quota_path(HOSTILE))["spec"]["hard"] == {"pods": "2"}


async def test_a_tier_tells_of_its_own_namespaces_and_counts_those_of_others() -> None:
    """A tenant may read the status of its tier, and is not to learn a neighbour's names there."""
    api, webhook = HostileCluster(), Webhook()
    api.put(tier_path("other"), limited())
    api.put("/api/v1/namespaces/elsewhere", a_namespace("other"))
    async with settled(api, webhook):
        api.put(range_of(HOSTILE), a_range({}, cpu="9"))
        webhook.alive = False
        await eventually(api.handed_over, within=AFTER + NO_PROGRESS_AFTER + SLACK)
        await eventually(lambda: HOSTILE in condition(api, "Enforcing")["message"])
        await eventually(lambda: condition(api, "Enforcing", "other")["reason"] == "HandedOver")
        told = condition(api, "Enforcing", "other")["message"]
        assert "; 1 namespace outside this tier left out, and pods there stay refused: their own tier" in told
        assert "dev" not in told
        api.put(range_of("elsewhere"), a_range({}, cpu="9"))
        await eventually(lambda: "namespace elsewhere left out" in condition(api, "Enforcing", "other")["message"])
        await eventually(lambda: "1 namespace outside this tier" in condition(api, "Enforcing")["message"])
        assert "elsewhere" not in condition(api, "Enforcing")["message"]
        api.put(range_of("dev-c"), a_range({}, cpu="9"))
        await eventually(lambda: "dev-b, dev-c" in condition(api, "Enforcing")["message"])
        await eventually(lambda: "2 namespaces outside" in condition(api, "Enforcing", "other")["message"])


@pytest.mark.slow
async def test_who_undoes_every_write_is_left_out_too() -> None:
    api, webhook = HostileCluster(), Webhook()

    async def undo() -> None:
        while True:
            await asyncio.sleep(0.1)
            if range_of(HOSTILE) in api:
                api.put(range_of(HOSTILE), a_range({}))
                await asyncio.sleep(0.3)
                api.delete(range_of(HOSTILE))

    async with settled(api, webhook):
        undoing = asyncio.ensure_future(undo())
        webhook.alive = False
        await eventually(api.handed_over, within=AFTER + NO_PROGRESS_AFTER + SLACK)
        await eventually(lambda: api.left_out() == {HOSTILE}, within=SLACK)
        api.journal.clear()
        await asyncio.sleep(60)
        assert api.left_out() <= {HOSTILE}
        assert api.journal["PATCH validatingwebhookconfigurations"] <= 4 * 60 / INCLUDE_PERIOD
        undoing.cancel()
        if range_of(HOSTILE) in api:
            api.delete(range_of(HOSTILE))
        await eventually(lambda: api.left_out() == set(), within=INCLUDE_PERIOD + SLACK)


async def test_what_is_undone_after_the_handover_is_left_out_and_taken_in_again() -> None:
    api, webhook = HostileCluster(), Webhook()
    async with handed_over(api, webhook):
        assert api.left_out() == set()
        api.put(range_of(HOSTILE), a_range({}, cpu="9"))
        await eventually(lambda: api.left_out() == {HOSTILE})
        await eventually(lambda: f"namespace {HOSTILE}" in condition(api, "Enforcing")["message"])
        api.delete(range_of(HOSTILE))
        await eventually(lambda: api.left_out() == set(), within=INCLUDE_PERIOD + SLACK)
        await eventually(lambda: "left out" not in condition(api, "Enforcing")["message"])
        assert api.handed_over()


async def test_others_are_taken_in_whoever_comes_and_goes_meanwhile() -> None:
    """A tenant of many namespaces makes one after the other unfit; who has mended his does not wait for that."""
    many = [f"team-{number}" for number in range(20)]
    api, webhook = HostileCluster(["mended", *many]), Webhook()
    async with handed_over(api, webhook):
        api.by_hand = True  # who replaces it opens his namespace for a moment
        api.put(range_of("mended"), a_range({}, cpu="9"))
        await eventually(lambda: api.left_out() == {"mended"})
        api.delete(range_of("mended"))
        for number, name in enumerate(many):
            if number and "mended" not in api.left_out():
                break
            api.put(range_of(name), a_range({}, cpu="9"))
            await asyncio.sleep(INCLUDE_PERIOD - 4)
        assert number <= 3


async def test_an_upgrade_meanwhile_leaves_out_the_same() -> None:
    """Helm sets failurePolicy; what was left out stays so whether Helm keeps the copies or not."""
    for keeps in (True, False):
        api, webhook = HostileCluster(), Webhook()
        api.put(range_of(HOSTILE), a_range({}, cpu="9"))
        async with handed_over(api, webhook):
            for path in (MUTATING, VALIDATING):
                found = api.get(path)
                kept = [one for one in found["webhooks"] if keeps or not one["name"].startswith("excluded.")]
                api.put(path, {**found, "webhooks": [{**one, "failurePolicy": "Fail"} for one in kept]})
            await eventually(api.handed_over, within=NO_PROGRESS_AFTER + 3)
            assert api.left_out() == {HOSTILE}


async def test_more_than_any_tenant_has_is_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then Fail holds for all, and the condition says for what; tier by tier it is what the tier lacks."""
    monkeypatch.setattr(handover, "MOST_EXCLUDED", 1)
    api, webhook = HostileCluster(), Webhook()
    async with settled(api, webhook):
        for name in ("dev-b", "dev-c"):
            api.put(range_of(name), a_range({}, cpu="9"))
        webhook.alive = False
        await asyncio.sleep(60)
        assert api.guarded()
        assert "namespaces dev-b, dev-c would not be held" in condition(api, "Enforcing")["message"]
        api.delete(range_of("dev-c"))
        await eventually(api.handed_over, within=NO_PROGRESS_AFTER + SLACK)
        api.by_hand = True  # the moment until it is noticed
        api.put(range_of("dev-c"), a_range({}, cpu="9"))
        await eventually(api.guarded, within=NO_PROGRESS_AFTER + SLACK)
        api.by_hand = False
        await asyncio.sleep(60)
        assert api.guarded(), "Fail stands as long as there are more"


ERRORS = (
    BodyTooLarge("an answer is longer than 1 bytes"),
    Unreachable("no answer"),
    ApiError(500, "InternalError", "etcd"),
    ValueError("no number"),
    RecursionError("too deep"),
    KeyError("metadata"),
    MemoryError("no room"),
)


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_whatever_reading_raises_is_said_and_tried_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing ends the task."""
    reads = coverage.uncovered_live

    async def fails(*_: object) -> dict[str, str]:
        raise error

    api, webhook = HostileCluster(), Webhook()
    async with settled(api, webhook):
        monkeypatch.setattr(handover, "uncovered_live", fails)
        webhook.alive = False
        await eventually(lambda: str(error) in condition(api, "Enforcing")["message"], within=AFTER + SLACK)
        await asyncio.sleep(10)
        assert api.guarded()
        monkeypatch.setattr(handover, "uncovered_live", reads)
        await eventually(api.handed_over, within=SLACK)


async def test_a_tier_that_changes_meanwhile_is_never_less_than_held() -> None:
    """Until the new bounds are there its namespaces are left out."""
    api, webhook = HostileCluster(), Webhook()
    async with handed_over(api, webhook):
        api.refuses = api.by_hand = True  # who deletes it opens his namespace for a moment
        api.delete(range_of(HOSTILE))
        edit_tier(api, limited(limits=[{"type": "Container", "max": {"cpu": "100m"}}]))
        await eventually(lambda: HOSTILE in api.left_out())
        api.refuses = api.by_hand = False
        await eventually(lambda: api.left_out() == set(), within=2 * INCLUDE_PERIOD + SLACK)
