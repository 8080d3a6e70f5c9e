"""The chart's whole life, with each supported Helm and with each ready values file, on a real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.chart.helm import VALUES_FILES
from tests.cluster.objects import a_pod
from tests.cluster.releases import CONFIGURATIONS, NAME, TIERS, Key, Release, is_kept, through
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, Say

pytestmark = pytest.mark.cluster


# An entry of the webhook configuration, beside the caBundle that is not Helm's, and new pods of one component.
CHANGED = {
    "webhook": {"entries": {"podsValidate": {"timeoutSeconds": 7}}},
    "controller": {"podAnnotations": {"example.com/changed": "yes"}},
}


@pytest.fixture(scope="module")
def by_helm(request: pytest.FixtureRequest, bare_cluster: Cluster, say: Say) -> Cluster:
    """One cluster for the whole matrix, as each Helm in turn sees it."""
    return through(request.param, bare_cluster, say)


@pytest.fixture
def release(request: pytest.FixtureRequest, by_helm: Cluster) -> Iterator[Release]:
    """A release that is not there yet, and whose traces are removed afterwards."""
    release = Release(by_helm, VALUES_FILES[request.param])
    yield release
    release.remove_all()


@pytest.mark.long
@pytest.mark.parametrize(
    ("by_helm", "release"),
    [("helm3", "environments"), ("helm", "defaults"), ("helm", "teams")],
    indirect=True,
)
def test_the_life_of_a_release(release: Release) -> None:
    """Install, upgrade, upgrade without a change, uninstall, install again: each does what it says and no more."""
    release.install(None, "--wait", "--timeout 120s")
    release.until_in_force()
    installed, bundles = release.live(), release.bundles()
    _governs(release, installed)

    release.upgrade(CHANGED, "--wait", "--timeout 120s")
    release.until_in_force()
    (entry,) = (one for one in release.entries() if one["name"] == "pods.validate.tiergate.io")
    assert entry["timeoutSeconds"] == 7
    controller = release.live()["Deployment", NAMESPACE, "tiergate-controller"]
    assert controller["spec"]["template"]["metadata"]["annotations"]["example.com/changed"] == "yes"
    assert release.bundles() == bundles, "an upgrade took the caBundle away or changed it"
    assert _uids(release.live()) == _uids(installed), "an upgrade made an object anew"

    release.until_settled()
    settled = release.versions()
    for _ in range(2):
        release.upgrade(CHANGED)
        assert release.versions() == settled, "an upgrade without a change wrote something"
    _nobody_was_forbidden_anything(release.cluster)

    release.uninstall()
    kept = {name: item for name, item in installed.items() if is_kept(item)}
    _has_gone(release, installed, kept)

    release.install(None, "--wait", "--timeout 120s")
    release.until_in_force()
    assert set(release.live()) == set(installed)
    assert _uids(release.live()).items() >= _uids(kept).items(), "the second installation made a kept object anew"
    _governs(release, installed)


def _uids(items: dict[Key, Object]) -> dict[Key, str]:
    return {name: item["metadata"]["uid"] for name, item in items.items()}


def _namespaces(items: dict[Key, Object]) -> list[str]:
    return sorted(name for kind, _, name in items if kind == "Namespace")


def _governs(release: Release, items: dict[Key, Object]) -> None:
    """Assert that each created namespace has its quota, and that a pod over every bound is refused by name."""
    cluster = release.cluster
    huge = json.dumps(a_pod("huge", requests={"cpu": "4k", "memory": "1Pi"}, limits={"cpu": "4k", "memory": "1Pi"}))
    for namespace in _namespaces(items):
        cluster.kubectl(f"get resourcequota tier -n {namespace}")
        refused = cluster.run(f"kubectl create --dry-run=server -n {namespace} -f -", stdin=huge)
        assert refused.code != 0
        assert f'pod "huge" in namespace "{namespace}" (tier ' in refused.err, refused.err


def _nobody_was_forbidden_anything(cluster: Cluster) -> None:
    """Assert that no process has asked the API server for something that its role does not give it."""
    for pod in cluster.kubectl(f"get pods -n {NAMESPACE} -o name").out.split():
        said = cluster.kubectl(f"logs {pod} -n {NAMESPACE} --all-containers").out
        assert [line for line in said.splitlines() if " is forbidden: User " in line] == []


def _has_gone(release: Release, installed: dict[Key, Object], kept: dict[Key, Object]) -> None:
    """Assert that exactly what is marked is left, that nothing stands in the way, and that pods still start."""
    cluster = release.cluster
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": [_bare(item) for item in installed.values()]})
    left = release.found(manifest)
    assert set(left) == set(kept)
    assert _uids(left) == _uids(kept)
    governed = set(_namespaces(installed))
    theirs = {name for name in installed if name[0] in {"Namespace", "Tier"} or name[1] in governed}
    assert theirs <= set(kept), "something that governed namespaces live by is not kept"
    assert not release.status()
    for kind in CONFIGURATIONS:
        assert "NotFound" in cluster.run(f"kubectl get {kind} {NAME}").err
    cluster.kubectl(f"get crd {TIERS}")
    for namespace in _namespaces(installed):
        cluster.kubectl(f"get resourcequota tier -n {namespace}")
        cluster.kubectl(f"create --dry-run=server -n {namespace} -f -", stdin=json.dumps(a_pod("bare")))


def _bare(item: Object) -> Object:
    names = {name: value for name, value in item["metadata"].items() if name in {"name", "namespace"}}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": names}
