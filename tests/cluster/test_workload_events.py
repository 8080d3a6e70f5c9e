"""Events on workloads, on a real API server with real controllers: what those see who did not apply it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from tests.cluster.objects import a_tier
from tests.cluster.workloads import workload
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE as RELEASE
from tests.controlplane.cluster import Cluster, Result, until
from tiergate.server.events import BURST

pytestmark = pytest.mark.cluster

NAMESPACE: Final = "seen"
FLOODED: Final = "seen-flooded"
"""What a namespace may have of Events is used up in it."""
SPEC: Final[Object] = {
    "workloads": "Ignore",
    "limits": [{"type": "Container", "default": {"cpu": "500m"}, "max": {"cpu": "2"}}],
    "quotas": [{"name": "compute", "hard": {"limits.cpu": "4", "pods": "10"}}],
}
REFUSED: Final = (
    'its pods are refused (tier seen): container "main": limits.cpu is 3, the tier allows at most 2; '
    "set limits.cpu and requests.cpu to 2 or less"
)
MOST_REPLICAS: Final = 3


@pytest.fixture(scope="module")
def seen(cluster: Cluster) -> Iterator[Cluster]:
    """A tier that says nothing of workloads, so that their pods alone are refused, and two namespaces in it."""
    cluster.apply(a_tier("seen", SPEC))
    labels = {"tiergate.io/tier": "seen"}
    for name in (NAMESPACE, FLOODED):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        cluster.kubectl(f"wait --for=create resourcequota/tier serviceaccount/default -n {name} --timeout=30s")
        cluster.kubectl(f"wait --for=jsonpath={{.status.hard.pods}}=10 resourcequota/tier -n {name} --timeout=30s")
    yield cluster
    cluster.kubectl(f"delete namespace {NAMESPACE} {FLOODED} --timeout=120s")
    cluster.kubectl("delete tier seen --timeout=20s")


@pytest.fixture(autouse=True)
def emptied(seen: Cluster) -> Iterator[None]:
    """Leave the tier as it was and no workload behind; the Events stay."""
    yield
    set_workloads(seen, "Ignore")
    kinds = "deployment,replicaset,statefulset,job,cronjob,pod"
    seen.kubectl(f"delete {kinds} --all -n {NAMESPACE} --timeout=60s")


def apply(cluster: Cluster, obj: Object, flags: str = "") -> Result:
    return cluster.run(f"kubectl apply -n {NAMESPACE} {flags} -f -", stdin=json.dumps(obj))


def kubectl(cluster: Cluster, line: str) -> Result:
    return cluster.run(f"kubectl -n {NAMESPACE} {line}")


def set_workloads(cluster: Cluster, word: str) -> None:
    """Change what the tier says of workloads, and wait until every replica knows."""
    change = json.dumps({"spec": {"workloads": word}})
    cluster.kubectl("patch tier seen --type=merge --patch-file=/dev/stdin", stdin=change)
    says = {"Ignore": (), "Warn": ("no pod of it can run",)}[word]
    never = workload("probe", cpu="3")
    for _ in range(4):  # connections of the API server to each replica
        until(
            lambda: bool(says) == ("no pod of it can run" in apply(cluster, never, "--dry-run=server").err),
            "the webhook knows the tier",
        )


def events(cluster: Cluster, name: str = "", reason: str = "TierRefused") -> list[Object]:
    """Return our Events on a workload of a name, or on all."""
    items: list[Object] = kubectl(cluster, f"get events --field-selector reason={reason} -o json").json["items"]
    return [one for one in items if name in ("", one["involvedObject"]["name"])]


def failed(cluster: Cluster, name: str) -> bool:
    """Say whether the Deployment knows that its pods are refused."""
    line = f"""get deployment {name} -o jsonpath='{{.status.conditions[?(@.type=="ReplicaFailure")].status}}'"""
    return kubectl(cluster, line).out == "True"


def test_who_describes_a_deployment_reads_why_it_has_no_pods(seen: Cluster) -> None:
    """One Event for ten refused pods, on one line of each table."""
    assert apply(seen, workload("huge", cpu="3", replicas=10)).code == 0
    until(lambda: events(seen, "huge"), "there is an Event")
    (described,) = [
        line for line in kubectl(seen, "describe deployment huge").out.splitlines() if "TierRefused" in line
    ]
    assert described.endswith(REFUSED)
    assert "tiergate-webhook" in described
    (listed,) = [
        line for line in kubectl(seen, "get events").out.splitlines() if "deployment/huge" in line and "Tier" in line
    ]
    assert " TierRefused " in listed
    assert listed.endswith(REFUSED)
    first = events(seen, "huge")[0]["count"]
    assert kubectl(seen, "rollout restart deployment/huge").code == 0
    until(lambda: failed(seen, "huge"), "the pods of the new ReplicaSet are refused")
    (event,) = events(seen, "huge")
    assert event["count"] >= first >= 1


def test_each_kind_is_told_of_where_people_look(seen: Cluster) -> None:
    for kind in ("StatefulSet", "ReplicaSet", "Job"):
        assert apply(seen, workload(f"a-{kind.lower()}", kind, cpu="3")).code == 0
    assert apply(seen, workload("nightly", "CronJob", cpu="3")).code == 0
    assert kubectl(seen, "create job by-hand --from=cronjob/nightly").code == 0
    expected = {
        ("StatefulSet", "a-statefulset"),
        ("ReplicaSet", "a-replicaset"),
        ("Job", "a-job"),
        ("CronJob", "nightly"),
    }

    def told() -> set[tuple[str, str]]:
        return {(one["involvedObject"]["kind"], one["involvedObject"]["name"]) for one in events(seen)}

    until(lambda: expected <= told(), "all are told of", seconds=60)
    assert ("Job", "by-hand") not in told()


def test_a_warned_and_a_refused_workload_are_told_of_and_a_dry_run_is_not(seen: Cluster) -> None:
    set_workloads(seen, "Warn")
    for flags in ("--dry-run=server", "--dry-run=server --server-side"):
        assert "no pod of it can run" in apply(seen, workload("only-tried", cpu="3"), flags).err
        assert "pods fit" in apply(seen, workload("only-tried", replicas=5), flags).err
    assert apply(seen, workload("wide", replicas=5)).code == 0
    assert apply(seen, workload("never", cpu="3")).code != 0
    until(lambda: events(seen, "wide", "TierWarned"), "the warning is told of")
    until(lambda: events(seen, "never"), "the refusal is told of")
    (line,) = [line for line in kubectl(seen, "describe deployment wide").out.splitlines() if "TierWarned" in line]
    assert "tier seen: 4 of 5 pods fit into quota" in line
    told = kubectl(seen, "events --for deployment/never").out
    assert "it was refused (tier seen): no pod of it can run: container" in told
    assert kubectl(seen, "set resources deployment/wide --limits=cpu=3").code != 0
    change = "a change was refused (tier seen): no pod of it can run"
    until(
        lambda: [one for one in events(seen, "wide") if one["message"].startswith(change)],
        "the refused change is told of, besides the pod that found no room",
    )
    assert events(seen, "only-tried") == events(seen, "only-tried", "TierWarned") == events(seen, "probe") == []


def test_a_flood_of_refused_pods_is_a_few_events(seen: Cluster) -> None:
    def told() -> int:
        line = f"get events -n {FLOODED} --field-selector reason=TierRefused -o name"
        return len(seen.kubectl(line).out.splitlines())

    names = [f"flood-{number}" for number in range(3 * MOST_REPLICAS * BURST)]
    seen.apply(*(workload(name, cpu="3") for name in names), namespace=FLOODED)
    failing = """jsonpath='{.items[*].status.conditions[?(@.type=="ReplicaFailure")].status}'"""
    line = f"get deployments -n {FLOODED} -o {failing}"
    until(lambda: seen.kubectl(line).out.split() == ["True"] * len(names), "all are refused", seconds=60)
    until(lambda: told() >= BURST, "a few Events are there", seconds=60)
    assert told() <= MOST_REPLICAS * (BURST + 6)  # 6: a minute of the rate


def test_without_the_right_to_write_events_everything_else_goes_on(seen: Cluster) -> None:
    role = seen.kubectl("get clusterrole tiergate-webhook -o json").json
    kept = [rule for rule in role["rules"] if "events" not in rule["resources"]]
    set_rules(seen, kept)
    try:
        assert apply(seen, workload("silent", cpu="3")).code == 0
        until(lambda: failed(seen, "silent"), "its pods are refused")
        until(lambda: "an Event was not written" in logs(seen), "the log says so")
        webhook = seen.kubectl(f"-n {RELEASE} get deployment tiergate-webhook -o json").json
        assert webhook["status"]["readyReplicas"] == webhook["spec"]["replicas"]
        assert events(seen, "silent") == []
    finally:
        set_rules(seen, role["rules"])


def set_rules(cluster: Cluster, rules: list[Object]) -> None:
    line = "patch clusterrole tiergate-webhook --type=merge --patch-file=/dev/stdin"
    cluster.kubectl(line, stdin=json.dumps({"rules": rules}))
    may = f"auth can-i create events --as=system:serviceaccount:{RELEASE}:tiergate-webhook -n {NAMESPACE}"
    wanted = "yes" if any("events" in rule["resources"] for rule in rules) else "no"
    until(lambda: cluster.run(f"kubectl {may}").out.strip() == wanted, "the right is given or taken")


def logs(cluster: Cluster) -> str:
    """Return what the webhook's replicas have said."""
    if cluster.plane is None:
        return cluster.kubectl(f"-n {RELEASE} logs -l app.kubernetes.io/component=webhook --tail=-1").out
    paths = cluster.plane.folder.glob("pods/tiergate-webhook*/*.log")
    return "".join(path.read_text() for path in paths)
