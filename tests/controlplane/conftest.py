"""A bare control plane for the tests of the harness itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.controlplane import binaries, plane
from tests.controlplane.cluster import NAMESPACE, Cluster
from tests.controlplane.skipping import skip_without_programs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip cluster tests, with the reason, where programs would have to be built first."""
    skip_without_programs(items)


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    """A control plane of our own with the release namespace in it, whatever the environment says."""
    programs = binaries.ensure(print)
    with plane.running(programs, namespace=NAMESPACE) as running:
        paths = {name: programs[name] for name in ("kubectl", "helm")}
        cluster = Cluster(running.kubeconfig, paths, running.folder, (), running)
        cluster.kubectl(f"create namespace {NAMESPACE}")
        cluster.kubectl(f"wait --for=create serviceaccount/default -n {NAMESPACE} --timeout=30s")
        yield cluster
