"""Render the chart with the real helm and give back parsed objects."""

from __future__ import annotations

import copy
import functools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.controlplane import binaries
from tests.controlplane.cluster import Cluster

CHART: Final = Path(__file__).parents[2] / "charts" / "tiergate"
ENVIRONMENTS: Final = CHART / "values" / "environments.yaml"
TEAMS: Final = CHART / "values" / "teams.yaml"
VALUES_FILES: Final = {
    "defaults": (),
    "environments": (ENVIRONMENTS,),
    "teams": (TEAMS,),
    "both": (ENVIRONMENTS, TEAMS),
}
"""What a user may install from: no file, one of the ready ones, both together."""
NAMESPACE: Final = "webhook-system"
RELEASE: Final = "some-release"
KUBERNETES: Final = "1.37.2"
HOOK: Final = "helm.sh/hook"
_BETWEEN: Final = re.compile(r"^---$", re.MULTILINE)

Object = dict[str, Any]


class RefusedError(Exception):
    """Helm refused the values; the text is what the user reads."""


class Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader where there is one
    """A reader of YAML that refuses a key that stands twice in a map, as kustomize and Flux do."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Return the map; ConstructorError names a key that is there already."""
        keys = [key.value for key, _ in node.value]
        if twice := {key for key in keys if keys.count(key) > 1}:
            msg = f"twice in one map: {sorted(twice)}"
            raise yaml.constructor.ConstructorError(None, None, msg, node.start_mark)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


@functools.lru_cache(maxsize=4096)
def _parsed(document: str) -> tuple[Object, ...]:
    """Return the object of a document, if there is one: most documents of two renders are equal."""
    return tuple(item for item in yaml.load_all(document, Strict) if item is not None)  # a safe loader


def find_helm(name: str = "helm") -> str | None:
    """Return the built helm of this name (`helm` or `helm3`); for `helm` the user's own will do, too."""
    found, _ = binaries.find([program for program in binaries.ALL if program.name == name])
    if name in found:
        return str(found[name])
    return shutil.which(name) if name == "helm" else None


@dataclass(frozen=True)
class Rendered:
    """The objects of one rendering, addressed by kind and name; what exists only while a hook runs is apart."""

    text: str
    objects: tuple[Object, ...]
    hooks: tuple[Object, ...] = ()

    def one(self, kind: str, name: str) -> Object:
        """Return the only object of this kind and name."""
        (found,) = (item for item in self.of(kind) if item["metadata"]["name"] == name)
        return found

    @property
    def everything(self) -> tuple[Object, ...]:
        """Return all objects, those of hooks last."""
        return (*self.objects, *self.hooks)

    def hook(self, kind: str, name: str) -> Object:
        """Return the only object of this kind and name among the hooks' objects."""
        (found,) = (item for item in self.hooks if (item["kind"], item["metadata"]["name"]) == (kind, name))
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
        release: str = RELEASE,
        chart: Path = CHART,
        apis: tuple[str, ...] = (),
    ) -> Rendered:
        """Render offline; values win over files. `apis` are what the API server serves besides Kubernetes' own.

        Raises:
            RefusedError: the schema, the chart or its range of versions says no.
        """
        options = (
            f"--namespace={namespace}",
            f"--kube-version={kubernetes}",
            *(f"--api-versions={api}" for api in apis),
        )
        return self._render(json.dumps(values or {}), files, release, chart, options)

    def render_environments(self, values: Mapping[str, object] | None = None) -> Rendered:
        """Render with the values file of the three environments."""
        return self.render(values, ENVIRONMENTS)

    @functools.lru_cache(maxsize=64)  # noqa: B019  # one instance for the whole run
    def _render(
        self, values: str, files: tuple[Path, ...], release: str, chart: Path, options: tuple[str, ...]
    ) -> Rendered:
        text = self._run(
            *("template", release, str(chart), *options),
            *(f"--values={file}" for file in files),
            "--values=-",
            stdin=values,
        )
        items = [copy.deepcopy(item) for document in _BETWEEN.split(text) for item in _parsed(document)]
        hooks = tuple(item for item in items if HOOK in item["metadata"].get("annotations", {}))
        return Rendered(text, tuple(item for item in items if item not in hooks), hooks)

    def _run(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run([self.path, *arguments], input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RefusedError(done.stderr + done.stdout)
        return done.stdout


def remove(cluster: Cluster, *namespaces: str) -> None:
    """Delete namespaces; in a cluster that lives on wait until they are gone, for the next test may want them."""
    cluster.kubectl(f"delete namespace {' '.join(namespaces)} --wait={'false' if cluster.plane else 'true'}")
