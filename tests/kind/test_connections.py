"""NetworkPolicies at work, on a cluster whose network enforces them. Runs with CLUSTER=kind only."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.cluster.narrator import Narrator
from tests.controlplane import cluster as clusters
from tests.controlplane.cluster import DEFAULT_IMAGE, NAMESPACE, Cluster, until
from tests.kind import connections
from tests.teams import matrix

pytestmark = [
    pytest.mark.kind,
    pytest.mark.skipif(os.environ.get("CLUSTER") != "kind", reason="no kind cluster: CLUSTER=kind makes one"),
]
CHART = "charts/tiergate"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A kind cluster with both values files installed, and a pod in every place of the matrix."""
    with clusters.opened(print) as cluster:
        narrator = Narrator(cluster, print)
        values = "".join(f" --set {value}" for value in cluster.chart_values)
        files = " ".join(f"-f {CHART}/values/{name}.yaml" for name in ("environments", "teams"))
        narrator.run(f"helm install tiergate {CHART} -n {NAMESPACE} --create-namespace {files}{values}")
        narrator.run("kubectl wait --for=condition=Ready tier --all --timeout=180s")
        narrator.run("kubectl wait --for=condition=Enforcing tier --all --timeout=180s")
        narrator.run(f"kubectl create namespace {matrix.STRANGER}")
        image = os.environ.get("TIERGATE_IMAGE", DEFAULT_IMAGE)
        namespaces = connections.pods_wanted(matrix.WITH_ENVIRONMENTS)
        for name in namespaces:
            narrator.run(f"kubectl wait --for=create serviceaccount/default -n {name} --timeout=60s")
        cluster.apply(*(connections.pod(name, image) for name in namespaces))
        for name in namespaces:
            narrator.run(f"kubectl wait --for=condition=Ready pod/{connections.NAME} -n {name} --timeout=120s")
        yield cluster


def test_who_reaches_whom(cluster: Cluster) -> None:
    """The whole table at one time: a network plugin takes a moment to follow new pods, then nothing may differ."""
    places = connections.addresses(cluster, connections.pods_wanted(matrix.WITH_ENVIRONMENTS))
    last: list[str] = ["nothing was tried"]

    def holds() -> bool:
        last[:] = connections.wrong(connections.tried(cluster, matrix.WITH_ENVIRONMENTS, places))
        return not last

    try:
        until(holds, "every connection is as the table says", seconds=120, pause=2)
    except AssertionError as error:
        raise AssertionError("\n".join([str(error), *last])) from error


def test_helm_test_passes(cluster: Cluster) -> None:
    """The chart's own test, with the real image in a real pod."""
    Narrator(cluster, print).run(f"helm test tiergate -n {NAMESPACE}", "Succeeded")
