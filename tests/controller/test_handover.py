"""A webhook that does not answer is handed over to Kubernetes' own engines and taken back, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.controller.handover_world import (
    AFTER,
    BACK_AFTER,
    CLAIM_ITEM,
    EVERY,
    FEW,
    LATE,
    LEASE,
    NAMESPACES,
    SLACK,
    Cluster,
    handed_over,
    limited,
    range_of,
)
from tests.controller.world import (
    ITEM,
    MUTATING,
    VALIDATING,
    Webhook,
    condition,
    controller,
    edit_tier,
    eventually,
    written,
)
from tiergate.cluster.registration import MARK_ANNOTATION
from tiergate.controller.half_handover import MARK_AFTER
from tiergate.controller.options import ControllerOptions
from tiergate.core.handover import HandoverTiming


async def test_it_is_handed_over_and_back() -> None:
    """LimitRanges with every item, then Ignore; Fail, then no LimitRange; people are told; nothing stays owned."""
    api, webhook = Cluster(), Webhook()
    async with controller(api, webhook):
        await eventually(lambda: condition(api, "Enforcing")["status"] == "True", within=10)
        webhook.alive = False
        await asyncio.sleep(AFTER - 2)
        assert api.bare()
        await eventually(lambda: condition(api, "Enforcing")["reason"] == "HandedOver", within=2 + SLACK)
        assert api.handed_over()
        items = {one["type"]: one for one in api.get(range_of("dev"))["spec"]["limits"]}
        assert items.pop("Container") == {**ITEM, "min": {"cpu": "1m"}}  # else the limit 0 would pass
        assert items == {"PersistentVolumeClaim": CLAIM_ITEM}
        (told,) = api.events("HandedOver")
        assert told["type"] == "Warning"
        webhook.alive = True
        await asyncio.sleep(BACK_AFTER - 1)
        assert api.handed_over()
        await eventually(api.bare, within=SLACK)
        await eventually(lambda: condition(api, "Enforcing")["status"] == "True")


def _cluster(lag: float, *, hostile: bool) -> Cluster:
    api = Cluster(FEW)
    api.lag = lag
    if hostile:
        api.put(range_of(FEW[-1]), {"metadata": {"labels": {}}, "spec": {"limits": []}})
    return api


@pytest.mark.parametrize(
    ("lag", "hostile"),
    [
        pytest.param(3.0, False, id="lagging"),
        pytest.param(0.0, True, id="hostile", marks=pytest.mark.long),
        pytest.param(0.0, False, id="prompt", marks=pytest.mark.long),
    ],
)
@pytest.mark.slow
async def test_whatever_step_it_dies_at_the_promise_holds_and_another_goes_on(lag: float, *, hostile: bool) -> None:
    """The process ends before and after each write of a handover and of the way back; another one takes over."""
    writes = await _writes_of_a_round(_cluster(lag, hostile=hostile))
    assert writes >= 2 * len(FEW) + 6
    for number in range(1, writes + 1):
        for before in (True, False):
            await _round_with_a_stop(_cluster(lag, hostile=hostile), number, before=before)


@pytest.mark.slow
async def test_many_namespaces_take_longer_and_are_as_safe() -> None:
    """Nothing fails open before the last LimitRange is there; what is removed afterwards is paced."""
    api, webhook = Cluster([f"team-{number}" for number in range(300)]), Webhook()
    async with controller(api, webhook):
        await eventually(lambda: condition(api, "Enforcing")["status"] == "True", within=10)
        await eventually(lambda: condition(api, "Ready")["reason"] == "QuotasInForce", within=60)
        webhook.alive = False
        await eventually(api.handed_over, within=AFTER + SLACK)
        webhook.alive = True
        await eventually(api.bare, within=BACK_AFTER + SLACK + 300 / 50)


async def _writes_of_a_round(api: Cluster) -> int:
    webhook = Webhook()
    async with controller(api, webhook):
        await _round(api, webhook)
    return api.number


async def _round(api: Cluster, webhook: Webhook) -> None:
    await eventually(lambda: condition(api, "Enforcing")["status"] == "True", within=LEASE + 10, every=EVERY)
    webhook.alive = False
    await eventually(api.handed_over, within=AFTER + LATE, every=EVERY)
    webhook.alive = True
    await eventually(api.bare, within=BACK_AFTER + LATE, every=EVERY)


async def _round_with_a_stop(api: Cluster, number: int, *, before: bool) -> None:
    webhook = Webhook()
    api.stop_at, api.before = number, before
    async with controller(api, webhook):
        running = asyncio.ensure_future(_round(api, webhook))
        stopped = asyncio.ensure_future(api.stopped.wait())
        await asyncio.wait([running, stopped], return_when=asyncio.FIRST_COMPLETED)
        for one in (running, stopped):
            one.cancel()
        await asyncio.gather(running, stopped, return_exceptions=True)
        api.stop_at = None
    going_back = webhook.alive
    async with controller(api, webhook):
        if not going_back:
            await eventually(api.handed_over, within=LEASE + AFTER + LATE, every=EVERY)
            webhook.alive = True
        await eventually(api.bare, within=LEASE + BACK_AFTER + LATE, every=EVERY)


def _unmark(api: Cluster, path: str) -> None:
    found = api.get(path)
    annotations = {key: text for key, text in found["metadata"]["annotations"].items() if key != MARK_ANNOTATION}
    api.put(path, {**found, "metadata": {**found["metadata"], "annotations": annotations}})


@pytest.mark.parametrize("path", [MUTATING, VALIDATING])
async def test_a_mark_removed_from_one_configuration_leaves_no_half_of_a_handover(path: str) -> None:
    """Else its entries would stay with Ignore for ever, and the next outage would not be handed over."""
    api, webhook = Cluster(), Webhook()
    async with handed_over(api, webhook):
        _unmark(api, path)
        webhook.alive = True
        await eventually(api.bare, within=BACK_AFTER + MARK_AFTER + SLACK)
        webhook.alive = False
        await eventually(api.handed_over, within=AFTER + SLACK)


async def test_marks_removed_from_one_configuration_after_the_other_stay_so() -> None:
    """As break-glass.sh does it: what fails open then is a decision of the operator."""
    api, webhook = Cluster(), Webhook()
    async with handed_over(api, webhook):
        api.by_hand = True
        for path in (MUTATING, VALIDATING):
            _unmark(api, path)
            await asyncio.sleep(MARK_AFTER / 2)
        webhook.alive = True
        await asyncio.sleep(BACK_AFTER + MARK_AFTER + SLACK)
        assert api.handed_over()


@pytest.mark.slow
async def test_an_upgrade_meanwhile_is_handed_over_again_at_once() -> None:
    """Helm sets failurePolicy as released; the LimitRanges are not touched, and nobody waits another 15 s."""
    api, webhook = Cluster(), Webhook()
    async with handed_over(api, webhook):
        before = api.get(range_of("dev"))["metadata"]["resourceVersion"]
        for path in (MUTATING, VALIDATING):
            found = api.get(path)
            api.put(path, {**found, "webhooks": [{**one, "failurePolicy": "Fail"} for one in found["webhooks"]]})
        await eventually(api.handed_over, within=3)
        assert api.get(range_of("dev"))["metadata"]["resourceVersion"] == before
        assert "tiergate-handover" not in str(api.get(MUTATING)["metadata"]["managedFields"])


async def test_a_tier_that_is_broken_meanwhile_keeps_the_bounds_it_left() -> None:
    """Nobody refuses an invalid Tier then. A new controller knows no version, and keeps what was written."""
    api, webhook = Cluster(), Webhook()
    async with handed_over(api, webhook):
        edit_tier(api, limited(limits=[{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]))
        await eventually(lambda: condition(api, "Ready")["reason"] == "Invalid")
    before = api.get(range_of("dev"))
    for path in (MUTATING, VALIDATING):
        found = api.get(path)
        api.put(path, {**found, "webhooks": [{**one, "failurePolicy": "Fail"} for one in found["webhooks"]]})
    async with handed_over(api, webhook):
        assert api.get(range_of("dev")) == before


async def test_what_changes_meanwhile_is_followed() -> None:
    """A tier's new limits, a LimitRange that somebody deletes: Kubernetes' engines go by what the tier says."""
    api, webhook = Cluster(), Webhook()
    async with handed_over(api, webhook):
        smaller = {"type": "Container", "default": {"cpu": "100m"}, "max": {"cpu": "200m"}}
        edit_tier(api, limited(limits=[smaller]))
        written = {**smaller, "min": {"cpu": "1m"}}  # else the limit 0 would pass
        await eventually(lambda: all(api.get(range_of(one))["spec"]["limits"] == [written] for one in NAMESPACES))
        api.delete(range_of("dev-b"))
        await eventually(lambda: range_of("dev-b") in api)
        api.by_hand = True  # what follows asks for nothing to be held any more
        edit_tier(api, limited(enforcement="Warn"))
        await eventually(lambda: range_of("dev") not in api)


async def test_a_replica_that_comes_and_goes_is_no_way_back() -> None:
    """It must have answered without a gap for the whole time."""
    api, webhook = Cluster(), Webhook()
    async with handed_over(api, webhook):
        for _ in range(5):
            webhook.alive = True
            await asyncio.sleep(BACK_AFTER - 5)
            webhook.alive = False
            await asyncio.sleep(3)
            assert api.handed_over()


def _partition(api: Cluster, webhook: Webhook) -> None:
    webhook.said_ready = True
    del api


def _policy_by_hand(api: Cluster, webhook: Webhook) -> None:
    del webhook
    api.by_hand = True
    entry = {**api.get(MUTATING)["webhooks"][0], "failurePolicy": "Ignore"}
    api.put(MUTATING, {**api.get(MUTATING), "webhooks": [entry]})


def _deleted_by_hand(api: Cluster, webhook: Webhook) -> None:
    del webhook
    for path in (MUTATING, VALIDATING):
        api.delete(path)


@pytest.mark.parametrize(
    ("arrange", "reason", "words"),
    [
        pytest.param(_partition, "NoReplicaAnswers", "connection refused", id="only-we-do-not-reach-it"),
        pytest.param(_policy_by_hand, "WebhookChanged", "failurePolicy is Ignore, the release says Fail", id="by-hand"),
        pytest.param(_deleted_by_hand, "WebhookConfigurationMissing", "does not exist", id="break-glass"),
    ],
)
async def test_what_cannot_be_handed_over_is_not(
    arrange: Callable[[Cluster, Webhook], None], reason: str, words: str
) -> None:
    """The policy stays what it is, and the condition says why; a hand's decision stands."""
    api, webhook = Cluster(), Webhook()
    async with controller(api, webhook):
        await eventually(lambda: condition(api, "Enforcing")["status"] == "True", within=10)
        arrange(api, webhook)
        policies = api.policies() if MUTATING in api else None
        webhook.alive = False
        await eventually(lambda: condition(api, "Enforcing")["reason"] == reason, within=10)
        await eventually(lambda: words in condition(api, "Enforcing")["message"], within=AFTER + SLACK)
        await asyncio.sleep(60)
        if policies is not None:
            assert api.policies() == policies
            assert "tiergate.io/handed-over" not in api.get(MUTATING)["metadata"]["annotations"]


async def test_break_glass_meanwhile_is_a_decision_that_stands() -> None:
    """It takes the mark away with Fail: nothing is handed back, and nothing of the handover is left."""
    api, webhook = Cluster(), Webhook()
    api.put(range_of("dev-b"), {"metadata": {"labels": {}}, "spec": {"limits": []}})
    async with handed_over(api, webhook):
        assert api.left_out() == {"dev-b"}
        api.by_hand = True
        for path in (MUTATING, VALIDATING):
            found = api.get(path)
            annotations = {key: one for key, one in found["metadata"]["annotations"].items() if "handed" not in key}
            entries = [{**one, "failurePolicy": "Ignore"} for one in found["webhooks"]]
            api.put(path, {**found, "metadata": {**found["metadata"], "annotations": annotations}, "webhooks": entries})
        await eventually(lambda: range_of("dev") not in api and len(api.get(VALIDATING)["webhooks"]) == 3, within=5)
        webhook.alive = True
        await asyncio.sleep(2 * BACK_AFTER)
        assert set(api.policies().values()) == {"Ignore"}
        await eventually(lambda: condition(api, "Enforcing")["reason"] == "WebhookChanged")


class SlowCluster(Cluster):
    """Its webhook configurations are listed only after a while."""

    async def request(self, method: str, path: str, **more: Any) -> bytes:  # noqa: ANN401 - as the base has it
        if method == "GET" and path.endswith("webhookconfigurations"):
            await asyncio.sleep(40)
        return await super().request(method, path, **more)


async def test_a_new_leader_goes_by_what_it_has_seen_itself() -> None:
    """However long it had to wait before its first question."""
    api, webhook = SlowCluster(), Webhook()
    webhook.alive = False
    async with controller(api, webhook):
        await asyncio.sleep(40 + AFTER)
        assert api.bare()
        await eventually(api.handed_over, within=SLACK)


async def test_switched_off_it_is_handed_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what an earlier controller handed over; and never again."""
    api, webhook = Cluster(), Webhook()
    async with handed_over(api, webhook):
        pass
    monkeypatch.setattr("tests.controller.world.OPTIONS", _switched_off())
    async with controller(api, webhook):
        await eventually(api.bare, within=LEASE + SLACK)
        api.journal.clear()
        await asyncio.sleep(2 * AFTER)
        assert api.bare()


def _switched_off() -> ControllerOptions:
    return ControllerOptions(
        kubeconfig=None,
        service_account_dir=None,
        namespace="tiergate-system",
        service="tiergate-webhook",
        host="there",
        handover=HandoverTiming(enabled=False),
    )


@pytest.mark.slow
async def test_a_steady_state_writes_nothing() -> None:
    """Neither while it answers nor while it is handed over."""
    api, webhook = Cluster(), Webhook()
    async with controller(api, webhook):
        await eventually(lambda: condition(api, "Enforcing")["status"] == "True", within=10)
        await asyncio.sleep(5)
        api.journal.clear()
        await asyncio.sleep(600)
        assert written(api) == {}
        webhook.alive = False
        await eventually(api.handed_over, within=AFTER + SLACK)
        await asyncio.sleep(5)
        api.journal.clear()
        await asyncio.sleep(600)
        assert written(api) == {}
