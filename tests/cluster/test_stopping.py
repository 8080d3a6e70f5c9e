from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.objects import resources_of
from tests.cluster.replicas import replicas
from tests.cluster.story import CONTAINER
from tests.cluster.traffic import new_connections, traffic
from tests.controlplane.cluster import NAMESPACE, Cluster, until
from tests.controlplane.proxy import ENDPOINT_DELAY

pytestmark = pytest.mark.cluster
DEFAULTS = {"requests": CONTAINER["dev"]["defaultRequest"], "limits": CONTAINER["dev"]["default"]}


def _all_ready(cluster: Cluster) -> bool:
    found = replicas(cluster)
    return len(found) == 2 and all(each.ready for each in found)


@pytest.fixture(autouse=True)
def late_endpoints(cluster: Cluster) -> Iterator[None]:
    """Have the proxy learn of a stopping replica late, as on a real node, but within its preStop sleep."""
    line = f"annotate service tiergate-webhook -n {NAMESPACE} --overwrite {ENDPOINT_DELAY}"
    cluster.kubectl(f"{line}=0.5")
    yield
    cluster.kubectl(f"{line}-")


@contextmanager
def nothing_lost(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Assert that no request fails during the block and shortly before and after, on old and new connections."""
    with (
        new_connections(cluster, namespace) as failed_on_new,
        traffic(cluster, namespace, dry_run=True) as requests,
    ):
        requests.goes_on(50)
        yield
        requests.goes_on(50)
    assert requests.failed == []
    assert failed_on_new == []
    until(lambda: _all_ready(cluster), "both replicas are ready again")


def test_a_stopped_replica_loses_no_request(cluster: Cluster, namespace: str) -> None:
    """The graceful stop of one replica (preStop, SIGTERM) fails no request."""
    with nothing_lost(cluster, namespace):
        cluster.kubectl(f"delete pod {replicas(cluster)[0].name} -n {NAMESPACE} --timeout=60s")


def test_a_rollout_loses_no_request(cluster: Cluster, namespace: str) -> None:
    """A new ReplicaSet takes over without one failed request."""
    with nothing_lost(cluster, namespace):
        cluster.kubectl(f"rollout restart deployment/tiergate-webhook -n {NAMESPACE}")
        cluster.kubectl(f"rollout status deployment/tiergate-webhook -n {NAMESPACE} --timeout=120s")


def test_a_killed_replica_leaves_everything_consistent(cluster: Cluster, namespace: str) -> None:
    """After SIGKILL in the middle of traffic no pod was stored unjudged, and the quota counts what is stored."""
    with traffic(cluster, namespace, dry_run=False, senders=2) as requests:
        requests.goes_on(6)
        victim = replicas(cluster)[0]
        os.kill(victim.pid, signal.SIGKILL)
        requests.goes_on(20)
        until(lambda: _all_ready(cluster), "the killed replica is back")
    pods = cluster.kubectl(f"get pods -n {namespace} -o json").json["items"]
    assert [resources_of(pod) for pod in pods] == [DEFAULTS] * len(pods)
    accepted = sum(code == 201 for code, _ in requests.answers)
    assert len(pods) == accepted
    used = f"get resourcequota tier -n {namespace} -o jsonpath={{.status.used.pods}}"
    until(lambda: cluster.kubectl(used).out == str(accepted), f"the quota counts {accepted} pods")
    # Refused by the failurePolicy, by us, or (when two requests saw the same last room) by native quota.
    reasons = ('failed calling webhook "pods.', "over by", "exceeded quota: tier")
    assert [message for message in requests.failed if not any(reason in message for reason in reasons)] == []
