"""One release of the chart, made with one Helm from one set of values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chart.helm import CHART
from tests.controlplane import binaries
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, CommandFailed, Result, Say, until

NAME: Final = "tiergate"
KEEP: Final = "helm.sh/resource-policy"
HELMS: Final = (pytest.param("helm3", marks=pytest.mark.long), "helm")
"""What differs between the majors is tried by `make test` in one whole life each (test_install.py)."""
TIERS: Final = "tiers.tiergate.io"
CONFIGURATIONS: Final = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
Key = tuple[str, str, str]
"""Kind, namespace ('' for none) and name."""


def through(helm: str, cluster: Cluster, say: Say) -> Cluster:
    """Return the cluster as one Helm (`helm3` or `helm`) sees it."""
    return replace(cluster, programs={**cluster.programs, "helm": binaries.ensure(say, {helm})[helm]})


def key(item: Object) -> Key:
    """Return what names an object."""
    metadata = item["metadata"]
    return item["kind"], metadata.get("namespace", ""), metadata["name"]


def is_kept(item: Object) -> bool:
    """Return whether an uninstallation leaves the object."""
    return bool(item["metadata"].get("annotations", {}).get(KEEP) == "keep")


@dataclass(frozen=True)
class Release:
    """The release `tiergate` in the release namespace; `files` are values files, `values` win over them.

    Every installation and upgrade is told all its values, as a pipeline does.
    """

    cluster: Cluster
    files: tuple[Path, ...] = ()
    chart: Path = CHART

    def install(self, values: Mapping[str, Any] | None = None, *flags: str) -> Result:
        """Install, which must succeed."""
        return _good(self.attempt("install", values, "--create-namespace", *flags))

    def upgrade(self, values: Mapping[str, Any] | None = None, *flags: str) -> Result:
        """Upgrade, which must succeed."""
        return _good(self.attempt("upgrade", values, *flags))

    def uninstall(self, *flags: str) -> Result:
        """Uninstall and wait until everything that goes is gone."""
        return _good(self.cluster.run(f"helm uninstall {NAME} -n {NAMESPACE} --wait --timeout 120s {' '.join(flags)}"))

    def attempt(self, verb: str, values: Mapping[str, Any] | None = None, *flags: str) -> Result:
        """Run `helm install` or `helm upgrade`, whatever comes of it."""
        where = f"{NAME} {self.chart} -n {NAMESPACE}"
        files = " ".join(f"-f {file}" for file in self.files)
        settings = " ".join(f"--set {value}" for value in self.cluster.chart_values)
        line = f"helm {verb} {where} {files} -f - {settings} {' '.join(flags)}"
        return self.cluster.run(line, stdin=json.dumps(values or {}))

    def status(self) -> str:
        """Return the status of the latest revision, such as `deployed` or `failed`; '' without a release."""
        asked = self.cluster.run(f"helm status {NAME} -n {NAMESPACE} -o json")
        if asked.code != 0 and "not found" in asked.err:
            return ""
        return str(json.loads(_good(asked).out)["info"]["status"])

    def live(self) -> dict[Key, Object]:
        """Return the release's own objects (hooks are none of them) as the server has them now."""
        manifest = _good(self.cluster.run(f"helm get manifest {NAME} -n {NAMESPACE}")).out
        return self.found(manifest)

    def found(self, manifest: str) -> dict[Key, Object]:
        """Return which objects of a manifest the server has."""
        answer = self.cluster.kubectl("get --ignore-not-found -o json -f -", stdin=manifest).out
        if not answer:
            return {}
        parsed = json.loads(answer)
        return {key(item): item for item in parsed.get("items", [parsed])}

    def versions(self) -> dict[Key, str]:
        """Return the resourceVersion of each of the release's own objects."""
        return {name: item["metadata"]["resourceVersion"] for name, item in self.live().items()}

    def until_in_force(self) -> None:
        """Wait until every replica is ready and every tier of the release is in force."""
        for component in ("webhook", "controller"):
            self.cluster.kubectl(f"rollout status deployment/tiergate-{component} -n {NAMESPACE} --timeout=120s")
        if any(kind == "Tier" for kind, _, _ in self.live()):
            for condition in ("Ready", "Enforcing"):
                self.cluster.kubectl(f"wait --for=condition={condition} tier --all --timeout=60s")
        until(lambda: all(self.bundles()), "the controller has written every caBundle", seconds=60)

    def until_settled(self) -> None:
        """Wait until old pods are gone and nothing of the release has changed for a second: a status tells of both."""
        seen: list[dict[Key, str]] = []

        def is_still() -> bool:
            seen.append(self.versions())
            return len(seen) > 1 and seen[-1] == seen[-2] and not self._stopping()

        until(is_still, "the objects of the release stay as they are", seconds=60, pause=1)

    def _stopping(self) -> list[str]:
        pods = self.cluster.kubectl(f"get pods -n {NAMESPACE} -o json").json["items"]
        return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" in pod["metadata"]]

    def bundles(self) -> tuple[str, ...]:
        """Return the caBundle of each entry of both configurations, '' where there is none."""
        return tuple(entry["clientConfig"].get("caBundle", "") for entry in self.entries())

    def entries(self) -> Iterator[Object]:
        """Yield the entries of both webhook configurations as the server has them now."""
        for kind in CONFIGURATIONS:
            yield from self.cluster.kubectl(f"get {kind} {NAME} -o json").json["webhooks"]

    def remove_all(self) -> None:
        """Remove the release and everything that it keeps, whatever state it is in."""
        cluster = self.cluster
        if self.status():
            cluster.run(f"helm uninstall {NAME} -n {NAMESPACE} --no-hooks")
        for kind in CONFIGURATIONS:
            cluster.kubectl(f"delete {kind} {NAME} --ignore-not-found")
        cluster.kubectl(f"delete pods --all -n {NAMESPACE} --grace-period=0 --force --wait=false")
        governed = cluster.kubectl("get namespaces -l tiergate.io/tier -o name").out.split()
        names = " ".join((NAMESPACE, *(name.removeprefix("namespace/") for name in governed)))
        cluster.kubectl(f"delete namespace {names} --ignore-not-found --timeout=120s")
        cluster.kubectl(f"delete crd {TIERS} --ignore-not-found --timeout=60s")
        cluster.kubectl("delete clusterrole,clusterrolebinding -l app.kubernetes.io/name=tiergate")


def versions_of_all(cluster: Cluster) -> dict[Key, str]:
    """Return the resourceVersion of what an installation consists of, whoever applied it."""
    kinds = ",".join((*CONFIGURATIONS, "deployment", "tier", "secret", "namespace", "service"))
    items = cluster.kubectl(f"get {kinds} -n {NAMESPACE} -o json").json["items"]
    return {key(item): item["metadata"]["resourceVersion"] for item in items}


def is_helm_4(release: Release) -> bool:
    """Say which major acts: it applies server-side."""
    return release.cluster.run("helm version --short").out.startswith("v4")


def _good(result: Result) -> Result:
    if result.code != 0:
        raise CommandFailed(result)
    return result
