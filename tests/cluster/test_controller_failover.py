"""Two controllers on a real API server: one is killed, frozen or stopped, and the other one goes on."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.cluster import story
from tests.cluster.controllers import leader, lease, process_group, ready, written
from tests.cluster.narrator import Narrator
from tests.controlplane.cluster import NAMESPACE, Cluster, until

pytestmark = pytest.mark.cluster

LEASE_SECONDS = 5
RETRY_SECONDS = 1
SLACK = 1.0
"""Seconds for the request itself and for a busy machine; what is asserted is that nobody waits a second lease."""
TIMING = (
    f"controller.leaderElection.leaseDurationSeconds={LEASE_SECONDS}",
    "controller.leaderElection.renewDeadlineSeconds=3",
    f"controller.leaderElection.retryPeriodSeconds={RETRY_SECONDS}",
)


@pytest.fixture(scope="module")
def pair(bare_cluster: Cluster) -> Cluster:
    """A cluster with the chart installed, where leases are short."""
    cluster = dataclasses.replace(bare_cluster, chart_values=(*bare_cluster.chart_values, *TIMING))
    story.install(Narrator(cluster, show=lambda _: None))
    return cluster


@pytest.fixture
def led(pair: Cluster) -> tuple[Cluster, str, str]:
    """Both replicas ready: the cluster, the leader's pod, the standby's pod."""
    until(lambda: len(ready(pair)) == 2, "both controllers are ready", seconds=60)
    first = leader(pair)
    (second,) = set(ready(pair)) - {first}
    return pair, first, second


def until_other_leads(cluster: Cluster, first: str) -> str:
    """Wait until another replica than `first` leads, and return it; nobody may wait longer than the lease."""
    before = lease(cluster)
    until(
        lambda: leader(cluster) not in {"", first},
        "another replica leads",
        seconds=LEASE_SECONDS + RETRY_SECONDS * 1.2 + SLACK,
    )
    after = lease(cluster)
    assert after["leaseTransitions"] == before["leaseTransitions"] + 1
    assert after["leaseDurationSeconds"] == LEASE_SECONDS
    renewed, acquired = (datetime.fromisoformat(text) for text in (before["renewTime"], after["acquireTime"]))
    # One machine, so their times of day can be compared: never before the first one's lead has surely ended.
    assert (acquired - renewed).total_seconds() >= LEASE_SECONDS
    return leader(cluster)


def assert_repairs(cluster: Cluster, namespace: str = "dev") -> None:
    """Delete a quota; it is there again within two seconds."""
    cluster.kubectl(f"delete resourcequota tier -n {namespace}")
    line = f"kubectl get resourcequota tier -n {namespace}"
    until(lambda: cluster.run(line).code == 0, f"the quota of {namespace} is repaired", seconds=2)


def test_a_standby_is_ready_and_writes_nothing(led: tuple[Cluster, str, str]) -> None:
    """Both hear of the same drift, and one repairs it."""
    cluster, first, _ = led
    begun = datetime.now(UTC)
    assert_repairs(cluster)
    time.sleep(2 * RETRY_SECONDS)
    since = [one for one in written(cluster) if one.received >= begun]
    assert {one.pod for one in since} == {first}
    assert {"resourcequotas", "leases"} <= {one.resource for one in since}


def test_a_killed_leader_is_followed_within_the_lease_duration(led: tuple[Cluster, str, str]) -> None:
    """SIGKILL, and the other one takes over and repairs."""
    cluster, first, second = led
    os.killpg(process_group(cluster, first), signal.SIGKILL)
    assert until_other_leads(cluster, first) == second
    assert_repairs(cluster)


def test_a_frozen_leader_is_followed_and_writes_nothing_when_it_wakes_up(led: tuple[Cluster, str, str]) -> None:
    """SIGSTOP, drift meanwhile, SIGCONT: the deposed leader hears of the drift and leaves it to the other one."""
    cluster, first, second = led
    group = process_group(cluster, first)
    os.killpg(group, signal.SIGSTOP)
    try:
        cluster.kubectl("delete resourcequota tier -n dev")
        cluster.kubectl("delete resourcequota tier -n staging")
        assert until_other_leads(cluster, first) == second
        line = "kubectl get resourcequota tier -n"
        until(lambda: all(cluster.run(f"{line} {each}").code == 0 for each in ("dev", "staging")), "they are repaired")
        cluster.kubectl("delete resourcequota tier -n prod")
    finally:
        os.killpg(group, signal.SIGCONT)
    woken = datetime.now(UTC)
    assert_repairs(cluster)
    until(lambda: first in ready(cluster), "the deposed leader is ready again: it stands by")
    time.sleep(2 * LEASE_SECONDS)
    assert leader(cluster) == second
    of_the_deposed = [one for one in written(cluster) if one.pod == first and one.received >= woken]
    assert [one for one in of_the_deposed if one.code != 409] == []
    repaired = [one for one in written(cluster) if one.pod == second and one.resource == "resourcequotas"]
    assert {(one.verb, one.namespace) for one in repaired} >= {("create", each) for each in ("dev", "staging", "prod")}


def test_a_leader_that_is_stopped_in_order_is_followed_at_once(led: tuple[Cluster, str, str]) -> None:
    """A rollout costs no lease duration: the lead is released when all work has ended."""
    cluster, first, _ = led
    cluster.kubectl(f"delete pod {first} -n {NAMESPACE} --wait=false")
    until(lambda: leader(cluster) not in {"", first}, "another replica leads", seconds=30)
    released = max(one.received for one in written(cluster) if one.pod == first and one.resource == "leases")
    acquired = datetime.fromisoformat(lease(cluster)["acquireTime"])
    assert (acquired - released).total_seconds() < RETRY_SECONDS * 1.2 + SLACK < LEASE_SECONDS
    until(lambda: len(ready(cluster)) == 2, "both controllers are ready", seconds=60)
    assert_repairs(cluster)


def test_a_lead_survives_a_restart_of_the_api_server(led: tuple[Cluster, str, str]) -> None:
    """An API server that is away for a moment ends no lead for good: in the end exactly one leads and works."""
    cluster, _, _ = led
    if cluster.plane is None:
        pytest.skip("a given cluster's API server is not ours to restart")
    cluster.plane.restart("kube-apiserver")
    until(lambda: cluster.run("kubectl get --raw /readyz").code == 0, "the API server is back", seconds=60)
    until(lambda: leader(cluster) in ready(cluster), "one of the ready replicas leads", seconds=60)

    def repaired() -> bool:
        return cluster.run("kubectl get resourcequota tier -n dev").code == 0

    cluster.run("kubectl delete resourcequota tier -n dev")
    until(repaired, "the quota is repaired", seconds=LEASE_SECONDS * 3)


@pytest.fixture
def without_webhook(pair: Cluster) -> Iterator[Cluster]:
    """The cluster while no webhook answers."""
    deployment = f"deployment tiergate-webhook -n {NAMESPACE}"
    pair.kubectl(f"scale {deployment} --replicas=0")
    pair.kubectl(f"wait --for=delete pod -n {NAMESPACE} -l app.kubernetes.io/component=webhook --timeout=60s")
    yield pair
    pair.kubectl(f"scale {deployment} --replicas=2")
    pair.kubectl(f"rollout status {deployment.replace(' ', '/', 1)} --timeout=120s")


def test_a_tier_that_is_deleted_while_the_webhook_is_away_leaves_its_quotas(without_webhook: Cluster) -> None:
    """Nobody refused that. Quotas stay, an Event on the namespace says why pods are refused, the tier can come back."""
    cluster = without_webhook
    tier = cluster.kubectl("get tier staging -o json").json
    before = cluster.kubectl("get resourcequota tier -n staging -o json").json["metadata"]["resourceVersion"]
    cluster.kubectl("delete tier staging --timeout=20s")

    def said() -> list[str]:
        events = cluster.kubectl("get events -n staging -o json").json["items"]
        return [one["message"] for one in events if one["reason"] == "NoSuchTier"]

    until(lambda: said() != [], "an Event says why", seconds=15)
    (sentence,) = said()
    assert 'label tiergate.io/tier names "staging", and there is no such tier: pods are refused here' in sentence
    assert "existing ResourceQuotas stay. Create the tier or correct the label." in sentence
    after = cluster.kubectl("get resourcequota tier -n staging -o json").json["metadata"]["resourceVersion"]
    assert after == before
    cluster.apply({**tier, "metadata": {"name": "staging"}})
    cluster.kubectl("wait --for=condition=Ready tier/staging --timeout=30s")
