"""What people and other tools do to an installation, and the way back that docs/operate.md gives, with each Helm."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, ENVIRONMENTS, KUBERNETES
from tests.chart.switches import merged
from tests.cluster.by_hand import break_glass, shown
from tests.cluster.releases import CONFIGURATIONS, HELMS, NAME, TIERS, Release, is_helm_4, through
from tests.cluster.test_lifecycle import log_of
from tests.controlplane.cluster import NAMESPACE, Cluster, Say, until

pytestmark = pytest.mark.cluster

OWN_TIER = {"apiVersion": "tiergate.io/v1alpha1", "kind": "Tier", "metadata": {"name": "own"}}
GUARD = "namespaces.validate.tiergate.io"
RIGHTS = "serviceaccount,role,rolebinding,clusterrole,clusterrolebinding"
JOB = f"job/tiergate-uninstall -n {NAMESPACE}"
KUSTOMIZATION = f"""\
helmGlobals: {{chartHome: charts}}
helmCharts:
- name: tiergate
  releaseName: {NAME}
  namespace: {NAMESPACE}
  valuesFile: values.yaml
  kubeVersion: {KUBERNETES}
"""
"""Without a version Helm 3 renders for one of its own, which the chart refuses."""


@pytest.fixture(scope="module", params=HELMS)
def by_helm(request: pytest.FixtureRequest, bare_cluster: Cluster, say: Say) -> Cluster:
    """One cluster, as each Helm in turn sees it."""
    return through(request.param, bare_cluster, say)


@pytest.fixture(scope="module")
def release(by_helm: Cluster) -> Iterator[Release]:
    """A release of three environments in force: every test leaves one behind, as the way back is part of it."""
    release = Release(by_helm, (ENVIRONMENTS,))
    release.install()
    release.until_in_force()
    yield release
    release.remove_all()


def rendered(release: Release, folder: Path, by: str) -> str:
    """Return the release as another tool gets it from the chart."""
    cluster = release.cluster
    if by == "helm template":
        return release.attempt("template", None, f"--kube-version {KUBERNETES}").out
    (folder / "charts").mkdir()
    shutil.copytree(CHART, folder / "charts" / "tiergate")
    values: dict[str, Any] = yaml.safe_load(ENVIRONMENTS.read_text())
    for setting in cluster.chart_values:
        path, _, number = setting.partition("=")
        component, *inner, last = path.split(".")
        single: dict[str, Any] = {last: int(number)}
        values = merged(values, {component: {inner[0]: single} if inner else single})
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    (folder / "kustomization.yaml").write_text(KUSTOMIZATION)
    done = cluster.kubectl(f"kustomize --enable-helm --helm-command {cluster.programs['helm']} {folder}")
    assert "kind: Job" in done.out
    return done.out


@pytest.mark.parametrize(
    ("by", "flags"),
    [
        pytest.param("helm template", "", id="template-apply", marks=pytest.mark.long),
        pytest.param(
            "helm template", "--server-side --force-conflicts", id="template-apply-server-side", marks=pytest.mark.long
        ),
        pytest.param("kustomize", "", id="kustomize-apply"),
    ],
)
def test_what_others_render_and_apply_dismantles_nothing(release: Release, tmp_path: Path, by: str, flags: str) -> None:
    """The pre-delete hook is an ordinary Job then. It runs, says why it does nothing, and the webhook stays."""
    cluster = release.cluster
    before = uids(cluster)
    manifest = rendered(release, tmp_path, by)
    cluster.run(f"kubectl apply {flags} -f -", stdin=manifest)  # its Jobs and pods may be there already
    cluster.kubectl(f"wait --for=condition=Complete {JOB} --timeout=60s")
    said = log_of(cluster, "tiergate-uninstall")
    assert "nothing was changed: the Job tiergate-uninstall was not made by Helm (kubectl" in said
    assert uids(cluster) == before
    assert "No resources" in cluster.kubectl("get limitrange -A").text
    cluster.kubectl(f"delete {RIGHTS},job,pod,configmap -n {NAMESPACE} -l app.kubernetes.io/component=lifecycle")


def uids(cluster: Cluster) -> list[str]:
    """Return who the webhook and the controller are."""
    line = f"get {','.join(CONFIGURATIONS)},deployment -n {NAMESPACE} -o jsonpath={{.items[*].metadata.uid}}"
    return cluster.kubectl(line).out.split()


def policies(release: Release) -> dict[str, str]:
    return {entry["name"]: entry["failurePolicy"] for entry in release.entries()}


@pytest.mark.long
def test_an_installation_whose_namespace_was_deleted_is_made_again(release: Release) -> None:
    """The guard has no server then, and would refuse the chart's own namespaces: Helm says so and names the script."""
    cluster = release.cluster
    cluster.kubectl(f"delete namespace {NAMESPACE} staging --timeout=120s")
    refused = release.attempt("install", None, "--create-namespace")
    assert refused.code != 0
    assert f"its Service {NAMESPACE}/tiergate-webhook is gone" in refused.text
    assert "files/break-glass.sh of this chart with the argument remove" in refused.text
    assert f"{GUARD}: failurePolicy Fail, ready replicas of {NAMESPACE}/tiergate-webhook: 0" in (
        break_glass(cluster, "status").out
    )
    assert break_glass(cluster, "remove").code == 0
    release.install()
    release.until_in_force()
    cluster.kubectl("get namespace staging")


@pytest.mark.long
def test_an_installation_after_ignore_can_be_brought_to_an_end(release: Release) -> None:
    """Helm 4 stops in the middle at what kubectl owns; `upgrade --install` goes on with it."""
    cluster, before = release.cluster, policies(release)
    cluster.kubectl(f"delete namespace {NAMESPACE} --timeout=120s")
    assert break_glass(cluster, "ignore").code == 0
    first = release.attempt("install", None, "--create-namespace")
    if is_helm_4(release):
        assert "kubectl-patch" in first.text
    again = release.attempt("install", None, "--create-namespace")
    assert "name that is still in use" in again.text
    if is_helm_4(release):
        assert break_glass(cluster, "remove").code == 0
    release.upgrade(None, "--install", "--create-namespace")
    release.until_in_force()
    cluster.kubectl(f"delete namespace {NAMESPACE} --timeout=120s")
    assert break_glass(cluster, "ignore").code == 0
    flags = ["--force-conflicts"] if is_helm_4(release) else []
    release.upgrade(None, "--install", "--create-namespace", *flags)
    release.until_in_force()
    assert policies(release) == before


def test_nobody_waits_for_the_webhook_after_ignore(release: Release) -> None:
    """What would be refused for want of an answer is stored; an upgrade brings Fail back."""
    cluster = release.cluster
    before = policies(release)
    cluster.kubectl(f"scale deployment -n {NAMESPACE} --replicas=0 --all")
    until(lambda: "No resources" in cluster.kubectl(f"get pods -n {NAMESPACE}").text, "the pods are gone", seconds=60)
    bare = "run bare --image=bare -n dev --dry-run=server --overrides={}"
    until(lambda: "failed calling webhook" in cluster.run(f"kubectl {bare}").err, "nobody answers")
    done = break_glass(cluster, "ignore")
    assert done.code == 0, done.text
    assert set(policies(release).values()) == {"Ignore"}
    until(lambda: "failed calling webhook" not in cluster.run(f"kubectl {bare}").err, "nobody is waited for")
    assert break_glass(cluster, "ignore").code == 0, "it can be repeated"
    assert "must specify limits.cpu" in cluster.run(f"kubectl {bare}").err
    made = shown(cluster, "tier=prod", prod="dev")
    assert made.code == 0, made.text
    until(lambda: cluster.run(f"kubectl {bare}").code == 0, "pods get the tier's defaults")
    healed(release)
    until(lambda: "No resources" in cluster.kubectl("get limitrange -A").text, "the LimitRanges are gone again")
    release.until_in_force()
    assert policies(release) == before
    assert break_glass(cluster, "open").code == 2


def healed(release: Release) -> None:
    """Upgrade without a change of the values. Helm 4 refuses first what kubectl owns, and says so."""
    upgraded = release.attempt("upgrade")
    if is_helm_4(release):
        assert upgraded.code != 0
        assert "conflict" in upgraded.text
        release.upgrade(None, "--force-conflicts")
    else:
        assert upgraded.code == 0, upgraded.text


@pytest.mark.long
@pytest.mark.parametrize(
    ("line", "shown", "expected"),
    [
        pytest.param(
            "label namespace dev tiergate.io/tier=staging --overwrite",
            r"namespace dev -o jsonpath={.metadata.labels.tiergate\.io/tier}",
            "dev",
            id="a-label",
        ),
        pytest.param(
            f"scale deployment tiergate-webhook -n {NAMESPACE} --replicas=1",
            f"deployment tiergate-webhook -n {NAMESPACE} -o jsonpath={{.spec.replicas}}",
            "2",
            id="replicas",
        ),
        pytest.param(
            """patch tier dev --type merge -p '{"spec":{"enforcement":"Warn"}}'""",
            "tier dev -o jsonpath={.spec.enforcement}",
            "Enforce",
            id="a-mode-that-no-value-names",
        ),
    ],
)
def test_an_upgrade_heals_what_was_changed_by_hand(release: Release, line: str, shown: str, expected: str) -> None:
    """Helm 3 compares custom resources with its own last manifest only: there the mode is patched back."""
    cluster = release.cluster
    shown = shown.replace("\\.", "\\\\.")
    cluster.kubectl(line)
    assert cluster.kubectl(f"get {shown}").out != expected
    healed(release)
    if "patch tier" in line and not is_helm_4(release):
        assert cluster.kubectl(f"get {shown}").out == "Warn"
        cluster.kubectl(line.replace("Warn", expected))
        release.upgrade()
    assert cluster.kubectl(f"get {shown}").out == expected


@pytest.mark.long
def test_a_deleted_definition_and_its_tiers_come_back(release: Release, tmp_path: Path) -> None:
    """From crds/ by hand, which no upgrade does: then the next one lays the tiers down again, the others the backup."""
    cluster = release.cluster
    cluster.kubectl("create -f -", stdin=json.dumps({**OWN_TIER, "spec": {}}))
    cluster.kubectl("wait --for=condition=Ready tier/own --timeout=60s")
    backup = {"tiers.json": str(tmp_path / "tiers.json")}
    saved = shown(cluster, "kubectl get tiers -o json | jq 'del", **backup)
    assert saved.code == 0, saved.text
    cluster.kubectl(f"delete crd {TIERS} --timeout=60s")
    assert release.attempt("upgrade").code != 0
    cluster.kubectl(f"apply --server-side -f {CHART / 'crds'}")
    cluster.until_served("tiers")
    restored = shown(cluster, "kubectl apply --server-side --force-conflicts -f tiers.json", **backup)
    assert restored.code == 0, restored.text
    assert shown(cluster, "kubectl apply --server-side --force-conflicts -f tiers.json", **backup).code == 0
    release.upgrade()
    release.until_in_force()
    cluster.kubectl("delete tier own")


@pytest.mark.long
def test_a_deleted_secret_comes_back_with_an_upgrade(release: Release) -> None:
    """The controller may not create it, and fills it again."""
    cluster = release.cluster
    cluster.kubectl(f"delete secret tiergate-webhook-tls -n {NAMESPACE}")
    release.upgrade()
    shown = f"get secret tiergate-webhook-tls -n {NAMESPACE} -o jsonpath={{.data}}"
    until(lambda: "tls.crt" in cluster.kubectl(shown).out, "the controller has filled the Secret")
    release.until_in_force()


@pytest.mark.long
def test_a_hook_that_fails_leaves_no_rights_behind(release: Release) -> None:
    """And can be repeated when what was in its way is gone."""
    cluster = release.cluster
    cluster.kubectl("create quota blocked -n dev --hard=count/limitranges=0")
    cluster.kubectl("wait --for=jsonpath={.status.hard} resourcequota/blocked -n dev --timeout=30s")
    failed = cluster.run(f"helm uninstall {NAME} -n {NAMESPACE} --timeout 60s")
    assert failed.code != 0
    assert "tiergate-uninstall" not in cluster.kubectl(f"get {RIGHTS} -A -o name").out
    for kind in CONFIGURATIONS:
        cluster.kubectl(f"get {kind} {NAME}")
    cluster.kubectl("delete quota blocked -n dev")
    release.uninstall()
    cluster.kubectl("get limitrange tier -n dev")
    release.install()
    release.until_in_force()
    until(lambda: "No resources" in cluster.kubectl("get limitrange -A").text, "the LimitRanges are gone again")
