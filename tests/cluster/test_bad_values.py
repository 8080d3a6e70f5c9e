"""Values that cannot work, and values that leave out what is in use: a clear message, never half a release."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from tests.cluster.objects import a_pod
from tests.cluster.releases import CONFIGURATIONS, HELMS, Release, is_helm_4, through
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, Result, Say, until

pytestmark = pytest.mark.cluster

Values = dict[str, Any]
DEV: Final = {"dev": "dev"}


def values(memory: str = "256Mi", tiers: tuple[str, ...] = ("dev",), namespaces: Mapping[str, str] = DEV) -> Values:
    """Return tiers whose containers get this much memory by default, of 4Gi in all; and the tier of each namespace."""
    item = {"type": "Container", "default": {"memory": memory}, "min": {"memory": "32Mi"}, "max": {"memory": "8Gi"}}
    spec = {"limits": [item], "quotas": [{"name": "compute", "hard": {"limits.memory": "4Gi", "pods": "5"}}]}
    return {
        "tiers": {name: {"spec": spec} for name in tiers},
        "namespaces": {name: {"tier": tier} for name, tier in namespaces.items()},
    }


NEVER_FITS = 'tiers.dev.spec.limits[0].default.memory: 5Gi never fits quota "compute": limits.memory is 4Gi'
MIN_OVER_DEFAULT = "tiers.dev.spec.limits[0].min.memory: min value 32Mi is greater than default value 16Mi"


@pytest.fixture(scope="module", params=HELMS)
def by_helm(request: pytest.FixtureRequest, bare_cluster: Cluster, say: Say) -> Cluster:
    """One cluster for all, as each Helm in turn sees it."""
    return through(request.param, bare_cluster, say)


@pytest.fixture
def nothing(by_helm: Cluster) -> Iterator[Release]:
    """A release that is not there yet."""
    release = Release(by_helm)
    yield release
    release.remove_all()


@pytest.fixture(scope="class")
def running(by_helm: Cluster) -> Iterator[Release]:
    """A release with one tier and one namespace, in force; who changes it puts it right again."""
    release = Release(by_helm)
    release.install(values())
    release.until_in_force()
    yield release
    release.remove_all()


def laid_down(cluster: Cluster) -> set[str]:
    """Return what there is of an installation that is no leftover of a hook."""
    kinds = "deployments,services,clusterroles,clusterrolebindings,serviceaccounts,roles,rolebindings"
    line = f"get {kinds},{','.join(CONFIGURATIONS)} -A -l app.kubernetes.io/name=tiergate -o name"
    governed = cluster.kubectl("get namespaces -l tiergate.io/tier -o name").out.split()
    tiers = cluster.run("kubectl get tiers -o name").out.split()
    return {*cluster.kubectl(line).out.split(), *governed, *tiers}


BAD = pytest.mark.parametrize(
    ("memory", "line"),
    [
        pytest.param("5Gi", NEVER_FITS, id="what-the-webhook-would-refuse"),
        pytest.param("16Mi", MIN_OVER_DEFAULT, id="what-the-api-server-would-refuse", marks=pytest.mark.long),
    ],
)


class TestInstalling:
    """Classes keep the tests of one state of the cluster together, whatever the order."""

    @BAD
    def test_a_bad_tier_stops_an_installation_before_it_begins(self, nothing: Release, memory: str, line: str) -> None:
        """Helm prints what is wrong, nothing is created, and the corrected values install over it."""
        refused = nothing.attempt("install", values(memory), "--create-namespace")
        assert refused.code != 0
        assert line in unquoted(refused)
        assert not laid_down(nothing.cluster)
        assert nothing.status() == "failed"
        nothing.upgrade(values(), "--install")
        nothing.until_in_force()
        assert nothing.status() == "deployed"

    @pytest.mark.parametrize(
        ("namespaces", "sentence"),
        [
            pytest.param(
                {"agents": "gone"}, 'namespaces.agents.tier: there is no tier "gone" in tiers', id="missing-tier"
            ),
            pytest.param(
                {NAMESPACE: "dev"}, f"namespaces.{NAMESPACE}: the release namespace cannot", id="release-namespace"
            ),
            pytest.param({"kube-system": "dev"}, "namespaces.kube-system: kube-* namespaces belong", id="kube-system"),
        ],
    )
    def test_what_the_chart_refuses_leaves_no_release(
        self, nothing: Release, namespaces: dict[str, str], sentence: str
    ) -> None:
        refused = nothing.attempt("install", values(namespaces=namespaces), "--create-namespace")
        assert refused.code != 0
        assert sentence in refused.err
        assert nothing.status() == ""
        assert not laid_down(nothing.cluster)

    @pytest.mark.long
    def test_a_bad_tier_that_no_hook_has_seen_says_why_it_is_not_in_force(self, nothing: Release) -> None:
        """Stored before the webhook serves: its pods are refused with the reason, until it is put right."""
        cluster = nothing.cluster
        nothing.install(values("5Gi"), "--no-hooks")
        until(
            lambda: ready(cluster, "dev").get("reason") == "Invalid", "the tier says that it is not valid", seconds=60
        )
        assert 'never fits quota "compute": limits.memory is 4Gi' in ready(cluster, "dev")["message"]
        cluster.kubectl(f"rollout status deployment/tiergate-webhook -n {NAMESPACE} --timeout=60s")
        refused = cluster.run("kubectl create --dry-run=server -n dev -f -", stdin=json.dumps(a_pod("bare")))
        assert refused.code != 0
        assert 'never fits quota "compute": limits.memory is 4Gi' in refused.err
        nothing.upgrade(values(), "--no-hooks")
        nothing.until_in_force()


@pytest.mark.parametrize("by_helm", ["helm"], indirect=True)
class TestRunning:
    """As above; what an upgrade does with bad values does not depend on Helm's major version."""

    @BAD
    def test_a_bad_tier_stops_an_upgrade_before_it_begins(self, running: Release, memory: str, line: str) -> None:
        """What runs is not touched, and the corrected values upgrade as if nothing had been."""
        running.until_settled()
        before = running.versions()
        refused = running.attempt("upgrade", values(memory) | {"logLevel": "debug"})
        assert refused.code != 0
        assert line in unquoted(refused)
        assert running.versions() == before
        running.upgrade(values())
        assert running.status() == "deployed"

    @pytest.mark.long
    def test_what_leaves_the_values_stays_in_the_cluster(self, running: Release) -> None:
        """What the values no longer name is kept, in force, and cannot be deleted by accident."""
        cluster = running.cluster
        running.upgrade(values(tiers=("dev", "extra"), namespaces={**DEV, "more": "extra"}))
        cluster.kubectl("wait --for=create resourcequota/tier -n more --timeout=30s")
        before = uids(cluster, "namespace more", "tier extra", "resourcequota tier -n more")
        said = running.upgrade(values()).out
        assert "No longer in the values, kept and still in force: namespace more, tier extra." in said
        assert uids(cluster, "namespace more", "tier extra", "resourcequota tier -n more") == before
        assert tier(cluster, "extra")["status"]["namespaces"] == 1
        refused = cluster.run("kubectl delete tier extra --wait=false")
        assert refused.code != 0
        assert "in use by more; move these namespaces to another tier" in refused.err

        running.upgrade(values(tiers=("dev", "extra"), namespaces={**DEV, "more": "extra"}))
        assert uids(cluster, "namespace more", "tier extra", "resourcequota tier -n more") == before, (
            "not taken up again"
        )
        cluster.kubectl("label namespace more tiergate.io/tier-")
        said = running.upgrade(values(), *(["--force-conflicts"] if is_helm_4(running) else [])).out
        assert "No longer in the values, kept and still in force: tier extra." in said
        assert "No longer in the values and in no tier, kept: namespace more." in said
        said = running.upgrade({"createNamespaces": False}).out
        assert "There are no tiers in these values. Tiers in the cluster: dev, extra." in said
        running.upgrade(values())
        cluster.kubectl("delete namespace more --timeout=60s")
        cluster.kubectl("delete tier extra --timeout=20s")

    def test_a_tier_cannot_leave_the_values_before_its_namespaces(self, running: Release) -> None:
        refused = running.attempt("upgrade", values(tiers=("other",)))
        assert refused.code != 0
        assert 'namespaces.dev.tier: there is no tier "dev" in tiers (there is: other)' in refused.err
        assert running.status() == "deployed"

    def test_a_foreign_quota_of_our_name_is_left_alone_and_named(self, running: Release) -> None:
        """The tier says where it is not in force and why; when the foreign object is gone, it is."""
        cluster = running.cluster
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "taken"}})
        foreign = {"metadata": {"name": "tier"}, "spec": {"hard": {"pods": "3"}}}
        cluster.apply({"apiVersion": "v1", "kind": "ResourceQuota", **foreign}, namespace="taken")
        cluster.kubectl("label namespace taken tiergate.io/tier=dev")
        running.upgrade({**values(namespaces={**DEV, "taken": "dev"}), "createNamespaces": False})
        until(lambda: ready(cluster, "dev")["status"] == "False", "the tier says that it is not in force")
        assert ready(cluster, "dev")["reason"] == "ForeignResourceQuota"
        assert "taken" in ready(cluster, "dev")["message"]
        assert read(cluster, "resourcequota tier -n taken")["spec"] == {"hard": {"pods": "3"}}
        cluster.kubectl("delete resourcequota tier -n taken")
        until(lambda: ready(cluster, "dev")["status"] == "True", "the tier is in force")
        assert read(cluster, "resourcequota tier -n taken")["spec"]["hard"]["pods"] == "5"
        cluster.kubectl("delete namespace taken --timeout=60s")
        running.upgrade(values())


def unquoted(result: Result) -> str:
    """Return what Helm printed: Helm 4 prints the log of a hook as a quoted text."""
    return result.text.replace('\\"', '"').replace("\\n", "\n")


def read(cluster: Cluster, what: str) -> Object:
    return cluster.kubectl(f"get {what} -o json").json


def tier(cluster: Cluster, name: str) -> Object:
    return read(cluster, f"tier {name}")


def ready(cluster: Cluster, name: str) -> Object:
    conditions = tier(cluster, name).get("status", {}).get("conditions", ())
    found: Object = next((each for each in conditions if each["type"] == "Ready"), {})
    return found


def uids(cluster: Cluster, *what: str) -> list[str]:
    return [read(cluster, each)["metadata"]["uid"] for each in what]
