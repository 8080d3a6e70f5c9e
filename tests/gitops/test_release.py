"""What the release workflow does with the chart, and what README tells people to do with the result."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.chart.helm import CHART
from tests.cluster.releases import NAME, Release
from tests.controlplane.cluster import NAMESPACE, Cluster
from tests.controlplane.plane import REPOSITORY
from tests.gitops.programs import copy_of
from tests.gitops.registry import Registry

pytestmark = pytest.mark.gitops

WORKFLOW: Final = REPOSITORY / ".github" / "workflows" / "release.yaml"
README: Final = REPOSITORY / "README.md"
VERSION: Final = "0.1.0"


def test_the_published_chart_installs_by_readmes_command(cluster: Cluster, charts: Registry) -> None:
    """The chart that names its registry is pushed and installed from there; its pods have the image beside it."""
    charts.push(_prepared(cluster, charts.address))
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


def _prepared(cluster: Cluster, registry: str) -> Path:
    """Return a copy of the chart after the workflow's own step on it."""
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["publish"]["steps"]
    (step,) = (one["run"] for one in steps if one.get("working-directory") == "charts/tiergate")
    chart = copy_of(CHART, cluster.folder / "release", VERSION)
    names = {
        "SOURCE": "https://git.example/platform/tiergate",
        "REGISTRY": registry,
        "IMAGE": f"{registry}/{NAME}:{VERSION}",
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step],
        cwd=chart,
        env={**cluster.environment, "PATH": f"{Path(cluster.programs['helm']).parent}:/usr/bin:/bin", **names},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return chart
