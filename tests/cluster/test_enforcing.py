"""Whatever is changed by hand in how the API server asks the webhook: tiers say that they are not enforced, and why."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tests.cluster.releases import NAME
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, until
from tiergate_certs.issue import issue_authority

pytestmark = pytest.mark.cluster

MUTATING, VALIDATING = "mutatingwebhookconfiguration", "validatingwebhookconfiguration"
PODS: Final = "pods.validate.tiergate.io"
ENTRIES: Final = {
    "pods.mutate.tiergate.io": MUTATING,
    PODS: VALIDATING,
    "namespaces.validate.tiergate.io": VALIDATING,
}
NEVER: Final = {"matchLabels": {"no": "pod"}}
NO: Final = {"name": "no", "expression": "false"}
AKS: Final = (
    {"key": "control-plane", "operator": "DoesNotExist"},
    {"key": "control-plane", "operator": "NotIn", "values": ["true"]},
    {"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"]},
)
Change = Callable[[Object], object]
FIELDS: Final[dict[str, Change]] = {
    "objectSelector": lambda one: one.update(objectSelector=NEVER),
    "namespaceSelector": lambda one: one.update(namespaceSelector=NEVER),
    "failurePolicy": lambda one: one.update(failurePolicy="Ignore"),
    "matchPolicy": lambda one: one.update(matchPolicy="Exact"),
    "timeoutSeconds": lambda one: one.update(timeoutSeconds=1),
    "sideEffects": lambda one: one.update(sideEffects="None"),
    "matchConditions": lambda one: one.setdefault("matchConditions", []).append(NO),
    "rules": lambda one: one["rules"].pop(),
    "rules[0].operations": lambda one: one["rules"][0].update(operations=["DELETE"]),
    "clientConfig.service.path": lambda one: one["clientConfig"]["service"].update(path="/livez"),
    "clientConfig.service.port": lambda one: one["clientConfig"]["service"].update(port=444),
    "reinvocationPolicy": lambda one: one.update(reinvocationPolicy="Never"),
}
OF_MUTATING: Final = frozenset({"reinvocationPolicy"})


def enforcing(cluster: Cluster) -> Object:
    """Return the condition of a tier."""
    found: list[Object] = cluster.kubectl("get tier dev -o json").json["status"]["conditions"]
    return next(one for one in found if one["type"] == "Enforcing")


def until_said(cluster: Cluster, *words: str, holds: bool) -> None:
    """Wait until the tier says so."""

    def is_said() -> bool:
        condition = enforcing(cluster)
        return condition["status"] == str(holds) and all(word in condition["message"] for word in words)

    until(is_said, f"Enforcing is {holds}, for {words}", seconds=30)


@contextmanager
def changed(cluster: Cluster, kind: str) -> Iterator[Callable[[Change], None]]:
    """Yield what changes a configuration by hand, each time as it was before, and take that back in the end."""
    before = cluster.kubectl(f"get {kind} {NAME} -o json").json
    for field in ("resourceVersion", "managedFields"):
        before["metadata"].pop(field, None)

    def change_it(change: Change) -> None:
        after = copy.deepcopy(before)
        change(after)
        cluster.kubectl("replace -f -", stdin=json.dumps(after))

    try:
        yield change_it
    finally:
        change_it(lambda _: None)
        until_said(cluster, "registered as released", holds=True)


@pytest.mark.parametrize("name", [PODS, *(pytest.param(one, marks=pytest.mark.long) for one in ENTRIES if one != PODS)])
def test_every_field_that_is_changed_is_named(cluster: Cluster, name: str) -> None:
    """Of the guard of the label as well as of pods."""
    kind = ENTRIES[name]
    with changed(cluster, kind) as change_it:
        for field, change in FIELDS.items():
            if kind == VALIDATING and field in OF_MUTATING:
                continue

            def change_entry(document: Object, change: Change = change) -> None:
                change(next(one for one in document["webhooks"] if one["name"] == name))

            change_it(change_entry)
            until_said(cluster, f"webhook {name}: {field}", "the release says", holds=False)


def _without_its_last(document: Object) -> None:
    document["webhooks"].pop()


def _with_another(document: Object) -> None:
    document["webhooks"].append({**document["webhooks"][0], "name": "more.tiergate.io"})


def _without_the_release_s_word(document: Object) -> None:
    del document["metadata"]["annotations"]["tiergate.io/webhooks"]


def _with_aks(document: Object) -> None:
    for one in document["webhooks"]:
        one.setdefault("namespaceSelector", {}).setdefault("matchExpressions", []).extend(AKS)


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without_its_last, "is missing"),
        (_with_another, "more.tiergate.io is not of this release"),
        (_without_the_release_s_word, "it has no readable annotation"),
    ],
)
def test_entries_are_missed_and_strangers_named(cluster: Cluster, change: Change, words: str) -> None:
    with changed(cluster, VALIDATING) as change_it:
        change_it(change)
        until_said(cluster, words, holds=False)


def test_what_aks_excludes_is_known_and_a_namespace_among_it_is_named(cluster: Cluster, namespace: str) -> None:
    with changed(cluster, VALIDATING) as change_it:
        change_it(_with_aks)
        until_said(cluster, "the platform (AKS) excludes its own namespaces", holds=True)
        cluster.kubectl(f"label namespace {namespace} control-plane=true")
        until_said(cluster, f"excludes namespace {namespace}", holds=False)
        cluster.kubectl(f"label namespace {namespace} control-plane-")
        until_said(cluster, holds=True)


def test_a_ca_that_somebody_else_writes_is_replaced(cluster: Cluster) -> None:
    now = datetime.now(UTC)
    other = issue_authority(not_before=now - timedelta(hours=1), not_after=now + timedelta(days=1))
    bundle = base64.b64encode(other.certificate).decode()

    def distrust(document: Object) -> None:
        for one in document["webhooks"]:
            one["clientConfig"]["caBundle"] = bundle

    with changed(cluster, VALIDATING) as change_it:
        change_it(distrust)
        until(
            lambda: bundle not in cluster.kubectl(f"get {VALIDATING} {NAME} -o json").out,
            "the controller has written the CA",
        )
        until_said(cluster, holds=True)


@pytest.mark.parametrize(
    ("pointer", "value", "words"),
    [
        pytest.param("/spec/ports/0/port", 8555, "has no port", id="port"),
        pytest.param("/spec/selector", {"no": "pod"}, "does not select the replicas", id="selector"),
    ],
)
@pytest.mark.long
def test_a_service_that_leads_nowhere_is_named(cluster: Cluster, pointer: str, value: Any, words: str) -> None:  # noqa: ANN401  # JSON
    service = f"service tiergate-webhook -n {NAMESPACE}"
    before = cluster.kubectl(f"get {service} -o json").json["spec"]
    kept = before["ports"][0]["port"] if pointer.endswith("port") else before["selector"]
    for wanted in (value, kept):
        operations = [{"op": "replace", "path": pointer, "value": wanted}]
        cluster.kubectl(f"patch {service} --type=json -p '{json.dumps(operations)}'")
        until_said(cluster, *([words] if wanted == value else []), holds=wanted == kept)
