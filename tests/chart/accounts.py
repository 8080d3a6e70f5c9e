"""Ask a real API server as one of the chart's ServiceAccounts."""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import ssl
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from tests.chart.helm import Object
from tests.controlplane.cluster import Cluster

STANDARD_VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
# Verbs that mean something for a few resources only.
SPECIAL_VERBS: Final = {
    ("", "users"): ("impersonate",),
    ("", "groups"): ("impersonate",),
    ("", "serviceaccounts"): ("impersonate",),
    ("authentication.k8s.io", "userextras"): ("impersonate",),
    ("rbac.authorization.k8s.io", "roles"): ("bind", "escalate"),
    ("rbac.authorization.k8s.io", "clusterroles"): ("bind", "escalate"),
    ("certificates.k8s.io", "signers"): ("approve", "sign", "attest"),
    ("tiergate.io", "tiers"): ("assign",),
}
Grants = Mapping[tuple[str, str, str], set[str]]
"""Verbs by group, resource (with subresource) and name, '*' for any."""
Granted = tuple[str, str, str, str]
"""Group, resource, name and verb."""


def flat(grants: Grants) -> set[Granted]:
    """Return each permission by itself."""
    return {(*key, verb) for key, verbs in grants.items() for verb in verbs}


@dataclass(frozen=True)
class Resource:
    """What the API server serves: one resource or subresource of one version."""

    group: str
    version: str
    name: str
    kind: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Return the path of the collection, or of one object."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        resource, _, sub = self.name.partition("/")
        where = f"/namespaces/{namespace}" if self.namespaced else ""
        return "/".join(part for part in (f"{base}{where}/{resource}", name, sub if name else "") if part)


class Account:
    """The API server as one ServiceAccount sees it; several threads may ask at once."""

    def __init__(self, cluster: Cluster, name: str, namespace: str) -> None:
        config = cluster.kubectl("config view --minify --raw --flatten -o json").json["clusters"][0]["cluster"]
        authority = base64.b64decode(config["certificate-authority-data"]).decode()
        self._server = urlsplit(config["server"])
        self._context = ssl.create_default_context(cadata=authority)
        self._token = cluster.kubectl(f"create token {name} -n {namespace} --duration=1h").out.strip()
        self._idle: list[http.client.HTTPSConnection] = []

    def call(self, method: str, path: str, body: Object | None = None, *, merge: bool = False) -> tuple[int, Object]:
        """Send a request; return the HTTP status and the answer, empty for a watch, which is closed at once."""
        kind = "application/merge-patch+json" if merge else "application/json"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        with self._connection() as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            if "watch=true" in path and answer.status == http.client.OK:
                answer.close()
                connection.close()
                return answer.status, {}
            return answer.status, json.loads(answer.read())

    @contextlib.contextmanager
    def _connection(self) -> Iterator[http.client.HTTPSConnection]:
        """Yield a connection that nobody else uses meanwhile; a closed one opens itself again."""
        try:
            connection = self._idle.pop()
        except IndexError:
            host = self._server.hostname or ""
            connection = http.client.HTTPSConnection(host, self._server.port, timeout=30, context=self._context)
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        """Close every connection."""
        for connection in self._idle:
            connection.close()

    def may(self, namespace: str, permission: Granted) -> bool:
        """Ask the API server whether this account may."""
        group, resource, name, verb = permission
        resource, _, sub = resource.partition("/")
        asked = {"group": group, "resource": resource, "subresource": sub, "verb": verb, "namespace": namespace}
        if name != "*":
            asked["name"] = name
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        status, answer = self.call("POST", path, {**body, "spec": {"resourceAttributes": asked}})
        assert status == http.client.CREATED, answer
        return bool(answer["status"]["allowed"])

    def all_it_may(self, namespace: str, resources: Iterable[Resource]) -> set[Granted]:
        """Ask about every verb on every resource, in one namespace and cluster-wide."""
        asked = sorted(
            {(each.group, each.name, "*", verb) for each in resources for verb in STANDARD_VERBS}
            | {(*resource, "*", verb) for resource, verbs in SPECIAL_VERBS.items() for verb in verbs}
        )
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda one: self.may(namespace, one), asked)
            return set(itertools.compress(asked, answers))

    def rules(self, namespace: str) -> set[Granted]:
        """Return every permission that the API server knows of this account in a namespace, names included."""
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        status, answer = self.call("POST", path, {**body, "spec": {"namespace": namespace}})
        assert status == http.client.CREATED, answer
        return set(_permissions(answer["status"]["resourceRules"]))


def _permissions(rules: Iterable[Object]) -> Iterator[Granted]:
    for rule in rules:
        names = rule.get("resourceNames") or ["*"]
        yield from itertools.product(rule["apiGroups"], rule["resources"], names, rule["verbs"])


def discovered(cluster: Cluster) -> tuple[Resource, ...]:
    """Return everything that the API server serves, subresources included."""
    groups = cluster.kubectl("get --raw /apis").json["groups"]
    versions = [("", "v1"), *((each["name"], one["version"]) for each in groups for one in each["versions"])]
    return tuple(
        Resource(group, version, item["name"], item["kind"], item["namespaced"])
        for group, version in versions
        for item in _served(cluster, f"/apis/{group}/{version}" if group else f"/api/{version}")
    )


def _served(cluster: Cluster, path: str) -> list[Any]:
    found: list[Any] = cluster.kubectl(f"get --raw {path}").json["resources"]
    return found


def attempt(account: Account, resource: Resource, name: str, verb: str, namespace: str) -> tuple[int, Object]:
    """Do what a verb means, without changing anything; return the HTTP status and the answer."""
    one = resource.path(namespace, "tried" if name == "*" else name)
    dry = "?dryRun=All"
    body = {
        "apiVersion": f"{resource.group}/{resource.version}".lstrip("/"),
        "kind": resource.kind,
        "metadata": {"name": "tried" if name == "*" else name},
        "spec": {},
    }
    match verb:
        case "get":
            return account.call("GET", one)
        case "list" | "watch":
            query = {} if name == "*" else {"fieldSelector": f"metadata.name={name}"}
            query |= {"watch": "true"} if verb == "watch" else {"limit": "1"}
            return account.call("GET", f"{resource.path(namespace)}?{urlencode(query)}")
        case "create":
            return account.call("POST", resource.path(namespace) + dry, body)
        case "update":
            return account.call("PUT", one + dry, body)
        case "patch":
            return account.call("PATCH", one + dry, {}, merge=True)
        case "delete":
            return account.call("DELETE", one + dry)
        case _:
            msg = f"no request is known for the verb {verb}"
            raise ValueError(msg)
