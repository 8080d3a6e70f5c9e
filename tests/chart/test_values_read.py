"""What the values and the release say reaches the objects as it is, once, whatever it is called and whoever says it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, ENVIRONMENTS, TEAMS, VALUES_FILES, Helm, Object, Rendered, Strict
from tests.chart.schemas import FOREIGN, NEWEST, faults
from tests.chart.switches import Values, merged
from tiergate.manifests.documents import ManifestFault
from tiergate.manifests.stream import documents

pytestmark = pytest.mark.helm

# DNS labels that YAML 1.1 or 1.2 reads as something else than text, where they are not quoted.
NAMES = ["1234", "0777", "0x1f", "0b11", "1e3", "2026-01-01", "no", "on", "y", "false", "null"]
PLAIN = "plain-name"


def named(name: str) -> Values:
    """Return values that say a name wherever a name can be said."""
    tied = {"tier": name, "groups": [name], "labels": {name: name}, "annotations": {name: name}}
    pod = {
        "podLabels": {name: name},
        "podAnnotations": {name: name},
        "nodeSelector": {name: name},
        "priorityClassName": name,
        "runtimeClassName": name,
        "extraEnv": [{"name": name, "value": name}],
        "extraVolumes": [{"name": name, "configMap": {"name": name}}],
        "extraVolumeMounts": [{"name": name, "mountPath": "/etc/extra", "subPath": name}],
    }
    return {
        "tiers": {name: {"spec": {"quotas": [{"name": name, "hard": {f"{name}.example/thing": 1}}]}}},
        "namespaces": {name: tied, f"{name}-2": tied},
        "tenants": {
            "networkPolicies": {
                "enabled": True,
                "observability": {"namespace": name, "ports": [4317, "a1e3"], "scrapePorts": ["a1e3"]},
                "dns": {"namespace": name, "podLabels": {name: name}},
            }
        },
        "image": {"registry": name, "repository": name, "tag": name},
        "imagePullSecrets": [{"name": name}],
        "commonLabels": {name: name},
        "commonAnnotations": {name: name},
        "serviceAccount": {"annotations": {name: name}},
        "webhook": {**pod, **_webhook(name)},
        "controller": pod,
        "hooks": {**pod, "annotations": {name: name}},
        "tests": {"namespaces": [f"{name}-3"]},
        "certificates": {"mode": "existingSecret", "existingSecret": name},
        "monitoring": _monitoring(name),
        "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {name: name}}}],
    }


def _webhook(name: str) -> Values:
    return {
        "deploymentAnnotations": {name: name},
        "configurationLabels": {name: name},
        "configurationAnnotations": {name: name},
        "service": {"annotations": {name: name}},
        "clientCA": {"configMap": name, "key": name, "allowedNames": [name]},
        "excludeNamespaces": [f"{name}-2"],
    }


def _monitoring(name: str) -> Values:
    there = {"namespace": name, "labels": {name: name}, "annotations": {name: name}}
    monitor = {**there, "jobLabel": name, "targetLabels": [name], "tokenSecret": {"name": name, "key": name}}
    return {
        "serviceMonitor": {"enabled": True, **monitor, "account": {"name": name, "namespace": name}},
        "prometheusRule": {"enabled": True, **there, "alertLabels": {name: name}},
        "dashboard": {"enabled": True, **there},
    }


CERT_MANAGER: Values = {"certificates": {"mode": "certManager", "existingSecret": ""}}


def renamed(item: object, name: str) -> object:
    """Return what was rendered with another name in place of the plain one."""
    text: object = json.loads(json.dumps(item).replace(PLAIN, name))
    return text


def by_name(rendered: Rendered) -> dict[tuple[str, str, str], Object]:
    found = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in rendered.everything}
    assert len(found) == len(rendered.everything)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_yaml_reads_as_something_else_stays_a_name(helm: Helm, name: str) -> None:
    """Every object is what a harmless name makes, but for the name: of tier, namespace, release, all of them."""
    for also in ({}, CERT_MANAGER)[: 2 if name == "1234" else 1]:
        plain = helm.render(merged(named(PLAIN), also), namespace=f"{PLAIN}-4", release=f"{PLAIN}-5")
        found = helm.render(merged(named(name), also), namespace=f"{name}-4", release=f"{name}-5")
        assert by_name(found) == {
            tuple(str(renamed(part, name)) for part in key): renamed(item, name) for key, item in by_name(plain).items()
        }
    alone = helm.render(named(f"{name}-6"), namespace=name, release=name)
    assert [fault for one in alone.everything if one["kind"] not in FOREIGN for fault in faults(one, NEWEST)] == []
    for rendered in (found, alone):  # as kubectl and Helm read it, whose YAML has other numbers than Python's
        read = [document for document in documents(rendered.text.encode()) if not isinstance(document, ManifestFault)]
        assert [json.loads(document.json) for document in read] == in_order(rendered)


def in_order(rendered: Rendered) -> list[Object]:
    return [item for item in yaml.load_all(rendered.text, Strict) if item is not None]  # a safe loader


@pytest.mark.parametrize("files", VALUES_FILES.values(), ids=VALUES_FILES)
def test_what_the_chart_sets_itself_wins_and_stands_once(helm: Helm, files: tuple[Path, ...]) -> None:
    """A label of commonLabels named like ours changes no selector; every test's reader refuses a key twice."""
    ours = {"app.kubernetes.io/part-of": "tiergate", "app.kubernetes.io/name": "tiergate"}
    theirs = {"commonLabels": {**dict.fromkeys(ours, "theirs"), "app.kubernetes.io/component": "theirs", "x": ""}}
    rendered = helm.render(theirs, *files)
    for item in rendered.everything:
        labels = item["metadata"]["labels"]
        assert labels.items() >= {**ours, "x": ""}.items(), item["metadata"]["name"]
    for item in rendered.of("Deployment"):
        spec = item["spec"]
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        assert (
            spec["selector"]
            == helm.render(None, *files).one("Deployment", item["metadata"]["name"])["spec"]["selector"]
        )


def test_a_null_drops_what_an_earlier_file_has_under_a_name(any_helm: Helm, tmp_path: Path) -> None:
    """An overlay takes away a namespace, a tier, a label or a limit, as kustomize users expect of a patch."""
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("""
        namespaces: {dev: null, prod: {labels: {pod-security.kubernetes.io/enforce: null}}}
        tiers: {dev: null}
        commonLabels: {team: null}
        webhook: {resources: {limits: null}, podLabels: {a: null}}
        podSecurityContext: {runAsUser: null, fsGroup: null}
        monitoring: {dashboard: {enabled: true, labels: {grafana_dashboard: null}}}
    """)
    first = tmp_path / "first.yaml"
    first.write_text("{commonLabels: {team: a, keep: b}, webhook: {podLabels: {a: b}}}")
    rendered = any_helm.render(None, ENVIRONMENTS, first, overlay)
    assert rendered.names("Namespace") == rendered.names("Tier") == {"staging", "prod"}
    assert json.loads(rendered.hook("ConfigMap", "tiergate-preflight")["data"]["values.json"])["tiers"].keys() == {
        "staging",
        "prod",
    }
    assert "pod-security.kubernetes.io/enforce" not in rendered.one("Namespace", "prod")["metadata"]["labels"]
    assert "grafana_dashboard" not in rendered.one("ConfigMap", "tiergate-dashboard")["metadata"]["labels"]
    pod = rendered.one("Deployment", "tiergate-webhook")["spec"]["template"]
    assert pod["metadata"]["labels"].keys() & {"team", "keep", "a"} == {"keep"}
    assert pod["spec"]["containers"][0]["resources"].keys() == {"requests"}
    assert pod["spec"]["securityContext"].keys() == {"runAsNonRoot", "runAsGroup", "seccompProfile"}


@pytest.mark.parametrize("deepest", [False, True], ids=["outermost", "innermost"])
def test_an_emptied_section_has_its_defaults(any_helm: Helm, *, deepest: bool) -> None:
    """`controller:` with everything below it commented out is a null, which takes all defaults away."""
    paths = [tuple(path.split(".")) for path in yaml.safe_load((CHART / "files" / "sections.yaml").read_text()) if path]
    chosen = [path for path in paths if deepest or len(path) == 1]
    emptied: dict[str, Any] = {}
    for path in sorted(chosen, key=len):
        within = emptied
        for name in path[:-1]:
            if not isinstance(within.get(name), dict):
                within[name] = {}
            within = within[name]
        within[path[-1]] = None
    assert len(chosen) > 10
    assert by_name(any_helm.render(emptied)) == by_name(any_helm.render())


@pytest.mark.parametrize("file", sorted((CHART / "ci").glob("*-values.yaml")), ids=lambda file: file.name)
def test_what_chart_testing_installs_is_valid(any_helm: Helm, file: Path) -> None:
    assert [fault for item in any_helm.render(None, file).everything for fault in faults(item, NEWEST)] == []


def test_an_extra_object_is_a_template_where_it_is_text(helm: Helm) -> None:
    """A map keeps its braces, which an alert of Prometheus has."""
    rendered = helm.render(None, CHART / "ci" / "everything-values.yaml", namespace="no")
    assert rendered.one("ConfigMap", "extra")["metadata"]["namespace"] == "no"
    assert rendered.one("ConfigMap", "braces")["data"] == {"summary": "{{ $labels.namespace }} is full"}


def test_it_works_as_a_dependency(any_helm: Helm, tmp_path: Path) -> None:
    """With a condition, values of the parent's under its name, nulls in them, and `global` for all charts."""
    parent = tmp_path / "platform"
    shutil.copytree(CHART, parent / "charts" / "tiergate")
    (parent / "Chart.yaml").write_text("""
        {apiVersion: v2, name: platform, version: 0.1.0,
         dependencies: [{name: tiergate, version: 0.1.0, condition: tiergate.enabled}]}
    """)
    own = yaml.safe_load(TEAMS.read_text())
    (parent / "values.yaml").write_text(
        yaml.safe_dump(
            {
                "global": {"imageRegistry": "mirror.test:5000", "storageClass": None, "deep": {"null": None}},
                "tiergate": merged(own, {"enabled": True, "controller": None, "commonLabels": None}),
            }
        )
    )
    rendered = any_helm.render(None, chart=parent)
    alone = any_helm.render({"global": {"imageRegistry": "mirror.test:5000"}}, TEAMS)
    assert by_name(rendered) == by_name(alone)
    assert rendered.container("webhook")["image"] == "mirror.test:5000/tiergate:0.1.0"
    assert any_helm.render({"tiergate": {"enabled": False}}, chart=parent).everything == ()


def test_every_template_makes_the_values_complete_first() -> None:
    """The order in which Helm renders is Helm's; a template that relies on another one's work fails one day."""
    templates = [path for path in (CHART / "templates").rglob("*") if path.suffix in {".yaml", ".txt"}]
    assert [path for path in templates if not path.read_text().startswith('{{- include "tiergate.values" . }}')] == []
