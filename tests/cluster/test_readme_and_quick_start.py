"""README and quick start, followed word by word with each Helm: what they show is what the programs print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.cluster.releases import through
from tests.controlplane.cluster import NAMESPACE, Cluster, Result, Say, until
from tests.docs.test_shown import API, QUICK_START, README
from tests.docs.values import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.long]

TWO_FAULTS: Final = ROOT / "tests/cluster/manifests/two-faults.yaml"
_BLOCK: Final = re.compile(r"^```(yaml)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT: Final = (
    f"helm uninstall tiergate -n {NAMESPACE} --wait",
    "kubectl delete namespace trial agents-dev tiergate-system --ignore-not-found --timeout=60s",
    "kubectl delete crd tiers.tiergate.io --ignore-not-found",
    "kubectl delete clusterrole tiergate-tenant --ignore-not-found",
)
"""What takes away all that a page makes; of what is not there nothing."""


@pytest.fixture(params=["helm3", "helm"])
def by_helm(request: pytest.FixtureRequest, bare_cluster: Cluster, say: Say) -> Iterator[Cluster]:
    cluster = through(request.param, bare_cluster, say)
    yield cluster
    for line in LEFT:
        cluster.run(line)


def section(page: str, heading: str) -> str:
    """Return a section of a page, from its heading to the next one of that level."""
    return re.split(r"^## ", page.split(f"\n## {heading}", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def files(text: str, folder: Path, name: str) -> Path:
    """Write the first YAML block of a text and return the file."""
    path = folder / name
    path.write_text(next(block for language, block in _BLOCK.findall(text) if language))
    return path


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of a text, without remarks, each with the lines that it shows."""
    for block in (block for language, block in _BLOCK.findall(text) if not language):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:] if block.startswith("$ ") else each_line(block):
            line, *shown = part.rstrip("\n").split("\n")
            yield re.sub(r"\s+#.*", "", line), [one for one in shown if one != "..."]


def each_line(block: str) -> list[str]:
    """Return the lines of a block, those that go on in the next one joined."""
    return block.replace("\\\n", "").splitlines()


def followed(cluster: Cluster, line: str, shown: list[str]) -> Result:
    """Run a command until it prints what is shown; only what it shows as an error may fail."""
    if line.startswith("helm install"):
        line += "".join(f" --set {value}" for value in cluster.chart_values)
    done = [cluster.run(line)]
    assert (done[0].code != 0) == any(one.startswith("error") for one in shown), done[0].text

    def prints() -> bool:
        if line.startswith("kubectl get"):  # pods and status come a moment later
            done.append(cluster.run(line))
        return {same(one) for one in shown} <= {same(one) for one in done[-1].text.splitlines()}

    until(prints, f"`{line}` prints {shown}, and not {done[-1].text}")
    return done[-1]


def same(row: str) -> str:
    """Return a line without the age at its end and the width of its columns."""
    return " ".join(re.sub(r"\d+s$", "", row.rstrip()).split())


def until_governed(cluster: Cluster, namespace: str) -> None:
    """Wait until pods get the defaults of the tier, as people do between two commands."""
    probe = f"kubectl run probe --image=probe -n {namespace} --dry-run=server -o json"
    until(lambda: "tiergate.io/defaults" in cluster.run(probe).out, f"namespace {namespace} is governed")


def test_the_installation_of_the_readme(by_helm: Cluster, tmp_path: Path) -> None:
    """From the chart of this checkout, in place of a registry's."""
    install = section(README, "Install")
    tier = files(install, tmp_path, "tier.yaml")
    for line, shown in commands(install):
        if not line.startswith("kubectl get"):
            words = line.replace("oci://REGISTRY/charts/tiergate", "charts/tiergate").replace("tier.yaml", str(tier))
            followed(by_helm, words, shown)
    by_helm.kubectl("wait --for=condition=Enforcing tier/dev --timeout=60s")
    until_governed(by_helm, "agents-dev")
    said = by_helm.run("kubectl apply -n agents-dev -f -", stdin=json.dumps(API)).text
    assert [one for one in said.splitlines() if one not in README] == []
    refused = by_helm.run(f"kubectl apply -n agents-dev -f {TWO_FAULTS}").err.splitlines()
    assert "container sidecar: requests.cpu is 5m" in refused[0].replace('"', "")
    assert refused[1] in README
    until(lambda: "8/10" in by_helm.kubectl("get deployment agent-api -n agents-dev").out, "8 of 10 pods run")


def test_the_quick_start(by_helm: Cluster, tmp_path: Path) -> None:
    """From the installation to the removal, with the output that the page has."""
    trial = files(QUICK_START, tmp_path, "trial.yaml")
    steps = list(commands(f"## 2.{QUICK_START.split('## 2.', 1)[1]}"))
    assert len(steps) > 15
    for line, shown in steps:
        followed(by_helm, line.replace("trial.yaml", str(trial)), shown)
        if line.startswith("kubectl label"):
            until_governed(by_helm, "trial")
    assert "tiergate" not in by_helm.kubectl("get namespaces,crd,clusterroles,validatingwebhookconfigurations").out
