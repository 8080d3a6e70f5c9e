"""Five hundred namespaces on a real API server: reconciled from nothing in a minute, and then left alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.cluster import story
from tests.cluster.controllers import Written, written
from tests.cluster.narrator import Narrator
from tests.cluster.objects import a_tier
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, until
from tiergate.controller.leader_tasks import FULL_PASS
from tiergate.controller.pace import BURST, INTERVAL

pytestmark = pytest.mark.cluster

NAMESPACES = 500
SECONDS = 60
AT_ONCE = 100
"""Objects in one call of kubectl."""
TIER = a_tier(
    "crowd",
    {
        "quotas": [
            {"name": "compute", "hard": {"requests.cpu": "2", "limits.cpu": "4", "pods": "20"}},
            {"name": "batch", "hard": {"pods": "5"}, "scopes": ["Terminating"]},
        ]
    },
)


def a_namespace(number: int) -> Object:
    metadata = {"name": f"crowd-{number:03}", "labels": {"tiergate.io/tier": "crowd"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def ready(cluster: Cluster) -> tuple[str, int]:
    """Return the status of Ready and the number of namespaces of the tier."""
    status = cluster.kubectl("get tier crowd -o json").json.get("status", {})
    found = [one["status"] for one in status.get("conditions", ()) if one["type"] == "Ready"]
    return (found[0] if found else ""), status.get("namespaces", 0)


def versions(cluster: Cluster) -> dict[str, str]:
    """Return the resourceVersion of everything that the controller keeps, whoever wrote it last."""
    path = "resourcequotas,limitranges,tiers"
    items = cluster.kubectl(f"get {path} -A -o json").json["items"]
    configurations = "mutatingwebhookconfigurations,validatingwebhookconfigurations"
    items += cluster.kubectl(f"get {configurations} tiergate -o json").json["items"]
    items += cluster.kubectl(f"get secrets -n {NAMESPACE} -o json").json["items"]
    return {
        f"{one['kind']} {one['metadata'].get('namespace', '')}/{one['metadata']['name']}": _version(one)
        for one in items
    }


def _version(item: Object) -> str:
    version: str = item["metadata"]["resourceVersion"]
    return version


def scale(cluster: Cluster, replicas: int) -> None:
    cluster.kubectl(f"scale deployment tiergate-controller -n {NAMESPACE} --replicas={replicas}")


@pytest.mark.long
def test_many_namespaces_are_reconciled_in_a_minute_and_then_left_alone(bare_cluster: Cluster) -> None:
    """From nothing to 1,000 quotas in force within 60 s, at a bounded rate; a full pass later nothing was written."""
    cluster = bare_cluster
    story.install(Narrator(cluster, show=lambda _: None))
    scale(cluster, 0)
    selector = "app.kubernetes.io/component=controller"
    cluster.kubectl(f"wait --for=delete pod -n {NAMESPACE} -l {selector} --timeout=60s")
    cluster.apply(TIER)
    for first in range(0, NAMESPACES, AT_ONCE):
        cluster.apply(*(a_namespace(number) for number in range(first, first + AT_ONCE)))
    begun = datetime.now(UTC)
    scale(cluster, 2)
    until(lambda: ready(cluster) == ("True", NAMESPACES), "every quota is in force", seconds=SECONDS, pause=0.5)
    took = (datetime.now(UTC) - begun).total_seconds()
    assert took < SECONDS
    quotas = cluster.kubectl("get resourcequotas -A -l tiergate.io/tier=crowd -o json").json["items"]
    assert len(quotas) == 2 * NAMESPACES
    made = [one for one in written(cluster) if one.received >= begun and one.resource != "leases"]
    assert sum(one.resource == "resourcequotas" and one.code == 201 for one in made) == 2 * NAMESPACES
    assert {one.code for one in made} <= {200, 201, 409}  # a cache that is a moment behind costs a conflict, no more
    _assert_paced(made)
    _assert_left_alone(cluster)


def _assert_paced(made: list[Written]) -> None:
    """In every stretch of time there are no more writes than the pace allows (and a few that were on their way)."""
    times = sorted(one.received for one in made)
    for first in range(0, len(times), 10):
        for last in range(first, len(times), 10):
            allowed = BURST + (times[last] - times[first]).total_seconds() / INTERVAL + BURST / 10
            assert last - first <= allowed


def _assert_left_alone(cluster: Cluster) -> None:
    """Over more than a full pass the controllers write nothing but the Lease, and nothing of theirs is touched."""
    time.sleep(3)  # the last numbers of the summary
    since, before = datetime.now(UTC), versions(cluster)
    time.sleep(FULL_PASS + 5)
    assert versions(cluster) == before
    late = [one for one in written(cluster) if one.received >= since]
    assert {one.resource for one in late} == {"leases"}
    assert max(one.received for one in late) - since > timedelta(seconds=FULL_PASS)
