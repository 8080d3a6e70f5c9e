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


def _helm(name: str) -> Helm:
    path = find_helm(name)
    if path is not None:
        return Helm(path)
    if os.environ.get(REQUIRED) != "1":
        pytest.skip(f"no {name}: `make test` builds it")
    return Helm(binaries.ensure(print, {name})[name])


@pytest.fixture(scope="session")
def helm() -> Helm:
    """Helm 4, which the tests use where the major does not matter."""
    return _helm("helm")


@pytest.fixture(scope="session")
def helm3() -> Helm:
    """The oldest supported Helm."""
    return _helm("helm3")


@pytest.fixture(scope="session", params=["helm", "helm3"])
def any_helm(request: pytest.FixtureRequest) -> Helm:
    """Each supported major in turn."""
    found: Helm = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def api_server() -> Iterator[Cluster]:
    """A real API server that knows the chart's CRDs, and nothing else of the chart."""
    with clusters.opened(print) as cluster:
        existed = cluster.run("kubectl get crd tiers.tiergate.io").code == 0
        cluster.kubectl("apply -f charts/tiergate/crds")
        cluster.until_served("tiers")
        yield cluster
        if not existed:
            cluster.kubectl("delete -f charts/tiergate/crds")
