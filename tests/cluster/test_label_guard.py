"""Who may not assign a tier moves no namespace, whichever way he writes it; and no pod is quicker than the label."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pytest

from tests.background import threads
from tests.cluster.objects import a_pod
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster

LABEL: Final = "tiergate.io/tier"
USER: Final = "mover"
ROLE: Final = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": USER},
    "rules": [
        {
            "apiGroups": [""],
            "resources": ["namespaces", "namespaces/status", "namespaces/finalize"],
            "verbs": ["create", "get", "update", "patch"],
        }
    ],
}


def a_namespace(tier: str | None, **metadata: str) -> Object:
    labels = {} if tier is None else {LABEL: tier}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {**metadata, "labels": labels}}


def _replaced(subresource: str, cluster: Cluster, name: str, tier: str | None) -> str:
    """Write the whole object."""
    found = cluster.kubectl(f"get namespace {name} -o json").json
    found["metadata"]["labels"].pop(LABEL, None)
    if tier is not None:
        found["metadata"]["labels"][LABEL] = tier
    path = f"/api/v1/namespaces/{name}{subresource}"
    return cluster.run(f"kubectl replace --raw {path} -f - --as {USER}", stdin=json.dumps(found)).err


def _patched(kind: str, flags: str, cluster: Cluster, name: str, tier: str | None) -> str:
    """Write the label alone, by a kind of patch."""
    patch: Any = {"metadata": {"labels": {LABEL: tier}}}
    if kind == "json":
        pointer = f"/metadata/labels/{LABEL.replace('/', '~1')}"
        patch = [{"op": "remove", "path": pointer}] if tier is None else [{"op": "add", "path": pointer, "value": tier}]
    return cluster.run(f"kubectl patch namespace {name} --type={kind} {flags} -p '{json.dumps(patch)}' --as {USER}").err


def _labelled(cluster: Cluster, name: str, tier: str | None) -> str:
    change = f"{LABEL}-" if tier is None else f"{LABEL}={tier} --overwrite"
    return cluster.run(f"kubectl label namespace {name} {change} --as {USER}").err


def _applied(flags: str, cluster: Cluster, name: str, tier: str | None) -> str:
    """Apply a manifest; one without the label takes it away."""
    manifest = json.dumps(a_namespace(tier, name=name))
    return cluster.run(f"kubectl apply {flags} -f - --as {USER}", stdin=manifest).err


Write = Callable[[Cluster, str, str | None], str]
SERVER_SIDE: Final = "--server-side --force-conflicts"
WAYS: Final[dict[str, Write]] = {
    "kubectl-label": _labelled,
    "strategic-patch": partial(_patched, "strategic", ""),
    "merge-patch": partial(_patched, "merge", ""),
    "json-patch": partial(_patched, "json", ""),
    "patch-of-the-status": partial(_patched, "merge", "--subresource=status"),
    "dry-run": partial(_patched, "merge", "--dry-run=server"),
    "replace": partial(_replaced, ""),
    "replace-of-the-status": partial(_replaced, "/status"),
    "finalize": partial(_replaced, "/finalize"),
    "apply": partial(_applied, ""),
    "server-side-apply": partial(_applied, SERVER_SIDE),
}


@pytest.fixture
def mover(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster with a user who may write namespaces and assign no tier."""
    cluster.apply(ROLE)
    cluster.kubectl(f"create clusterrolebinding {USER} --clusterrole={USER} --user={USER}")
    may = f"kubectl auth can-i patch namespaces --as {USER}"
    until(lambda: cluster.run(may).out.strip() == "yes", "the role is in force")
    yield cluster
    cluster.kubectl(f"delete clusterrole,clusterrolebinding {USER}")


def tier_of(cluster: Cluster, name: str) -> str | None:
    found: str | None = cluster.kubectl(f"get namespace {name} -o json").json["metadata"]["labels"].get(LABEL)
    return found


def test_who_may_not_assign_moves_no_namespace_by_any_way(mover: Cluster) -> None:
    """Into a tier, into another and out of it."""
    for before, after in ((None, "dev"), ("dev", "prod"), ("dev", None)):
        name = f"kept-{secrets.token_hex(4)}"
        manifest = json.dumps(a_namespace(before, name=name))
        mover.kubectl("apply -f -", stdin=manifest)  # which remembers the label, so that another apply can take it away
        for way, write in WAYS.items():
            refused = write(mover, name, after)
            assert f'user "{USER}" may not put namespace' in refused, (way, before, after, refused)
            assert tier_of(mover, name) == before, (way, after)
        mover.kubectl(f"delete namespace {name} --wait=false")


@pytest.mark.parametrize(
    ("flags", "metadata"),
    [
        pytest.param("create", {"name": "made"}, id="create"),
        pytest.param("create", {"generateName": "made-"}, id="generated-name"),
        pytest.param("create --dry-run=server", {"name": "made"}, id="dry-run"),
        pytest.param("apply", {"name": "made"}, id="apply"),
        pytest.param("apply --server-side", {"name": "made"}, id="server-side-apply"),
    ],
)
def test_who_may_not_assign_makes_no_namespace_of_a_tier(mover: Cluster, flags: str, metadata: dict[str, str]) -> None:
    refused = mover.run(f"kubectl {flags} -f - --as {USER}", stdin=json.dumps(a_namespace("dev", **metadata))).err
    assert f'user "{USER}" may not put namespace' in refused
    assert "namespace/made" not in mover.kubectl("get namespaces -o name").out


PATIENCE: Final = 1.0
"""Seconds after which the API server's own cache of namespaces has the label: by that it decides whom to ask."""


@pytest.mark.parametrize("number", range(3))
def test_no_pod_is_quicker_than_the_label(cluster: Cluster, number: int) -> None:
    """Pods over the tier are created all the time while their namespace joins it: once it has, none gets in."""
    name = f"race-{number}-{secrets.token_hex(4)}"
    cluster.apply(a_namespace(None, name=name))
    cluster.kubectl(f"wait --for=create serviceaccount/default -n {name} --timeout=30s")
    huge = a_pod("huge", requests={"cpu": "4"}, limits={"cpu": "4", "memory": "64Gi"})
    answers: list[tuple[float, int]] = []
    ended = threading.Event()

    def create(raw_api: Any) -> None:  # noqa: ANN401 - of the context manager
        while not ended.is_set():
            asked = time.monotonic()
            code, _ = raw_api.call("POST", f"/api/v1/namespaces/{name}/pods?dryRun=All", huge)
            answers.append((asked, code))

    with cluster.raw_api() as raw_api, threads(*[partial(create, raw_api)] * 2, stop=ended.set):
        until(lambda: len(answers) > 10, "pods are created")
        cluster.kubectl(f"label namespace {name} {LABEL}=dev")
        joined = time.monotonic()
        time.sleep(PATIENCE + 2)
    cluster.kubectl(f"delete namespace {name} --wait=false")
    assert {code for asked, code in answers if asked < joined - PATIENCE} <= {201}
    late = [code for asked, code in answers if asked > joined + PATIENCE]
    assert len(late) > 10
    assert set(late) == {403}
    assert 201 in {code for _, code in answers}
