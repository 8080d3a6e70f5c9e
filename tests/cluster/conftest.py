"""Clusters for tests: real API servers, never used unless a test asks for one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from tests.check.conftest import folder
from tests.cluster import story
from tests.cluster.narrator import Narrator
from tests.controlplane import cluster as clusters
from tests.controlplane.cluster import Cluster, Say
from tests.controlplane.skipping import skip_without_programs

__all__ = ["folder"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip cluster tests, with the reason, where programs would have to be built first."""
    skip_without_programs(items)


@contextmanager
def _opened(request: pytest.FixtureRequest, say: Say) -> Iterator[Cluster]:
    """Open a cluster; when a test failed meanwhile, its logs and etcd data stay."""
    failed_before = request.session.testsfailed
    with clusters.opened(say) as cluster:
        yield cluster
        if cluster.plane is not None and request.session.testsfailed > failed_before:
            cluster.plane.preserve()


@pytest.fixture(scope="module")
def bare_cluster(request: pytest.FixtureRequest, say: Say) -> Iterator[Cluster]:
    """A cluster without Tiergate, for one module."""
    with _opened(request, say) as cluster:
        yield cluster


def _scope(fixture_name: str, config: pytest.Config) -> Literal["package", "module"]:
    """A cluster that somebody gave us is one only: it serves one module after the other."""
    del fixture_name, config
    return "module" if os.environ.get("KUBECONFIG") else "package"


@pytest.fixture(scope=_scope)
def cluster(request: pytest.FixtureRequest, say: Say) -> Iterator[Cluster]:
    """A cluster with the chart installed and every tier in force; who uses it leaves it in order."""
    with _opened(request, say) as cluster:
        story.install(Narrator(cluster, show=lambda _: None))
        yield cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A new namespace of the dev tier, with its quota in force."""
    name = f"test-{secrets.token_hex(4)}"
    metadata = {"name": name, "labels": {"tiergate.io/tier": "dev"}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    line = f"wait --for=jsonpath={{.status.hard.pods}}=20 resourcequota/tier -n {name} --timeout=30s"
    cluster.kubectl(f"wait --for=create resourcequota/tier -n {name} --timeout=30s")
    cluster.kubectl(line)
    yield name
    cluster.kubectl(f"delete namespace {name} --wait=false")
