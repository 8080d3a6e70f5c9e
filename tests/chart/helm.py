"""Render the chart with the real helm and give back parsed objects."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.controlplane import binaries

CHART: Final = Path(__file__).parents[2] / "charts" / "tiergate"
ENVIRONMENTS: Final = CHART / "values" / "environments.yaml"
NAMESPACE: Final = "gate-system"
RELEASE: Final = "some-release"
KUBERNETES: Final = "1.37.2"

Object = dict[str, Any]


class RefusedError(Exception):
    """Helm refused the values; the text is what the user reads."""


def find_helm() -> str | None:
    """Return the helm that the control plane's cache or the user's PATH holds."""
    wanted = [program for program in binaries.PROGRAMS if program.name == "helm"]
    found, _ = binaries.find(binaries.folders(), wanted)
    return str(found["helm"]) if "helm" in found else shutil.which("helm")


@dataclass(frozen=True)
class Rendered:
    """The objects of one rendering, addressed by kind and name."""

    text: str
    objects: tuple[Object, ...]

    def one(self, kind: str, name: str) -> Object:
        """Return the only object of this kind and name."""
        (found,) = (item for item in self.of(kind) if item["metadata"]["name"] == name)
        return found

    def of(self, kind: str) -> Iterator[Object]:
        """Yield the objects of a kind, in the order of the rendering."""
        return (item for item in self.objects if item["kind"] == kind)

    def names(self, kind: str) -> set[str]:
        """Return the names of the objects of a kind."""
        return {item["metadata"]["name"] for item in self.of(kind)}

    def entries(self) -> dict[str, Object]:
        """Return the webhook entries of both configurations by name."""
        kinds = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
        return {entry["name"]: entry for kind in kinds for entry in self.one(kind, "tiergate")["webhooks"]}

    def pod(self, component: str) -> Object:
        """Return the pod spec of a component's Deployment."""
        spec: Object = self.one("Deployment", f"tiergate-{component}")["spec"]["template"]["spec"]
        return spec

    def container(self, component: str) -> Object:
        """Return the only container of a component."""
        (container,) = self.pod(component)["containers"]
        assert isinstance(container, dict)
        return container


@dataclass(frozen=True)
class Helm:
    """The program, bound to our chart."""

    path: str

    def lint(self, *files: Path) -> str:
        """Lint with warnings as errors and return the report."""
        return self._run("lint", "--strict", str(CHART), *(f"--values={file}" for file in files))

    def render(
        self,
        values: Mapping[str, object] | None = None,
        *files: Path,
        namespace: str = NAMESPACE,
        kubernetes: str = KUBERNETES,
    ) -> Rendered:
        """Render offline; values win over files.

        Raises:
            RefusedError: the schema, the chart or its range of versions says no.
        """
        return self._render(json.dumps(values or {}), files, namespace, kubernetes)

    def render_environments(self, values: Mapping[str, object] | None = None) -> Rendered:
        """Render with the values file of the three environments."""
        return self.render(values, ENVIRONMENTS)

    @functools.lru_cache(maxsize=64)  # noqa: B019  # one instance for the whole run
    def _render(self, values: str, files: tuple[Path, ...], namespace: str, kubernetes: str) -> Rendered:
        text = self._run(
            *("template", RELEASE, str(CHART), f"--namespace={namespace}", f"--kube-version={kubernetes}"),
            *(f"--values={file}" for file in files),
            "--values=-",
            given=values,
        )
        return Rendered(text, tuple(item for item in yaml.safe_load_all(text) if item is not None))

    def _run(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run([self.path, *arguments], input=given, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RefusedError(done.stderr + done.stdout)
        return done.stdout
