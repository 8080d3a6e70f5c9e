"""A whole life of certificates in a minute, under load, on three replicas: nobody is ever refused for one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.chart.helm import ENVIRONMENTS
from tests.cluster.controllers import leader, process_group, ready
from tests.cluster.handshakes import Handshakes, nobody_refused
from tests.cluster.releases import Release
from tests.controlplane.cluster import NAMESPACE, Cluster, until
from tiergate_certs.rotate import AUTHORITY_NAME, ROTATE, SERVING_NAME

pytestmark = pytest.mark.cluster

REPLICAS = 3
SHORT = {
    "certificates": {"controller": {"caDuration": "54s", "duration": "36s"}},
    "controller": {
        "leaderElection": {"leaseDurationSeconds": 4, "renewDeadlineSeconds": 3, "retryPeriodSeconds": 1},
    },
}
THREE = ("--set", f"webhook.replicas={REPLICAS}")


@pytest.fixture(scope="module")
def release(bare_cluster: Cluster) -> Iterator[Release]:
    """A release whose certificates live for seconds."""
    release = Release(bare_cluster, (ENVIRONMENTS,))
    release.install(SHORT, *THREE)
    release.until_in_force()
    yield release
    release.remove_all()


@pytest.mark.long
def test_certificates_and_authorities_follow_each_other_unnoticed(release: Release) -> None:
    """By time alone: the certificate is renewed at 24 s, the CA at 36 s, and the former CA leaves when it may."""
    with nobody_refused(release.cluster) as seen:
        until(lambda: len(seen.issuers) > 2, "two more CAs have signed what is served", seconds=85)
    assert len(seen.leaves) > len(seen.issuers)
    assert max(bundle.count(b"BEGIN") for bundles in seen.bundles for bundle in bundles) >= 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "moments"),
    [
        pytest.param(AUTHORITY_NAME, (0.05, 0.5, 1.0, 2.5), id="authority"),
        pytest.param(SERVING_NAME, (0.1, 1.0), id="certificate"),
    ],
)
def test_a_leader_killed_at_any_moment_of_a_change_is_followed_by_one_that_completes_it(
    release: Release, name: str, moments: tuple[float, ...]
) -> None:
    """The change is asked for, the leader is killed so many seconds later, and the next one goes on where it was."""
    cluster = release.cluster
    with nobody_refused(cluster) as seen:
        for moment in moments:
            until(lambda: len(ready(cluster)) == 2, "both controllers are ready", seconds=60)
            before = set(seen.leaves)
            cluster.kubectl(f"annotate secret {name} -n {NAMESPACE} {ROTATE}=now")
            time.sleep(moment)
            os.killpg(process_group(cluster, leader(cluster)), signal.SIGKILL)
            until(is_done(cluster, name, seen, before), "the change is complete", seconds=40)


def is_done(cluster: Cluster, name: str, seen: Handshakes, before: set[bytes]) -> Callable[[], bool]:
    """Return what says whether the request is gone and a new certificate is served."""
    line = f"get secret {name} -n {NAMESPACE} -o jsonpath={{.metadata.annotations}}"
    return lambda: bool(seen.leaves - before) and ROTATE not in cluster.kubectl(line).out
