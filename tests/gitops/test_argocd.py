"""The Application of docs/gitops.md from its creation to its deletion, by Argo CD itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from tests.chart.helm import CHART, ENVIRONMENTS
from tests.cluster.objects import a_pod
from tests.cluster.outage import FAIL, HANDED_OVER, kill_all, let_replicas_return, policies
from tests.cluster.releases import CONFIGURATIONS, TIERS, Release, versions_of_all
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, Say, until
from tests.gitops import argocd, page
from tests.gitops.argocd import FINALIZER, Application
from tests.gitops.programs import copy_of
from tests.gitops.registry import Registry

pytestmark = pytest.mark.gitops

NEXT: Final = "0.1.1"


@pytest.fixture(scope="module")
def application(cluster: Cluster, charts: Registry, say: Say) -> Iterator[Application]:
    """Argo CD that has synchronised the page's Application with three environments."""
    with argocd.running_in(cluster, charts, say) as application:
        item = page.one("Application", charts.address)
        helm = item["spec"]["source"]["helm"]
        values = (value.split("=") for value in cluster.chart_values)
        helm["parameters"] = [{"name": name, "value": value} for name, value in values]
        helm["valuesObject"] |= yaml.safe_load(ENVIRONMENTS.read_text())
        item["spec"]["syncPolicy"]["retry"] = {"limit": 1, "backoff": {"duration": "1s"}}
        cluster.apply(item)
        application.until_synced("0.1.0")
        cluster.kubectl("wait --for=condition=Enforcing tier --all --timeout=60s")
        yield application


def test_the_life_of_an_application(application: Application, charts: Registry) -> None:
    """Install, compare, repair, hand over, refuse, upgrade, prune, delete: one after the other in one cluster."""
    _nothing_differs_once_the_controller_has_written_its_part(application)
    _what_somebody_else_changes_is_set_right(application)
    _a_handover_is_left_alone(application)
    _a_tier_that_cannot_be_stops_the_sync_before_it_begins(application)
    _a_later_release_brings_its_definition_and_its_tiers(application, charts)
    _what_leaves_git_stays_in_the_cluster(application)
    _what_stays_when_the_application_is_deleted(application)


def _nothing_differs_once_the_controller_has_written_its_part(application: Application) -> None:
    """caBundle, Secrets, defaults and conditions are no difference; nothing is synchronised again."""
    before = versions_of_all(application.cluster)
    for _ in range(2):
        assert application.refresh()["sync"]["status"] == "Synced", application.out_of_sync()
    assert len(application.status["history"]) == 1
    assert versions_of_all(application.cluster) == before
    assert all(Release(application.cluster).bundles())


def _what_somebody_else_changes_is_set_right(application: Application) -> None:
    """What somebody changes by hand is undone, on tiers too, and never touches a caBundle."""
    cluster, bundles = application.cluster, Release(application.cluster).bundles()
    cluster.kubectl('patch tier dev --type=merge -p \'{"spec": {"enforcement": "Warn"}}\'')
    cluster.kubectl(f"delete service tiergate-webhook -n {NAMESPACE}")
    until(lambda: _enforcement(cluster, "dev") == "Enforce", "the tier is as the values say", seconds=60)
    until(lambda: cluster.run(f"kubectl get service tiergate-webhook -n {NAMESPACE}").code == 0, "the Service is back")
    application.until_synced("0.1.0")
    assert Release(cluster).bundles() == bundles


def _a_handover_is_left_alone(application: Application) -> None:
    """While Kubernetes' own engines decide, Argo CD sees no difference and does not undo it."""
    cluster = application.cluster
    kill_all(cluster)
    until(lambda: policies(cluster) == HANDED_OVER, "the controller has handed over", seconds=60)
    history = len(application.status["history"])
    for _ in range(3):
        assert application.refresh()["sync"]["status"] == "Synced", application.out_of_sync()
    assert policies(cluster) == HANDED_OVER
    assert len(application.status["history"]) == history
    let_replicas_return(cluster)
    until(lambda: policies(cluster) == FAIL, "it has handed back", seconds=90)


def _a_tier_that_cannot_be_stops_the_sync_before_it_begins(application: Application) -> None:
    """The hook tiergate-preflight runs first; nothing of the change is applied."""
    cluster, crossed = application.cluster, [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]
    application.change(
        _values(tiers={"wrong": {"spec": {"limits": crossed}}, "dev": {"spec": {"enforcement": "Warn"}}})
    )
    until(lambda: _phase(application) == "Failed", "the sync has failed", seconds=60)
    assert "tiergate-preflight" in json.dumps(application.status["operationState"])
    logged = cluster.kubectl(f"logs job/tiergate-preflight -n {NAMESPACE}").out
    assert "min value 2 is greater than max value 1" in logged
    assert _enforcement(cluster, "dev") == "Enforce"
    assert cluster.run("kubectl get tier wrong").code != 0
    application.change(_values(tiers={"wrong": None, "dev": {"spec": {"enforcement": None}}}))
    until(lambda: application.refresh()["sync"]["status"] == "Synced", "nothing differs any more", seconds=60)


def _a_later_release_brings_its_definition_and_its_tiers(application: Application, charts: Registry) -> None:
    """An upgrade with a field that the old definition did not have, and a tier and namespace that were not there."""
    cluster, bundles = application.cluster, Release(application.cluster).bundles()
    copy = copy_of(CHART, cluster.folder, NEXT)
    definition = copy / "crds" / "tiers.yaml"
    item = yaml.safe_load(definition.read_text())
    item["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["since"] = {
        "type": "string"
    }
    definition.write_text(yaml.safe_dump(item))
    charts.push(copy)
    tier = {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}}
    added: Object = {"tiers": {"extra": tier}, "namespaces": {"extra": {"tier": "extra"}}}
    application.change(json.dumps({"spec": {"source": {"targetRevision": NEXT, "helm": {"valuesObject": added}}}}))
    application.until_synced(NEXT)
    assert "since" in cluster.kubectl(f"get crd {TIERS} -o json").out
    cluster.kubectl("wait --for=condition=Enforcing tier/extra --timeout=30s")
    refused = cluster.run(
        "kubectl create --dry-run=server -n extra -f -", stdin=json.dumps(a_pod("huge", limits={"cpu": "2"}))
    )
    assert 'pod "huge" in namespace "extra" (tier ' in refused.err
    assert Release(cluster).bundles() == bundles
    assert application.refresh()["sync"]["status"] == "Synced", application.out_of_sync()


def _what_leaves_git_stays_in_the_cluster(application: Application) -> None:
    """A tier and its namespace are not pruned, whatever lives in them is safe."""
    cluster = application.cluster
    application.change(_values(tiers={"staging": None}))
    until(
        lambda: application.status["sync"]["status"] == "Unknown", "the chart has refused a namespace without its tier"
    )
    assert "ComparisonError" in json.dumps(application.status["conditions"])
    assert "staging" in json.dumps(application.status["conditions"])
    application.change(_values(namespaces={"staging": None}))
    until(lambda: "Tier/staging" in application.out_of_sync(), "Argo CD has noticed", seconds=60)
    until(lambda: _phase(application) == "Succeeded", "what stays is skipped", seconds=60)
    history = len(application.status["history"])
    for _ in range(2):
        application.refresh()
    assert len(application.status["history"]) == history, "it synchronises again and again"
    cluster.kubectl("get tier/staging namespace/staging")
    assert application.out_of_sync() == ["Namespace/staging", "Tier/staging"]


def _what_stays_when_the_application_is_deleted(application: Application) -> None:
    """Everything pods live by stays; with native LimitRanges they still get their defaults."""
    cluster = application.cluster
    application.change(_values(tiers={name: {"spec": {"nativeLimitRange": True}} for name in ("dev", "prod")}))
    until(lambda: cluster.run("kubectl get limitrange tier -n dev").code == 0, "the LimitRange is there", seconds=60)
    cluster.kubectl("wait --for=condition=Ready tier/dev --timeout=60s")
    application.change(json.dumps({"metadata": {"finalizers": [FINALIZER]}}))
    cluster.kubectl(f"delete application tiergate -n {argocd.NAMESPACE} --timeout=120s")
    cluster.kubectl(f"get crd/{TIERS} tier/dev namespace/dev namespace/{NAMESPACE}")
    cluster.kubectl("get quota/tier limitrange/tier -n dev")
    for kind in CONFIGURATIONS:
        assert "NotFound" in cluster.run(f"kubectl get {kind} tiergate").err
    assert cluster.kubectl(f"get deployments,services,jobs -n {NAMESPACE} -o name").out == ""
    created = cluster.kubectl("create -n dev -o json -f -", stdin=json.dumps(a_pod("bare"))).json
    assert created["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "250m"


def _values(**values: Any) -> str:  # noqa: ANN401 - parts of objects
    return json.dumps({"spec": {"source": {"helm": {"valuesObject": values}}}})


def _phase(application: Application) -> str:
    return str(application.status.get("operationState", {}).get("phase"))


def _enforcement(cluster: Cluster, tier: str) -> str:
    return cluster.kubectl(f"get tier {tier} -o jsonpath={{.spec.enforcement}}").out
