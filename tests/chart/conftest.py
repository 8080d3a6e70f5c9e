"""What the chart's tests need: helm, and for some of them a real API server."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.chart.helm import Helm, find_helm
from tests.controlplane import binaries
from tests.controlplane import cluster as clusters
from tests.controlplane.cluster import Cluster
from tests.controlplane.skipping import skip_without_programs

REQUIRED = "TIERGATE_REQUIRE_CLUSTER"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip cluster tests, with the reason, where programs would have to be built first."""
    skip_without_programs(items)


@pytest.fixture(scope="session")
def helm() -> Helm:
    path = find_helm()
    if path is not None:
        return Helm(path)
    if os.environ.get(REQUIRED) != "1":
        pytest.skip("no helm: `make test` builds it")
    return Helm(binaries.ensure(print, {"helm"})["helm"])


@pytest.fixture(scope="module")
def api_server() -> Iterator[Cluster]:
    """A real API server that knows the chart's CRDs, and nothing else of the chart."""
    with clusters.opened(print) as cluster:
        existed = cluster.run("kubectl get crd tiers.tiergate.io").code == 0
        cluster.kubectl("apply -f charts/tiergate/crds")
        cluster.kubectl("wait --for=condition=Established crd/tiers.tiergate.io")
        yield cluster
        if not existed:
            cluster.kubectl("delete -f charts/tiergate/crds")
