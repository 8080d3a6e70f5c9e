"""Runs ``tiergate check`` in a folder of manifests, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tiergate.cli.entry import main

TIERS: Final = """\
apiVersion: tiergate.io/v1alpha1
kind: Tier
metadata: {name: dev}
spec:
  limits:
  - type: Container
    defaultRequest: {cpu: 100m, memory: 128Mi}
    default: {cpu: 250m, memory: 256Mi}
    min: {cpu: 10m, memory: 32Mi}
    max: {cpu: 500m, memory: 512Mi}
  quotas:
  - name: compute
    hard: {requests.cpu: "2", limits.cpu: "4", pods: "20", requests.storage: 10Gi}
"""
AROUND: Final = ("--tiers", "around/tiers.yaml", "--namespaces", "around/namespaces.yaml")
"""Where the tier and the namespace of the fixture are."""
KNOWN: Final = (*AROUND, "--usage", "none")
NAMESPACE: Final = "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev, labels: {tiergate.io/tier: dev}}\n"


class Ran(msgspec.Struct, frozen=True):
    """What a run said."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line."""
        return self.out.splitlines()[-1]

    @property
    def report(self) -> dict[str, Any]:
        """The report in JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def rules(self) -> list[str]:
        """The rule of each finding, in order, of a report in JSON."""
        return [one["rule"] for one in self.report["findings"]]


class Folder:
    """A folder of files, which is the current one while ``tiergate check`` runs."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Take the folder."""
        self.path = path
        self._capsys = capsys

    def write(self, files: Mapping[str, str]) -> None:
        """Write files by name."""
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def check(self, *arguments: str) -> Ran:
        """Run the command."""
        try:
            code = main(["check", *arguments])
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else -1
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)


def deployment(  # noqa: PLR0913, RUF100  # the fields that matter here
    name: str = "agent",
    *,
    namespace: str = "dev",
    replicas: int = 1,
    cpu: str = "100m",
    kind: str = "Deployment",
    more: str = "",
    annotations: str = "",
) -> str:
    """Return a Deployment, or another kind with the same fields, whose pods ask so much cpu."""
    group = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    count = f"parallelism: {replicas}" if kind == "Job" else f"replicas: {replicas}"
    return (
        f"apiVersion: {group}\nkind: {kind}\n"
        f"metadata:\n  name: {name}\n  namespace: {namespace}\n  annotations: {{{annotations}}}\n"
        f"spec:\n  {count}\n{more}  template:\n    spec:\n      containers:\n      - name: agent\n"
        f"        resources:\n          requests: {{cpu: {cpu}}}\n          limits: {{cpu: 500m}}\n"
    )


def pod(name: str = "one", *, namespace: str = "dev", resources: str = "{}", annotations: str = "") -> str:
    """Return a pod of one container."""
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: {namespace}\n"
        f"  annotations: {{{annotations}}}\nspec:\n  containers:\n  - name: agent\n    resources: {resources}\n"
    )


def quota(used: Mapping[str, str], *, namespace: str = "dev", name: str = "tier", managed: bool = True) -> str:
    """Return the ResourceQuota of the tier as the cluster shows it, with so much used."""
    hard = {"requests.cpu": "2", "limits.cpu": "4", "pods": "20", "requests.storage": "10Gi"}
    labels = {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "dev"} if managed else {}
    shown = {name: used.get(name, "0") for name in hard}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"hard": hard},
            "status": {"hard": hard, "used": shown},
        }
    )
