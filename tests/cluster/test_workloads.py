"""Workloads on a real API server, with real controllers: what kubectl is told, and that it comes true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from tests.cluster.objects import a_tier
from tests.cluster.workloads import (
    NAMESPACE,
    NEVER,
    SPEC,
    apply,
    autoscaler,
    kubectl,
    ready,
    replicas,
    said_of_the_autoscaler,
    set_tier,
    used,
    warnings,
    workload,
)
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster

TEMPLATED: Final = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job", "CronJob")


@pytest.fixture(scope="module")
def team(cluster: Cluster) -> Iterator[Cluster]:
    """A tier for workloads, and a namespace in it with its quota in force."""
    cluster.apply(a_tier("team", SPEC))
    labels = {"tiergate.io/tier": "team"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    cluster.kubectl(f"wait --for=create resourcequota/tier serviceaccount/default -n {NAMESPACE} --timeout=30s")
    cluster.kubectl(f"wait --for=jsonpath={{.status.hard.pods}}=10 resourcequota/tier -n {NAMESPACE} --timeout=30s")
    until(lambda: NEVER in apply(cluster, workload("probe", cpu="3"), "--dry-run=server").err, "workloads are judged")
    yield cluster
    cluster.kubectl(f"delete namespace {NAMESPACE} --timeout=120s")
    cluster.kubectl("delete tier team --timeout=20s")


@pytest.fixture(autouse=True)
def emptied(team: Cluster) -> Iterator[None]:
    """Leave the namespace empty and the tier as it was."""
    yield
    set_tier(team, SPEC)
    kinds = "deployment,replicaset,statefulset,daemonset,replicationcontroller,job,cronjob,pod"
    team.kubectl(f"delete {kinds} --all -n {NAMESPACE} --timeout=60s")
    until(lambda: used(team) == "0", "the quota is unused again")


@pytest.mark.parametrize("kind", TEMPLATED)
def test_one_whose_pods_can_never_run_is_refused_when_it_is_applied(team: Cluster, kind: str) -> None:
    """No node is needed for a DaemonSet, no tick for a CronJob; nothing is stored."""
    for flags in ("--dry-run=server", "", "--server-side"):
        refused = apply(team, workload("huge", kind, cpu="3"), flags)
        assert refused.code != 0
        assert NEVER in refused.err
    assert "NotFound" in kubectl(team, f"get {kind} huge").err


def test_one_that_does_not_fit_is_told_how_many_do_and_so_many_come(team: Cluster) -> None:
    told = (
        '4 of 5 pods fit into quota "compute": limits.cpu 4, 1 for each pod, over by 1; '
        "set replicas to 4 or less, or lower limits.cpu to 800m per pod"
    )
    assert warnings(apply(team, workload("wide", replicas=5), "--dry-run=server")) == [told]
    assert warnings(apply(team, workload("wide", replicas=5))) == [told]
    line = f"get deployment wide -n {NAMESPACE} -o jsonpath={{.status.readyReplicas}}"
    until(lambda: team.kubectl(line).out == "4", "4 of 5 pods run", seconds=60)
    assert warnings(apply(team, workload("wide", replicas=5, minReadySeconds=1))) == []  # asks for nothing more
    (told,) = warnings(apply(team, workload("wide", replicas=5, cpu="800m"), "--dry-run=server"))
    assert told.startswith("its rollout will stall")  # four old pods have to stay, and a fifth has no room
    assert warnings(apply(team, workload("wide", replicas=3))) == []


def test_a_tier_may_refuse_what_does_not_fit_but_never_a_job(team: Cluster) -> None:
    set_tier(team, {**SPEC, "workloads": "Enforce"})
    until(lambda: apply(team, workload("wide", replicas=5), "--dry-run=server").code != 0, "the webhook knows the tier")
    refused = apply(team, workload("wide", replicas=5))
    assert "4 of 5 pods fit" in refused.err
    (warned,) = warnings(apply(team, workload("batch", "Job", parallelism=5, completions=5)))
    assert warned.startswith("4 of 5 pods fit")
    set_tier(team, {**SPEC, "workloads": "Ignore"})
    until(lambda: not apply(team, workload("wide", replicas=5), "--dry-run=server").err, "the webhook knows the tier")
    assert warnings(apply(team, workload("huge", cpu="3"))) == []


def test_a_rollout_that_would_stall_is_told_of_stalls_and_goes_on_as_told(team: Cluster) -> None:
    strategy = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert warnings(apply(team, workload("tight", replicas=4, strategy=strategy))) == []
    ready(team, "tight", 4)
    (told,) = warnings(kubectl(team, "set image deployment/tight main=registry.example/main:2.0"))
    assert told == (
        "its rollout will stall: of 4 maxSurge 1 is 1, maxUnavailable 0 is 0; 4 old + 1 new pods need limits.cpu 5, "
        'quota "compute" leaves 4 of 4; set maxUnavailable to 1'
    )
    failed = 'jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].reason}'
    until(lambda: kubectl(team, f"get deployment tight -o '{failed}'").out == "FailedCreate", "it stalls", seconds=60)
    change = {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}}
    assert warnings(kubectl(team, f"patch deployment tight -p '{json.dumps(change)}'")) == []
    ready(team, "tight", 4)
    assert warnings(kubectl(team, "rollout restart deployment/tight")) == []
    ready(team, "tight", 4)
    undone = warnings(kubectl(team, "rollout undo deployment/tight"))
    assert [one for one in undone if "managed with 'kubectl apply'" not in one] == []  # kubectl's own
    ready(team, "tight", 4)


AGAIN: Final = "its rollout will stall, unless to a template whose pods run: none of {} pods may end before a new one"


def test_one_that_changes_again_while_it_is_stuck_is_told_of_again(team: Cluster) -> None:
    """What an image, a restart and a return come to is not to be seen in the object: who returns knows it."""
    strategy = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert warnings(apply(team, workload("stuck", replicas=4, strategy=strategy))) == []
    ready(team, "stuck", 4)
    (told,) = warnings(kubectl(team, "set image deployment/stuck main=registry.example/main:2.0"))
    assert told.startswith("its rollout will stall: of 4 maxSurge 1 is 1")
    failed = """get deployment stuck -o 'jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].reason}'"""
    for line in (
        "set image deployment/stuck main=registry.example/main:3.0",  # the controller may not have seen the other one
        "rollout restart deployment/stuck",
        "set env deployment/stuck AGAIN=1",
    ):
        (told,) = warnings(kubectl(team, line))
        assert told.startswith(AGAIN.format(4)), line
        until(lambda: kubectl(team, failed).out == "FailedCreate", "it stalls", seconds=60)
    change = {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}}
    image = {"spec": {**change["spec"], "template": {"metadata": {"annotations": {"again": "1"}}}}}
    assert warnings(kubectl(team, f"patch deployment stuck -p '{json.dumps(image)}' --dry-run=server")) == []
    undone = warnings(kubectl(team, "rollout undo deployment/stuck --to-revision=1"))
    assert any(one.startswith(AGAIN.format(4)) for one in undone)
    ready(team, "stuck", 4)
    assert warnings(kubectl(team, f"patch deployment stuck -p '{json.dumps(change)}'")) == []
    assert warnings(kubectl(team, "set image deployment/stuck main=registry.example/main:2.0")) == []
    ready(team, "stuck", 4)


def test_a_statefulset_that_lacks_a_pod_is_told_that_its_next_template_has_no_room(team: Cluster) -> None:
    line = "get statefulset stuck -o jsonpath={.status.availableReplicas}"
    assert warnings(apply(team, workload("stuck", "StatefulSet", replicas=4))) == []
    until(lambda: kubectl(team, line).out == "4", "all pods run", seconds=60)
    (told,) = warnings(apply(team, workload("stuck", "StatefulSet", replicas=4, cpu="2")))
    assert told.startswith("2 of 4 pods fit")
    until(lambda: (used(team), kubectl(team, line).out) == ("3", "3"), "it lacks one", seconds=60)
    assert warnings(kubectl(team, "set resources statefulset/stuck --limits=cpu=1 --dry-run=server")) == []
    apply(team, workload("filler"))
    until(lambda: used(team) == "4", "somebody else takes the room")
    (told,) = warnings(kubectl(team, "set resources statefulset/stuck --limits=cpu=1"))
    assert told.startswith(AGAIN.format(3))


def test_a_statefulset_counts_pods_below_its_partition_as_they_are(team: Cluster) -> None:
    """And its rollout is told of when the partition lets them go, step by step."""

    def below(partition: int) -> Object:
        return {"updateStrategy": {"rollingUpdate": {"partition": partition}}}

    line = "get statefulset staged -o jsonpath={.status.availableReplicas}/{.status.updatedReplicas}"
    assert warnings(apply(team, workload("staged", "StatefulSet", cpu="500m", replicas=3))) == []
    until(lambda: kubectl(team, line).out == "3/3", "all pods run", seconds=60)
    assert warnings(apply(team, workload("staged", "StatefulSet", cpu="1500m", replicas=3, **below(2)))) == []
    until(lambda: (used(team), kubectl(team, line).out) == ("2500m", "3/1"), "one is of the new template", seconds=60)
    assert warnings(apply(team, workload("staged", "StatefulSet", cpu="1500m", replicas=4, **below(2)))) == []
    until(lambda: (used(team), kubectl(team, line).out) == ("4", "4/2"), "the fourth one fits", seconds=60)
    (told,) = warnings(apply(team, workload("staged", "StatefulSet", cpu="1500m", replicas=4, **below(0))))
    assert told.startswith("its rollout will stall: 4 new pods need limits.cpu 6")
    until(lambda: (used(team), kubectl(team, line).out) == ("3500m", "3/2"), "it stalls", seconds=60)


def test_what_was_held_back_by_a_pause_is_told_of_when_the_rollout_begins(team: Cluster) -> None:
    """The template of the pods that run is in no object that the webhook sees."""
    strategy = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert warnings(apply(team, workload("held", replicas=4, strategy=strategy))) == []
    ready(team, "held", 4)
    assert warnings(kubectl(team, "rollout pause deployment/held")) == []
    (told,) = warnings(kubectl(team, "set image deployment/held main=registry.example/main:2.0"))
    assert told.startswith("its rollout will stall")
    generation = (
        f"get deployment held -n {NAMESPACE} -o jsonpath={{.metadata.generation}}/{{.status.observedGeneration}}"
    )
    until(lambda: len(set(team.kubectl(generation).out.split("/"))) == 1, "the controller has seen it", seconds=60)
    (told,) = warnings(kubectl(team, "rollout resume deployment/held"))
    assert told.startswith(
        "its rollout will stall: of 4 maxSurge 1 is 1, maxUnavailable 0 is 0; 4 old + 1 new pods need"
    )
    failed = 'jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].reason}'
    until(lambda: kubectl(team, f"get deployment held -o '{failed}'").out == "FailedCreate", "it stalls", seconds=60)


def test_one_that_was_created_paused_is_refused_when_it_goes_on_and_never_runs(team: Cluster) -> None:
    (told,) = warnings(apply(team, workload("new", cpu="3", paused=True)))
    assert told.startswith(NEVER)
    until(lambda: kubectl(team, "get deployment new -o jsonpath={.status.observedGeneration}").out == "1", "it is seen")
    refused = kubectl(team, "rollout resume deployment/new")
    assert refused.code != 0
    assert NEVER in refused.text


def test_a_template_that_a_limitrange_makes_invalid_is_refused(team: Cluster) -> None:
    """The API server stores it, and each of its pods gets 422."""
    item = {"type": "Container", "default": {"memory": "100Mi"}}
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "own"}, "spec": {"limits": [item]}}
    team.apply(limits, namespace=NAMESPACE)
    try:
        asking = workload("asking")
        asking["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"] = {"memory": "200Mi"}
        until(lambda: apply(team, asking, "--dry-run=server").code != 0, "the webhook knows the LimitRange")
        refused = apply(team, asking)
        reason = "resources/requests/memory must be less than or equal to memory limit of 100Mi"
        assert reason in refused.err
        template = asking["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": template["spec"]}
        assert "must be less than or equal to memory limit of 100Mi" in apply(team, pod).err
    finally:
        team.kubectl(f"delete limitrange/own -n {NAMESPACE}")


def test_a_scale_is_warned_of_and_never_refused(team: Cluster) -> None:
    set_tier(team, {**SPEC, "workloads": "Enforce"})
    for kind in ("Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"):
        assert warnings(apply(team, workload("scaled", kind, replicas=0))) == []
        (told,) = warnings(kubectl(team, f"scale {kind} scaled --replicas=9 --dry-run=server"))
        assert told.startswith("4 of 9 pods fit")
        assert warnings(kubectl(team, f"scale {kind} scaled --replicas=4")) == []
        assert warnings(kubectl(team, f"scale {kind} scaled --replicas=0")) == []
        until(lambda: used(team) == "0", "its pods are gone", seconds=60)


@pytest.fixture
def scaled_by_itself(team: Cluster) -> Iterator[Cluster]:
    """The tier's cluster; the autoscaler and its Events go."""
    yield team
    kubectl(team, "delete horizontalpodautoscaler --all --timeout=30s")
    kubectl(team, f"delete --raw /api/v1/namespaces/{NAMESPACE}/events")  # one by one takes half a minute


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_an_autoscaler_gets_as_far_as_it_can(scaled_by_itself: Cluster, kind: str) -> None:
    """Its scale is stored, whatever the tier does with workloads that do not fit; what fits runs."""
    team = scaled_by_itself
    set_tier(team, {**SPEC, "workloads": "Enforce"})
    assert warnings(apply(team, workload("scaled", kind, replicas=2))) == []
    until(lambda: apply(team, workload("wide", replicas=5), "--dry-run=server").code != 0, "the webhook knows the tier")
    assert warnings(apply(team, autoscaler(kind, least=6, most=8))) == []
    until(lambda: replicas(team, kind) == "6/4", "4 of 6 pods run", seconds=60)
    (said,) = (one for one in said_of_the_autoscaler(team) if "Rescale" in one)
    assert said == "SuccessfulRescale: New size: 6; reason: Current number of replicas below Spec.MinReplicas"
    assert warnings(apply(team, autoscaler(kind, least=1, most=3))) == []
    until(lambda: replicas(team, kind) == "3/3", "it is scaled down again", seconds=60)
    assert not [one for one in said_of_the_autoscaler(team) if "FailedRescale" in one]


def test_an_autoscaler_is_not_refused_where_no_pod_can_run_any_more(scaled_by_itself: Cluster) -> None:
    """Its pods are, each for itself, and the workload says so; those that run go on."""
    team = scaled_by_itself
    apply(team, workload("scaled", replicas=2))
    ready(team, "scaled", 2)
    small = {**SPEC, "limits": [{"type": "Container", "default": {"cpu": "500m"}, "max": {"cpu": "500m"}}]}
    set_tier(team, {**small, "workloads": "Enforce"})
    until(lambda: apply(team, workload("new"), "--dry-run=server").code != 0, "the webhook knows the tier")
    assert warnings(apply(team, autoscaler("Deployment", least=3, most=3))) == []
    until(lambda: replicas(team, "Deployment") == "3/2", "it is scaled up", seconds=60)
    failed = 'jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].message}'
    words = 'container "main": limits.cpu is 1, the tier allows at most 500m'
    until(lambda: words in kubectl(team, f"get deployment scaled -o '{failed}'").out, "it says why", seconds=60)
    assert not [one for one in said_of_the_autoscaler(team) if "FailedRescale" in one]


def test_after_a_tier_was_tightened_people_can_still_scale_down_annotate_pause_and_delete(team: Cluster) -> None:
    apply(team, workload("old", replicas=3))
    ready(team, "old", 3)
    small = {**SPEC, "limits": [{"type": "Container", "default": {"cpu": "500m"}, "max": {"cpu": "500m"}}]}
    set_tier(team, small)
    until(lambda: apply(team, workload("new"), "--dry-run=server").code != 0, "the webhook knows the tier")
    assert kubectl(team, "rollout restart deployment/old").code != 0  # it would hang
    for line in (
        "annotate deployment old team=web",
        "rollout pause deployment/old",
        "rollout resume deployment/old",
        "scale deployment old --replicas=2",
        "scale deployment old --replicas=0",
    ):
        assert warnings(kubectl(team, line)) == [], line
    (told,) = warnings(kubectl(team, "scale deployment old --replicas=1 --dry-run=server"))[:1]
    assert told.startswith("no pod of it can run")
    raised = kubectl(team, """patch deployment old -p '{"spec":{"replicas":1}}' --dry-run=server""")
    assert "no pod of it can run" in raised.err
    assert raised.code != 0
    assert warnings(kubectl(team, "delete deployment old --cascade=foreground --timeout=60s")) == []


@pytest.mark.parametrize("kind", TEMPLATED)
def test_what_is_applied_again_is_unchanged(team: Cluster, kind: str) -> None:
    """By a client that compares: `kubectl diff` finds no difference, and nothing is written."""
    written = workload("steady", kind)
    assert warnings(apply(team, written)) == []
    diff = team.run(f"kubectl diff -n {NAMESPACE} -f -", stdin=json.dumps(written))
    assert (diff.code, diff.out) == (0, "")
    again = apply(team, written)
    assert warnings(again) == []
    assert again.out.strip().endswith("unchanged")


def test_what_is_applied_again_is_as_it_was_written_and_nothing_is_said(team: Cluster) -> None:
    """Workloads are never mutated, so that GitOps sees no drift."""
    written = workload("steady", replicas=2)
    for flags in ("--server-side", "--server-side", "--server-side"):
        assert warnings(apply(team, written, flags)) == []
    stored = kubectl(team, "get deployment steady -o json").json
    assert stored["metadata"]["generation"] == 1
    assert stored["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


def test_a_daemonset_is_judged_by_the_nodes(team: Cluster) -> None:
    assert warnings(apply(team, workload("each", "DaemonSet", cpu="2"))) == []
    assert warnings(apply(team, workload("filler", replicas=2))) == []
    until(lambda: used(team) == "4", "the quota is used up", seconds=60)
    (told,) = warnings(apply(team, workload("other", "DaemonSet")))
    assert told.startswith("0 of 1 pods fit into quota")


def test_the_namespace_s_own_quota_and_limitrange_count(team: Cluster) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "own"}, "spec": {"hard": {"pods": "2"}}}
    item = {"type": "Container", "max": {"memory": "1Gi"}, "default": {"memory": "512Mi"}}
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "own"}, "spec": {"limits": [item]}}
    team.apply(quota, limits, namespace=NAMESPACE)
    try:
        large = workload("large", replicas=3)
        until(lambda: 'quota "own"' in apply(team, large, "--dry-run=server").err, "the webhook knows the quota")
        container = large["spec"]["template"]["spec"]["containers"][0]
        container["resources"]["limits"]["memory"] = "2Gi"
        refused = apply(team, large)
        assert 'LimitRange "own" refuses' in refused.err
        assert "maximum memory usage per Container is 1Gi, but limit is 2Gi" in refused.err
    finally:
        team.kubectl(f"delete resourcequota/own limitrange/own -n {NAMESPACE}")
