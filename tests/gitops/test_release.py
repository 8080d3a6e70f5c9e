"""What the release workflow does with the chart, and what README tells people to do with the result."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.chart.publishing import published
from tests.cluster.releases import NAME, Release
from tests.controlplane.cluster import NAMESPACE, Cluster
from tests.controlplane.plane import REPOSITORY
from tests.gitops.registry import Registry

pytestmark = pytest.mark.gitops

README: Final = REPOSITORY / "README.md"
VERSION: Final = "0.1.0"


def test_the_published_chart_installs_by_readmes_command(cluster: Cluster, charts: Registry) -> None:
    """The chart that names its registry is pushed and installed from there; its pods have the image beside it."""
    charts.push(published(cluster.programs["helm"], cluster.folder / "release", charts.address))
    command = re.search(r"^helm install (tiergate oci://REGISTRY[^\n]*?) *\\?$", README.read_text(), re.MULTILINE)
    assert command is not None
    settings = " ".join(f"--set {value}" for value in cluster.chart_values)
    line = f"helm install {command[1]} --plain-http --version {VERSION} --wait --timeout 120s {settings}"
    release = Release(cluster)
    try:
        installed = cluster.run(line.replace("REGISTRY", charts.address))
        assert installed.code == 0, installed.text
        release.until_in_force()
        images = f"get deployments -n {NAMESPACE} -o jsonpath={{.items[*].spec.template.spec.containers[*].image}}"
        assert set(cluster.kubectl(images).out.split()) == {f"{charts.address}/{NAME}:{VERSION}"}
    finally:
        release.remove_all()
