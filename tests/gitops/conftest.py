"""A bare control plane with a registry beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.chart.helm import CHART
from tests.cluster.conftest import bare_cluster
from tests.controlplane import binaries
from tests.controlplane.cluster import Cluster, Say
from tests.controlplane.skipping import skip_without_programs
from tests.gitops import registry
from tests.gitops.registry import Registry

__all__ = ["bare_cluster"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests, with the reason, where programs would have to be built for minutes first."""
    skip_without_programs(items, "gitops", binaries.GITOPS)


@pytest.fixture(scope="module")
def cluster(bare_cluster: Cluster) -> Cluster:
    """A cluster without Tiergate, where the chart is told to hand over within seconds."""
    kept = (value for value in bare_cluster.chart_values if not value.startswith("handover."))
    return replace(bare_cluster, chart_values=(*kept, "handover.after=5", "handover.backAfter=5"))


@pytest.fixture(scope="module")
def charts(cluster: Cluster, say: Say) -> Iterator[Registry]:
    """A registry that holds our chart."""
    with registry.served(cluster, say) as served:
        served.push(CHART)
        yield served
