"""A restart, an upgrade and a rollback of three replicas under load: no create fails."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.chart.helm import CHART, ENVIRONMENTS
from tests.cluster.handshakes import handshakes
from tests.cluster.releases import NAME, Release
from tests.cluster.traffic import new_connections, traffic
from tests.controlplane.cluster import NAMESPACE, Cluster, until
from tests.controlplane.proxy import ENDPOINT_DELAY

pytestmark = pytest.mark.cluster

THREE = ("--set", "webhook.replicas=3")
NEXT = {
    "logLevel": "warning",
    "webhook": {"podAnnotations": {"example.com/changed": "yes"}},
    "controller": {"podAnnotations": {"example.com/changed": "yes"}},
    "tiers": {"extra": {"spec": {"limits": [{"type": "Container", "default": {"cpu": "100m"}}]}}},
}
ROLLOUT = f"rollout status deployment/tiergate-{{}} -n {NAMESPACE} --timeout=120s"


def a_previous_chart(folder: Path) -> Path:
    """Return this chart as an earlier version: what upgrades and rollbacks change besides values is the version."""
    shutil.copytree(CHART, folder)
    metadata = yaml.safe_load((folder / "Chart.yaml").read_text())
    (folder / "Chart.yaml").write_text(yaml.safe_dump({**metadata, "version": "0.0.1"}))
    return folder


@pytest.fixture(scope="module")
def release(bare_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    release = Release(bare_cluster, (ENVIRONMENTS,))
    previous = a_previous_chart(tmp_path_factory.mktemp("previous") / "tiergate")
    replace(release, chart=previous).install({}, *THREE)
    release.until_in_force()
    # The proxy learns of a stopping replica late, as on a real node, but within its preStop sleep.
    bare_cluster.kubectl(f"annotate service tiergate-webhook -n {NAMESPACE} {ENDPOINT_DELAY}=0.5")
    yield release
    release.remove_all()


@contextmanager
def nothing_lost(cluster: Cluster) -> Iterator[None]:
    """Assert that no create fails and no handshake does, on kept and on new connections."""
    with (
        handshakes(cluster) as seen,
        new_connections(cluster, "dev") as failed_on_new,
        traffic(cluster, "dev", dry_run=True, senders=2, pause=0.07) as requests,
    ):
        requests.goes_on(20)
        yield
        for component in ("webhook", "controller"):
            cluster.kubectl(ROLLOUT.format(component))
        requests.goes_on(20)
    print(f"{len(requests.answers)} creates, {seen.count} handshakes")
    assert requests.failed == []
    assert failed_on_new == []
    assert seen.failed == []


@pytest.mark.long
def test_a_restart_loses_no_create(release: Release) -> None:
    with nothing_lost(release.cluster):
        for component in ("webhook", "controller"):
            release.cluster.kubectl(f"rollout restart deployment/tiergate-{component} -n {NAMESPACE}")


def test_an_upgrade_and_the_way_back_lose_no_create(release: Release) -> None:
    """Everything that can change in one upgrade does: the chart's version, both pod templates, the tiers."""
    cluster = release.cluster
    with nothing_lost(cluster):
        release.upgrade(NEXT, *THREE)
        until(lambda: cluster.run("kubectl get tier extra").code == 0, "the new tier is there")
    with nothing_lost(cluster):
        rolled_back = cluster.run(f"helm rollback {NAME} 1 -n {NAMESPACE} --timeout 120s")
        assert rolled_back.code == 0, rolled_back.text
