"""The objects for Flux in docs/gitops.md: the source, the HelmRelease's rules of drift, the Kustomization's life."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from tests.chart.helm import CHART, ENVIRONMENTS
from tests.cluster.objects import a_pod
from tests.cluster.outage import FAIL, HANDED_OVER, kill_all, let_replicas_return, policies
from tests.cluster.releases import CONFIGURATIONS, NAME, TIERS, Release, versions_of_all
from tests.controlplane import binaries
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, Say, until
from tests.gitops import flux, page
from tests.gitops.flux import reconcile, until_ready
from tests.gitops.registry import Registry

pytestmark = pytest.mark.gitops

WRITTEN = "rendered"


@pytest.fixture(scope="module")
def fluxed(cluster: Cluster, say: Say) -> Iterator[Cluster]:
    """Flux at work, beside a registry that holds our chart; the release namespace is there."""
    with flux.running_in(cluster, say):
        cluster.kubectl(f"create namespace {NAMESPACE}")
        yield cluster


@pytest.fixture
def release(fluxed: Cluster) -> Iterator[Release]:
    """No release yet; its traces are removed afterwards."""
    release = Release(fluxed, (ENVIRONMENTS,))
    yield release
    release.remove_all()
    fluxed.kubectl(f"create namespace {NAMESPACE}")


def _source(charts: Registry) -> Object:
    source = page.one("OCIRepository", charts.address)
    source["spec"]["insecure"] = True  # plain HTTP
    return source


def test_the_source_is_the_chart_that_was_pushed(fluxed: Cluster, charts: Registry) -> None:
    """The OCIRepository of the page finds the chart, and holds exactly what Helm packaged."""
    fluxed.apply(_source(charts))
    until_ready(fluxed, "ocirepository/tiergate", NAMESPACE)
    artifact = fluxed.kubectl(f"get ocirepository tiergate -n {NAMESPACE} -o json").json["status"]["artifact"]
    assert artifact["revision"] == f"0.1.0@{charts.digest('0.1.0')}"


def test_a_helm_release_differs_only_where_somebody_changed_it(release: Release, say: Say) -> None:
    """Nothing after the installation, nothing in a handover, but a change of a tier or of a webhook by hand."""
    cluster = release.cluster
    release.install(None, "--wait", "--timeout 120s")
    release.until_in_force()
    assert _drift(release, say) == []
    with _handed_over(cluster):
        assert _drift(release, say) == []
        (one, two) = (f"{kind} {NAME} /webhooks/0/failurePolicy" for kind in ("Mutating", "Validating"))
        assert {one.replace(" ", "WebhookConfiguration ", 1), two.replace(" ", "WebhookConfiguration ", 1)} < set(
            _drift(release, say, ignore=False)
        )
    cluster.kubectl('patch tier dev --type=merge -p \'{"spec": {"enforcement": "Warn"}}\'')
    rules = '[{"op": "remove", "path": "/webhooks/0/rules/0"}, {"op": "remove", "path": "/webhooks/1"}]'
    cluster.kubectl(f"patch validatingwebhookconfiguration {NAME} --type=json -p '{rules}'")
    found = {line.rsplit("/", 1)[0] for line in _drift(release, say)}
    assert "Tier dev /spec" in found
    assert any(line.startswith("ValidatingWebhookConfiguration") for line in found), found


def _drift(release: Release, say: Say, *, ignore: bool = True) -> list[str]:
    """Return the lines of the program `drift` for the HelmRelease of the page."""
    cluster, item = release.cluster, page.one("HelmRelease")
    if not ignore:
        del item["spec"]["driftDetection"]["ignore"]
    files = cluster.folder / "release.json", cluster.folder / "manifest.yaml"
    files[0].write_text(json.dumps(item))
    files[1].write_text(cluster.run(f"helm get manifest {NAME} -n {NAMESPACE}").out)
    line = [binaries.ensure(say, {"drift"})["drift"], *map(str, files)]
    done = subprocess.run(line, env=cluster.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@contextmanager
def _handed_over(cluster: Cluster) -> Iterator[None]:
    """Let no replica live, so that Kubernetes' own engines decide; wait until the webhook does again."""
    kill_all(cluster)
    until(lambda: policies(cluster) == HANDED_OVER, "the controller has handed over", seconds=60)
    yield
    assert policies(cluster) == HANDED_OVER, "the handover was undone"
    let_replicas_return(cluster)
    until(lambda: policies(cluster) == FAIL, "the controller has handed back", seconds=90)


def test_the_life_of_a_kustomization(fluxed: Cluster, charts: Registry) -> None:
    """What the chart renders, applied by kustomize-controller: no drift, no handover undone, nothing lost."""
    cluster = fluxed
    _publish(cluster, charts, "0.1.0", leave_out=())
    source = _source(charts)
    source["metadata"]["name"] = WRITTEN
    source["spec"] |= {"url": f"oci://{charts.address}/charts/{WRITTEN}", "interval": "5s"}
    kustomization = page.one("Kustomization")
    kustomization["spec"]["timeout"] = "15s"  # so long it waits for a webhook that is away, before it is done
    cluster.apply(source, kustomization)
    until_ready(cluster, "kustomization/tiergate", NAMESPACE)
    cluster.kubectl("wait --for=condition=Enforcing tier --all --timeout=60s")
    until(lambda: all(Release(cluster).bundles()), "the controller has written every caBundle", seconds=60)
    before = versions_of_all(cluster)
    reconcile(cluster, "kustomization/tiergate", NAMESPACE)
    assert versions_of_all(cluster) == before
    with _handed_over(cluster):
        reconcile(cluster, "kustomization/tiergate", NAMESPACE)
    _publish(cluster, charts, "0.1.1", leave_out=("staging",))
    cluster.kubectl(
        f'patch ocirepository {WRITTEN} -n {NAMESPACE} --type=merge -p \'{{"spec": {{"ref": {{"tag": "0.1.1"}}}}}}\''
    )
    revision = f"get kustomization tiergate -n {NAMESPACE} -o jsonpath={{.status.lastAppliedRevision}}"
    until(lambda: cluster.kubectl(revision).out.startswith("0.1.1"), "Flux has applied the next version", seconds=60)
    cluster.kubectl("get tier/staging namespace/staging quota/tier -n staging")
    cluster.kubectl(f"delete kustomization tiergate -n {NAMESPACE} --timeout=90s")
    cluster.kubectl(f"get crd/{TIERS} tier/dev namespace/dev namespace/{NAMESPACE}")
    assert cluster.kubectl(f"get deployments -n {NAMESPACE} -o name").out == ""
    for kind in CONFIGURATIONS:
        assert "NotFound" in cluster.run(f"kubectl get {kind} {NAME}").err
    cluster.kubectl("create -n dev -f -", stdin=json.dumps(a_pod("bare")))


def _publish(cluster: Cluster, charts: Registry, version: str, leave_out: tuple[str, ...]) -> None:
    """Push what the chart renders, without hooks, and its definition: an archive that Flux reads like a repository."""
    values = yaml.safe_load(ENVIRONMENTS.read_text())
    for name in leave_out:
        del values["tiers"][name], values["namespaces"][name]
    for name in values["tiers"].values():
        name["spec"]["nativeLimitRange"] = True
    settings = " ".join(f"--set {value}" for value in cluster.chart_values)
    line = (
        f"helm template {NAME} {CHART} -n {NAMESPACE} --no-hooks --include-crds --kube-version 1.37.0 {settings} -f -"
    )
    rendered = cluster.run(line, stdin=json.dumps(values))
    assert rendered.code == 0, rendered.text
    folder = cluster.folder / WRITTEN / version
    (folder / "manifests").mkdir(parents=True)
    (folder / "manifests" / "tiergate.yaml").write_text(rendered.out)
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: {WRITTEN}\nversion: {version}\n")
    charts.push(folder)
