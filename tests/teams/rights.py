"""What a person may do, as the API server says it: by its rules, and by asking for every verb of every resource."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.controlplane import binaries
from tests.controlplane.cluster import Cluster, RawApi

Grant = tuple[str, str, str]
"""API group, resource with its subresource, verb; a grant of one object only has `resource:name`."""
READ: Final = ("get", "list", "watch")
WRITE: Final = ("create", "update", "patch", "delete", "deletecollection")
VERBS: Final = (*READ, *WRITE, "impersonate", "bind", "escalate", "assign", "use", "approve", "sign")
"""Every verb of the API, and those that only RBAC knows."""


@dataclass(frozen=True)
class Person:
    """A user of one group."""

    name: str
    group: str | None = None

    @property
    def flags(self) -> str:
        """Return what makes kubectl speak as this person."""
        return f"--as={self.name}" + (f" --as-group={self.group}" if self.group else "")


@dataclass(frozen=True)
class Resource:
    """A resource or subresource that the server offers."""

    group: str
    name: str
    namespaced: bool


def skip_unless_the_release_is_ours(cluster: Cluster) -> None:
    """Skip where the cluster is of another minor than the one that the test's expectation was written after."""
    version = cluster.kubectl("version -o json").json["serverVersion"]
    minor = f"v{version['major']}.{version['minor'].rstrip('+')}"
    if not binaries.KUBERNETES.startswith(f"{minor}."):
        pytest.skip(f"written after {binaries.KUBERNETES}, this is {version['gitVersion']}")


def grants(rules: Iterable[Mapping[str, Any]]) -> frozenset[Grant]:
    """Return what rules grant, one by one."""
    found: set[Grant] = set()
    for rule in rules:
        resources = rule.get("resources", ())
        if names := rule.get("resourceNames"):
            resources = [f"{resource}:{name}" for resource in resources for name in names]
        found.update(itertools.product(rule.get("apiGroups", ()), resources, rule["verbs"]))
    return frozenset(found)


def role(cluster: Cluster, name: str) -> frozenset[Grant]:
    """Return what a ClusterRole grants, aggregated rules included."""
    return grants(cluster.kubectl(f"get clusterrole {name} -o json").json["rules"])


def rules_of(cluster: Cluster, person: Person, namespace: str) -> frozenset[Grant]:
    """Return what the server says that the person may do in the namespace, by a SelfSubjectRulesReview."""
    review = '{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectRulesReview","spec":{"namespace":"%s"}}'
    answer = cluster.kubectl(f"create -o json --validate=false -f - {person.flags}", stdin=review % namespace)
    return grants(answer.json["status"]["resourceRules"])


def resources(raw_api: RawApi) -> frozenset[Resource]:
    """Return every resource of every version that the server offers."""
    groups = raw_api.call("GET", "/apis")[1]["groups"]
    versions = [version["groupVersion"] for group in groups for version in group["versions"]]
    found = set(_listed(raw_api, "/api/v1", ""))
    for version in versions:
        found.update(_listed(raw_api, f"/apis/{version}", version.partition("/")[0]))
    return frozenset(found)


def _listed(raw_api: RawApi, path: str, group: str) -> Iterator[Resource]:
    for each in raw_api.call("GET", path)[1]["resources"]:
        yield Resource(group, each["name"], each["namespaced"])


def allowed(raw_api: RawApi, person: Person, namespace: str, wanted: Collection[Resource]) -> frozenset[Grant]:
    """Return which verbs of the resources the person may use there; '' is no namespace. Asks for each."""
    questions = [(each.group, each.name, verb) for each in wanted for verb in VERBS]
    ask = _asker(raw_api, person, namespace)
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(ask, questions)
        return frozenset(question for question, answer in zip(questions, answers, strict=True) if answer)


def _asker(raw_api: RawApi, person: Person, namespace: str) -> Callable[[Grant], bool]:
    def ask(grant: Grant) -> bool:
        group, resource, verb = grant
        name, _, subresource = resource.partition("/")
        attributes = {"group": group, "resource": name, "subresource": subresource, "verb": verb}
        spec: dict[str, Any] = {"user": person.name, "resourceAttributes": {**attributes, "namespace": namespace}}
        spec["groups"] = ["system:authenticated", *([person.group] if person.group else [])]
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        status, answer = raw_api.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        if status != 201:
            msg = f"HTTP {status}: {answer}"
            raise RuntimeError(msg)
        return bool(answer["status"]["allowed"])

    return ask
