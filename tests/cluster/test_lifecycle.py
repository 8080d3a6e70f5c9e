"""The chart's hooks with each supported Helm, on a real API server: the test, the definition, the uninstallation."""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, ENVIRONMENTS
from tests.cluster.objects import a_pod, resources_of
from tests.cluster.releases import CONFIGURATIONS, HELMS, NAME, Release, through
from tests.cluster.replicas import replicas
from tests.cluster.story import CONTAINER
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, Result, Say, until
from tiergate.cluster.lease import LeaseTiming
from tiergate.server.leadership import LOOK

pytestmark = pytest.mark.cluster

CRD = "crd tiers.tiergate.io"
UNVERIFIED = ssl._create_unverified_context()  # noqa: S323 - a replica on this machine, by its address
SERVICE_MONITOR: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {"kind": "ServiceMonitor", "plural": "servicemonitors", "singular": "servicemonitor"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        ],
    },
}
"""The operator's kind as far as it matters here: the chart's object can be stored."""
SILENCE = "tiergate_controller_silence_seconds "
QUICK = {"tests": {"patienceSeconds": 3}}
HOOKS = ("tiergate-verify", "tiergate-crds", "tiergate-uninstall")
DEV = {"limits": CONTAINER["dev"]["default"], "requests": CONTAINER["dev"]["defaultRequest"]}


@pytest.fixture(scope="module", params=HELMS)
def by_helm(request: pytest.FixtureRequest, bare_cluster: Cluster, say: Say) -> Cluster:
    """One cluster, as each Helm in turn sees it."""
    return through(request.param, bare_cluster, say)


@pytest.fixture
def release(by_helm: Cluster) -> Iterator[Release]:
    """A release of three environments that is not there yet, and whose traces are removed afterwards."""
    release = Release(by_helm, (ENVIRONMENTS,))
    yield release
    release.remove_all()


def log_of(cluster: Cluster, pod: str) -> str:
    """Return what the newest pod whose name begins so has said."""
    if cluster.plane is None:
        return cluster.kubectl(f"logs -n {NAMESPACE} {pod}").out
    logs = cluster.plane.folder.glob(f"pods/{pod}*/*.log")
    return max(logs, key=lambda path: path.stat().st_mtime).read_text()


def helm_test(cluster: Cluster) -> Result:
    return cluster.run(f"helm test {NAME} -n {NAMESPACE} --timeout 120s")


def has_no_hook_left(cluster: Cluster) -> None:
    """Assert that no account and no permission of a hook has outlived it."""
    kinds = "serviceaccount,role,rolebinding,configmap,job,clusterrole,clusterrolebinding"
    names = cluster.kubectl(f"get {kinds} -A -o name").out
    assert not [name for name in HOOKS if name in names], names


def a_bare_pod(cluster: Cluster, namespace: str) -> Object:
    """Return what becomes of a pod without resources."""
    line = f"create -n {namespace} --dry-run=server -o json -f -"
    return resources_of(cluster.kubectl(line, stdin=json.dumps(a_pod("bare"))).json)


def test_helm_test_proves_enforcement_and_notices_when_there_is_none(release: Release) -> None:
    cluster = release.cluster
    release.install(QUICK)
    release.until_in_force()
    passed = helm_test(cluster)
    assert passed.code == 0, passed.text
    log = log_of(cluster, "tiergate-verify")
    for name in ("dev", "staging", "prod"):
        assert f'ok        namespace "{name}", tier "{name}": a pod over max is refused by the webhook' in log
        assert f'ok        namespace "{name}", tier "{name}": missing defaults are set by the webhook' in log
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        assert f'ok        {kind} "tiergate" is registered' in log
    assert "failed" not in log
    has_no_hook_left(cluster)

    cluster.kubectl(f"delete {CONFIGURATIONS[1]} {NAME}")
    failed = helm_test(cluster)
    assert failed.code != 0
    log = log_of(cluster, "tiergate-verify")
    assert 'failed    ValidatingWebhookConfiguration "tiergate" does not exist' in log
    assert 'failed    namespace "dev", tier "dev": a pod with limits.cpu 501m was admitted' in log
    state = cluster.kubectl(f"get pod tiergate-verify -n {NAMESPACE} -o json").json["status"]
    if cluster.plane is not None:
        assert "was admitted" in state["containerStatuses"][0]["state"]["terminated"]["message"]
    has_no_hook_left(cluster)


def an_older_chart(folder: Path) -> Path:
    """Return a copy of the chart whose definition is of an earlier release and knows no exemptions."""
    chart = folder / "tiergate"
    shutil.copytree(CHART, chart)
    file = chart / "crds" / "tiers.yaml"
    definition = yaml.safe_load(file.read_text())
    definition["metadata"]["annotations"]["tiergate.io/version"] = "0.0.9"
    del spec_of(definition)["exemptions"]
    file.write_text(yaml.safe_dump(definition))
    return chart


def spec_of(definition: Object) -> dict[str, Any]:
    """Return the properties of a Tier's spec as the definition knows them."""
    (version,) = definition["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    return found


def helm(cluster: Cluster, verb: str, chart: Path, values: Mapping[str, Any]) -> Result:
    settings = " ".join(f"--set {value}" for value in cluster.chart_values)
    line = f"helm {verb} {NAME} {chart} -n {NAMESPACE} --timeout 120s -f - {settings}"
    result = cluster.run(line, stdin=json.dumps(values))
    assert result.code == 0, result.text
    return result


@pytest.mark.long
def test_an_upgrade_raises_the_definition_and_a_downgrade_keeps_it(by_helm: Cluster, tmp_path: Path) -> None:
    """What only the new definition knows is accepted in the same upgrade, and survives the way back."""
    release = Release(by_helm)
    exempt: dict[str, Any] = {"exemptions": {"groups": ["system:masters"]}}
    plain: dict[str, Any] = {"tiers": {"dev": {"spec": {}}}}
    new: dict[str, Any] = {"tiers": {"dev": {"spec": exempt}, "late": {"spec": exempt}}}
    older = an_older_chart(tmp_path)
    try:
        helm(by_helm, "install --create-namespace", older, plain)
        assert "exemptions" not in spec_of(by_helm.kubectl(f"get {CRD} -o json").json)
        uid = by_helm.kubectl(f"get {CRD} -o json").json["metadata"]["uid"]

        helm(by_helm, "upgrade", CHART, new)
        for tier in ("dev", "late"):
            assert by_helm.kubectl(f"get tier {tier} -o json").json["spec"]["exemptions"] == exempt["exemptions"]
        assert "raised from release 0.0.9 to 0.1.0" in log_of(by_helm, "tiergate-crds")
        has_no_hook_left(by_helm)

        helm(by_helm, "upgrade", CHART, new)
        assert "is that of release 0.1.0 already" in log_of(by_helm, "tiergate-crds")

        helm(by_helm, "upgrade", older, new)
        kept = by_helm.kubectl(f"get {CRD} -o json").json
        assert (kept["metadata"]["uid"], kept["metadata"]["annotations"]["tiergate.io/version"]) == (uid, "0.1.0")
        assert "exemptions" in spec_of(kept)
        assert "kept as it is. It belongs to release 0.1.0" in log_of(by_helm, "tiergate-crds")
    finally:
        release.remove_all()


def says_so_of_what_is_excluded(release: Release) -> None:
    """A namespace that the webhooks are not asked about, and again."""
    cluster = release.cluster
    others = "kubectl wait --for=condition=Enforcing tier prod staging --timeout=1s"
    release.upgrade({"webhook": {"excludeNamespaces": ["dev"]}})
    until(lambda: "NamespaceExcluded" in cluster.kubectl("get tier dev").out, "the tier says what is excluded")
    assert "excludes namespace dev:" in cluster.kubectl("get tier dev -o yaml").out
    assert (
        "must specify limits.cpu"
        in cluster.run("kubectl create -n dev --dry-run=server -f -", stdin=json.dumps(a_pod("bare"))).err
    )
    assert cluster.run(others).code == 0
    release.upgrade()
    release.until_in_force()
    assert a_bare_pod(cluster, "dev") == DEV


def test_what_an_uninstallation_leaves_is_usable_and_taken_up_again(release: Release) -> None:
    """Quotas stay, and so do defaults: as a LimitRange until the controller is back."""
    cluster = release.cluster
    release.install()
    release.until_in_force()
    assert a_bare_pod(cluster, "dev") == DEV
    says_so_of_what_is_excluded(release)

    release.uninstall()
    for kind in CONFIGURATIONS:
        assert "NotFound" in cluster.run(f"kubectl get {kind} {NAME}").err
    left = cluster.kubectl("get limitrange tier -n dev -o json").json
    assert left["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "dev"}
    assert left["spec"]["limits"] == [{"type": "Container", **CONTAINER["dev"]}]
    assert a_bare_pod(cluster, "dev") == DEV
    has_no_hook_left(cluster)
    tiers = cluster.kubectl("get tiers -o json").json["items"]
    assert [one["metadata"]["name"] for one in tiers] == sorted(CONTAINER)
    for one in tiers:
        said = {each["type"]: (each["status"], each["reason"]) for each in one["status"]["conditions"]}
        assert said == dict.fromkeys(("Ready", "Enforcing"), ("False", "Uninstalled"))

    release.install()
    release.until_in_force()
    until(lambda: "No resources" in cluster.kubectl("get limitrange -A").text, "the LimitRanges are gone again")
    assert a_bare_pod(cluster, "dev") == DEV


def metrics(cluster: Cluster, token: str) -> tuple[int, str]:
    """Scrape one replica with a token: the HTTP status and the text."""
    replica = replicas(cluster)[0]
    connection = http.client.HTTPSConnection(replica.address, replica.port, timeout=10, context=UNVERIFIED)
    with closing(connection):
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def silence(cluster: Cluster, token: str) -> float:
    """Return for how many seconds a replica has seen no controller lead."""
    (line,) = (one for one in metrics(cluster, token)[1].splitlines() if one.startswith(SILENCE))
    return float(line.removeprefix(SILENCE))


@pytest.mark.long
@pytest.mark.parametrize("by_helm", ["helm"], indirect=True)
def test_what_alerts_rest_on_is_seen_in_the_metrics(by_helm: Cluster) -> None:
    """A deleted registration and the lack of a leader, read by an account that may; another one may not."""
    if by_helm.plane is None:
        pytest.skip("replicas can be reached from here on the harness's own control plane only")
    release = Release(by_helm, (ENVIRONMENTS,))
    reader = {"name": "scraper", "namespace": NAMESPACE}
    monitor = yaml.safe_dump(SERVICE_MONITOR)
    try:
        by_helm.kubectl("apply -f -", stdin=monitor)
        by_helm.until_served("servicemonitors.monitoring.coreos.com")
        release.install({"monitoring": {"serviceMonitor": {"enabled": True, "account": reader}}})
        release.until_in_force()
        for name in ("scraper", "stranger"):
            by_helm.kubectl(f"create serviceaccount {name} -n {NAMESPACE}")
        token, other = (
            by_helm.kubectl(f"create token {name} -n {NAMESPACE}").out.strip() for name in ("scraper", "stranger")
        )
        assert metrics(by_helm, other)[0] == 403
        held = 'tiergate_tier_condition{condition="Enforcing",reason="WebhooksRegistered",tier="dev"} 1.0'
        until(lambda: held in metrics(by_helm, token)[1], "the tier is shown as enforced")
        by_helm.kubectl(f"delete {CONFIGURATIONS[0]} {NAME}")
        lost = 'tiergate_tier_condition{condition="Enforcing",reason="WebhookConfigurationMissing",tier="dev"} 0.0'
        until(lambda: lost in metrics(by_helm, token)[1], "the tier is shown as not enforced")
        assert silence(by_helm, token) < LOOK + 2 * LeaseTiming().retry_period
        by_helm.kubectl(f"scale deployment tiergate-controller -n {NAMESPACE} --replicas=0")
        until(lambda: silence(by_helm, token) > 3 * LOOK, "nobody is seen to lead")
    finally:
        release.remove_all()
        by_helm.kubectl("delete --ignore-not-found -f -", stdin=monitor)


@pytest.mark.long
def test_uninstalling_without_hooks_after_the_webhooks_were_removed_by_hand(release: Release) -> None:
    """Whatever state the installation is in: no hook is needed to get rid of it."""
    cluster = release.cluster
    release.install()
    release.until_in_force()
    cluster.kubectl(f"delete {','.join(CONFIGURATIONS)} {NAME}")
    release.uninstall("--no-hooks")
    cluster.kubectl("get resourcequota tier -n dev")
    explicit = a_pod("explicit", limits=DEV["limits"], requests=DEV["requests"])
    cluster.kubectl("create -n dev --dry-run=server -f -", stdin=json.dumps(explicit))
