"""Fixtures of the chart's tests, and one cluster with environments and teams installed together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

import pytest

from tests.chart.conftest import helm, pytest_collection_modifyitems
from tests.chart.helm import ENVIRONMENTS, TEAMS
from tests.cluster.releases import Release
from tests.controlplane import cluster as clusters
from tests.controlplane.cluster import Cluster

__all__ = ["helm", "pytest_collection_modifyitems"]


def _scope(fixture_name: str, config: pytest.Config) -> Literal["package", "module"]:
    """A cluster that somebody gave us is one only: it serves one module after the other."""
    del fixture_name, config
    return "module" if os.environ.get("KUBECONFIG") else "package"


@pytest.fixture(scope=_scope)
def teams(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster in which both ready values files are installed and in force."""
    failed_before = request.session.testsfailed
    with clusters.opened(print) as cluster:
        release = Release(cluster, (ENVIRONMENTS, TEAMS))
        release.install()
        release.until_in_force()
        yield cluster
        if cluster.plane is not None and request.session.testsfailed > failed_before:
            cluster.plane.preserve()
