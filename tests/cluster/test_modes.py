"""A tier goes through its modes on a real API server, and kubectl shows what each of them does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.objects import a_pod, a_tier, resources_of
from tests.controlplane.cluster import Cluster, Result, until

pytestmark = pytest.mark.cluster

# The audit policy of the control plane writes events of this namespace.
NAMESPACE = "audited"
DEFAULTS = {"limits": {"cpu": "100m"}, "requests": {"cpu": "100m"}}
TIER = a_tier(
    "modes",
    {
        "limits": [{"type": "Container", "default": {"cpu": "100m"}, "max": {"cpu": "500m"}}],
        "quotas": [
            {"name": "compute", "hard": {"requests.cpu": "2", "pods": "2", "requests.storage": "1Gi"}},
            {"name": "batch", "hard": {"pods": "1"}, "scopes": ["Terminating"]},
        ],
    },
)
TOO_LARGE = 'tier "modes": container "main": limits.cpu is 1, the tier allows at most 500m'
WARNED = f"Warning: would violate {TOO_LARGE}; set limits.cpu and requests.cpu to 500m or less"
FULL = 'Warning: would violate tier "modes": quota "compute": pods asks 1, used 2 of 2, over by 1; free 1 in audited'


@pytest.fixture
def modes(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster with a tier that changes its mode, and one namespace in it with a ResourceQuota of its own."""
    foreign = {"kind": "ResourceQuota", "metadata": {"name": "theirs"}, "spec": {"hard": {"services": "5"}}}
    cluster.apply(TIER)
    labels = {"tiergate.io/tier": "modes"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    cluster.apply({"apiVersion": "v1", **foreign}, namespace=NAMESPACE)
    yield cluster
    cluster.kubectl(f"delete namespace {NAMESPACE} --timeout=60s")
    cluster.kubectl("delete tier modes --timeout=20s")


def create(cluster: Cluster, name: str, *, dry_run: bool = False, limits: dict[str, str] | None = None) -> Result:
    """Ask for a pod, as a person does."""
    flags = " --dry-run=server" if dry_run else ""
    pod = json.dumps(a_pod(name, limits=limits) if limits else a_pod(name))
    return cluster.run(f"kubectl create -n {NAMESPACE}{flags} -o json -f -", stdin=pod)


def switch(cluster: Cluster, mode: str, reason: str) -> None:
    """Change the mode and wait until the tier is ready in it."""
    cluster.kubectl(f"patch tier modes --type=merge -p '{json.dumps({'spec': {'enforcement': mode}})}'")
    until(lambda: ready(cluster) == ("True", reason), f"the tier is ready in mode {mode}")


def ready(cluster: Cluster) -> tuple[str, str]:
    found = condition(cluster, "Ready")
    return found.get("status", ""), found.get("reason", "")


def condition(cluster: Cluster, kind: str) -> Mapping[str, str]:
    status = cluster.kubectl("get tier modes -o json").json.get("status", {})
    return next((one for one in status.get("conditions", ()) if one["type"] == kind), {})


def shown(cluster: Cluster) -> list[str]:
    """Return what `kubectl get tiers` shows of mode, namespaces and Ready."""
    head, row = (line.split() for line in cluster.kubectl("get tier modes").out.splitlines())
    assert head[:3] == ["NAME", "MODE", "NAMESPACES"]
    return [*row[1:3], row[head.index("READY") - len(head)]]


def quotas(cluster: Cluster) -> list[str]:
    """Return the names of the namespace's ResourceQuotas, and whether each is in force."""
    items = cluster.kubectl(f"get resourcequota -n {NAMESPACE} -o json").json["items"]
    return sorted(one["metadata"]["name"] for one in items if one["status"].get("hard") == one["spec"]["hard"])


def every_replica(cluster: Cluster, *said: str, limits: dict[str, str] | None = None) -> None:
    """Wait until each of six dry runs in a row, which reach every replica, says exactly these warnings."""

    def says() -> list[list[str]]:
        answers = [create(cluster, "asks", dry_run=True, limits=limits) for _ in range(6)]
        return [[line for line in one.err.splitlines() if "Warning" in line] for one in answers]

    wanted = [list(said)] * 6
    until(lambda: says() == wanted, f"every replica says {said}")


def audit_events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()]


def test_a_tier_is_tried_out_and_enforced_again(modes: Cluster) -> None:
    """Enforce, Warn, Audit and Enforce again; in each what kubectl shows, what it says and what is stored."""
    until(lambda: ready(modes) == ("True", "QuotasInForce"), "the tier is ready")
    _is_enforced(modes)
    switch(modes, "Warn", "ModeWarn")
    _is_warned_of(modes)
    switch(modes, "Audit", "ModeAudit")
    _is_audited(modes)
    switch(modes, "Enforce", "QuotasInForce")
    assert len(quotas(modes)) == 3  # Ready is said only when they are in force
    modes.kubectl(f"delete pod --all -n {NAMESPACE} --timeout=30s")
    _is_enforced(modes)


def _is_enforced(modes: Cluster) -> None:
    assert shown(modes) == ["Enforce", "1", "True"]
    assert condition(modes, "Enforcing")["status"] == "True"
    theirs, unscoped, scoped = quotas(modes)
    assert (theirs, unscoped, scoped[:5]) == ("theirs", "tier", "tier-")
    until(lambda: create(modes, "large", dry_run=True, limits={"cpu": "1"}).code == 1, "every replica refuses")
    refused = create(modes, "large", limits={"cpu": "1"})
    assert refused.code == 1
    over = 'container "main": limits.cpu is 1, the tier allows at most 500m; set limits.cpu and requests.cpu to 500m'
    assert over in refused.err


def _is_warned_of(modes: Cluster) -> None:
    """Nothing is refused; the usage of the quotas that are gone is computed from the pods."""
    assert shown(modes) == ["Warn", "1", "True"]
    enforcing = condition(modes, "Enforcing")
    assert (enforcing["status"], enforcing["reason"]) == ("False", "ModeWarn")
    assert quotas(modes) == ["theirs"]
    every_replica(modes, WARNED, limits={"cpu": "1"})
    every_replica(modes)  # a pod that fits is not spoken of, its quotas included
    for name in ("a", "b"):
        made = create(modes, name)
        assert (made.code, made.err) == (0, "")
        assert resources_of(made.json) == DEFAULTS
    every_replica(modes, FULL)
    third = create(modes, "c")
    assert (third.code, third.err.strip()) == (0, FULL)
    assert modes.kubectl(f"get pod c -n {NAMESPACE} -o name").out.strip() == "pod/c"


def _is_audited(modes: Cluster) -> None:
    """Nobody is told anything, defaults are not set, and the audit event has it all."""
    assert shown(modes) == ["Audit", "1", "True"]
    assert quotas(modes) == ["theirs"]
    every_replica(modes)
    made = create(modes, "bare")
    assert (made.code, made.err) == (0, "")
    assert "resources" not in made.json["spec"]["containers"][0] or not resources_of(made.json)
    assert create(modes, "large", limits={"cpu": "1"}).code == 0
    if modes.plane is None:  # somebody else's cluster writes its audit log elsewhere
        return
    until(lambda: "large" in _annotations(modes.plane.folder), "the audit log has the events")  # type: ignore[union-attr]  # see above
    found = _annotations(modes.plane.folder)
    assert "cpu limit for container main" in found["bare"]["pods.mutate.tiergate.io/defaults"]
    assert 'quota "compute": pods asks 1, used 3 of 2' in found["bare"]["pods.validate.tiergate.io/violations"]
    assert f"would violate {TOO_LARGE}" in found["large"]["pods.validate.tiergate.io/violations"]
    assert found["large"]["pods.validate.tiergate.io/rules"] == "limit-max,quota-exceeded"


def _annotations(folder: Path) -> dict[str, dict[str, str]]:
    """Return the annotations of each pod's creation."""
    created = (event for event in audit_events(folder) if event["verb"] == "create" and "name" in event["objectRef"])
    return {
        event["objectRef"]["name"]: event.get("annotations", {})
        for event in created
        if "dryRun" not in event["requestURI"] and event.get("responseStatus", {}).get("code") == 201
    }
