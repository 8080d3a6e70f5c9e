"""Every replica dies under load: Kubernetes' own engines take over, and hand back; nothing too large ever gets in."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import shlex
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.background import threads
from tests.cluster import story
from tests.cluster.by_hand import break_glass
from tests.cluster.controllers import leader, process_group
from tests.cluster.narrator import Narrator
from tests.cluster.objects import a_pod, resources_of
from tests.cluster.outage import FAIL, HANDED_OVER, bring_back, kill_all, policies
from tests.cluster.releases import CONFIGURATIONS, HELMS, NAME, Release, is_helm_4, through
from tests.cluster.story import CONTAINER
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, Say, until

pytestmark = pytest.mark.cluster
DEFAULTS = {"requests": CONTAINER["dev"]["defaultRequest"], "limits": CONTAINER["dev"]["default"]}
BACK_AFTER = 10
MOST_SECONDS = 20
"""From the death of the last replica until valid pods flow, 15 of which are silence."""
MIN = "/spec/limits/0/min"
TIMING = (
    "controller.leaderElection.leaseDurationSeconds=5",
    "controller.leaderElection.renewDeadlineSeconds=3",
    "controller.leaderElection.retryPeriodSeconds=1",
    "handover.after=15",
    f"handover.backAfter={BACK_AFTER}",
)


def _with(count: int, cpu: str) -> Object:
    """Return a pod with so many containers, each limited to so much CPU."""
    pod = a_pod("asks")
    pod["spec"]["containers"] = [
        {"name": f"c{number}", "image": "agent", "resources": {"limits": {"cpu": cpu, "memory": "64Mi"}}}
        for number in range(count)
    ]
    return pod


PODS = {"valid": a_pod("asks"), "over its range": _with(1, "2"), "over the quota": _with(9, "500m")}


class Load:
    """Dry-run creates of each kind of pod, one after the other, all the time."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[float, int, str]]] = {kind: [] for kind in PODS}

    def accepted(self, kind: str, *, since: float = 0.0) -> list[float]:
        return [at for at, code, _ in self.answers[kind] if code == 201 and at >= since]

    def refused(self, kind: str, *, since: float) -> list[str]:
        return [message for at, code, message in self.answers[kind] if code != 201 and at >= since]


@contextmanager
def load(cluster: Cluster, namespaces: Sequence[str] = ("dev",)) -> Iterator[Load]:
    """Send it to one of the namespaces after the other."""
    result, ended = Load(), threading.Event()

    def send(raw_api: Any, kind: str) -> None:  # noqa: ANN401 - of the context manager
        for namespace in itertools.cycle(namespaces):
            if ended.is_set():
                return
            code, body = raw_api.call("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", PODS[kind])
            result.answers[kind].append((time.monotonic(), code, str(body.get("message", ""))))
            time.sleep(0.05)

    with cluster.raw_api() as raw_api, threads(*(partial(send, raw_api, kind) for kind in PODS), stop=ended.set):
        yield result


@pytest.fixture(scope="module", params=HELMS)
def installed(request: pytest.FixtureRequest, bare_cluster: Cluster, say: Say) -> Iterator[Cluster]:
    cluster = through(request.param, bare_cluster, say)
    cluster = dataclasses.replace(cluster, chart_values=(*cluster.chart_values, *TIMING))
    story.install(Narrator(cluster, show=lambda _: None))
    cluster.kubectl("wait --for=condition=Enforcing tier --all --timeout=60s")
    yield cluster
    Release(cluster, (Path(story.VALUES),)).remove_all()


def test_an_outage_is_handed_over_and_back(installed: Cluster, say: Say) -> None:
    """Valid pods flow again with defaults, what is too large is refused at every moment, and all is as before."""
    cluster, release = installed, Release(installed, (Path(story.VALUES),))
    before = policies(cluster)
    assert before == FAIL
    with load(cluster) as sent:
        until(lambda: len(sent.accepted("valid")) > 5, "valid pods are admitted")
        kill_all(cluster)
        killed = time.monotonic()
        until(lambda: sent.refused("valid", since=killed), "nobody answers")
        until(lambda: policies(cluster) == HANDED_OVER, "it is handed over", seconds=60)
        last_refused = [at for at, code, _ in sent.answers["valid"] if code != 201][-1]
        until(lambda: sent.accepted("valid", since=last_refused), "valid pods flow again", seconds=30)
        seconds = sent.accepted("valid", since=last_refused)[0] - killed
        say(f"handed over: valid pods flow {seconds:.1f} s later")
        assert seconds < MOST_SECONDS
        _is_held_natively(cluster)
        _holds_without_a_min(cluster)
        _holds_what_is_being_deleted(cluster)
        _outlives_its_controller(cluster)
        _outlives_an_upgrade(cluster, release)
        bring_back(cluster)
        until(lambda: policies(cluster) == FAIL, "it is handed back", seconds=BACK_AFTER + 60)
        cluster.kubectl("wait --for=condition=Enforcing tier --all --timeout=60s")
        until(lambda: not _limit_ranges(cluster), "nothing is left of it")
        again = time.monotonic()
        until(lambda: len(sent.accepted("valid", since=again)) > 5, "valid pods are admitted")
        assert sent.refused("valid", since=again) == []
    assert (sent.accepted("over its range"), sent.accepted("over the quota")) == ([], [])
    assert len(sent.answers["over its range"]) > 50
    release.upgrade(None, "--no-hooks")
    assert policies(cluster) == before


@pytest.mark.long
def test_replicas_that_have_lost_the_api_server_are_handed_over(installed: Cluster) -> None:
    """They are ready, as they were in touch once, and can refuse everything only."""
    cluster = installed
    if cluster.plane is None:
        pytest.skip("a given cluster's API server is not ours to restart")
    binding = "clusterrolebinding tiergate-webhook"
    kept = cluster.kubectl(f"get {binding} -o json").json
    cluster.kubectl(f"delete {binding}")
    cluster.plane.restart("kube-apiserver")  # which ends the watches that were permitted
    until(lambda: cluster.run("kubectl get --raw /readyz").code == 0, "the API server is back", seconds=60)
    until(lambda: policies(cluster) == HANDED_OVER, "it is handed over", seconds=90)
    message = """get tier dev -o jsonpath='{.status.conditions[?(@.type=="Enforcing")].message}'"""
    assert "handed over" in cluster.kubectl(message).out
    _is_held_natively(cluster)
    cluster.apply(
        {
            "apiVersion": kept["apiVersion"],
            "kind": kept["kind"],
            "metadata": {
                "name": "tiergate-webhook",
                "labels": kept["metadata"]["labels"],
                "annotations": kept["metadata"]["annotations"],
            },
            "roleRef": kept["roleRef"],
            "subjects": kept["subjects"],
        }
    )
    until(lambda: policies(cluster) == FAIL, "it is handed back", seconds=BACK_AFTER + 90)


def _limit_ranges(cluster: Cluster) -> list[str]:
    return cluster.kubectl("get limitranges -A -l tiergate.io/tier -o name").out.split()


def _is_held_natively(cluster: Cluster) -> None:
    """Defaults are set, the guard of the label still refuses, and people are told."""
    cluster.apply(a_pod("natively") | {"metadata": {"name": "natively", "namespace": "dev"}})
    pod = cluster.kubectl("get pod natively -n dev -o json").json
    assert resources_of(pod) == DEFAULTS
    cluster.kubectl("delete pod natively -n dev --wait=false")
    refused = cluster.run("kubectl label namespace default tiergate.io/tier=dev")
    assert refused.code != 0
    assert "failed calling webhook" in refused.err
    until(lambda: "HandedOver" in cluster.kubectl("get tiers").out, "kubectl get tiers says so")
    events = cluster.kubectl("get events -n default -o json").json["items"]
    assert "HandedOver" in [one["reason"] for one in events]


def _holds_without_a_min(cluster: Cluster) -> None:
    """LimitRanger lets the limit 0 pass under every `max`, unless there is a `min`: the handover brings its own."""
    own = cluster.kubectl("get tier dev -o json").json["spec"]["limits"][0]["min"]
    _patch_min(cluster, [{"op": "remove", "path": MIN}])
    limit_range = "get limitrange tier -n dev -o jsonpath={.spec.limits[0].min}"
    smallest = {"cpu": "1m", "memory": "1", "ephemeral-storage": "1"}
    until(lambda: cluster.kubectl(limit_range).json == smallest, "the smallest amounts are the min")
    for resource, least in smallest.items():
        pod = a_pod("unlimited") | {"metadata": {"name": "unlimited", "namespace": "dev"}}
        pod["spec"]["containers"][0]["resources"] = {"limits": {resource: "0"}}
        refused = cluster.run("kubectl create --dry-run=server -f -", stdin=json.dumps(pod))
        assert f"minimum {resource} usage per Container is {least}, but request is 0" in refused.err
    pod = a_pod("bare") | {"metadata": {"name": "bare", "namespace": "dev"}}
    create = partial(cluster.run, "kubectl create --dry-run=server -o json -f -", stdin=json.dumps(pod))
    until(lambda: create().code == 0, "a namespace left out while its LimitRange was written is included", seconds=30)
    assert resources_of(create().json) == DEFAULTS
    _patch_min(cluster, [{"op": "add", "path": MIN, "value": own}])


def _holds_what_is_being_deleted(cluster: Cluster) -> None:
    """L-4: LimitRanger checks no resize of it; its deletion needs no answer, nor does another pod's resize."""
    change = {"spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": "300m"}}}]}}
    resize = (
        f"kubectl patch pod going -n dev --subresource=resize --dry-run=server -p {shlex.quote(json.dumps(change))}"
    )
    pod = a_pod("going")
    pod["metadata"] |= {"namespace": "dev", "finalizers": ["example.com/held"]}
    pod["spec"]["nodeSelector"] = {"no": "node"}
    cluster.apply(pod)
    assert cluster.run(resize).code == 0
    cluster.kubectl("delete pod going -n dev --wait=false")
    assert 'failed calling webhook "being-deleted.validate.tiergate.io"' in cluster.run(resize).err
    cluster.kubectl("""patch pod going -n dev --type=merge -p '{"metadata":{"finalizers":null}}'""")
    cluster.kubectl("wait --for=delete pod/going -n dev --timeout=60s")


def _patch_min(cluster: Cluster, operations: list[Object]) -> None:
    cluster.kubectl(f"patch tier dev --type=json -p {shlex.quote(json.dumps(operations))}")


def _outlives_its_controller(cluster: Cluster) -> None:
    """The leader is killed: the other one finds what is handed over, and leaves it so."""
    first = leader(cluster)
    os.killpg(process_group(cluster, first), signal.SIGKILL)
    until(lambda: leader(cluster) not in {"", first}, "another replica leads", seconds=30)
    time.sleep(3)
    assert policies(cluster) == HANDED_OVER
    assert len(_limit_ranges(cluster)) == len(CONTAINER)


def _outlives_an_upgrade(cluster: Cluster, release: Release) -> None:
    """Helm finds nobody else's field, and sets failurePolicy; it is handed over again."""
    generation = _generations(cluster)
    release.upgrade(None, "--no-hooks")
    assert _generations(cluster) > generation
    until(lambda: policies(cluster) == HANDED_OVER, "it is handed over again", seconds=30)


def _generations(cluster: Cluster) -> list[int]:
    return [cluster.kubectl(f"get {kind} {NAME} -o json").json["metadata"]["generation"] for kind in CONFIGURATIONS]


@pytest.mark.long
def test_a_service_that_leads_to_no_replica_is_handed_over(installed: Cluster) -> None:
    """Replicas are ready, and the API server reaches none."""
    service = f"service tiergate-webhook -n {NAMESPACE}"
    kept = installed.kubectl(f"get {service} -o json").json["spec"]["selector"]

    def select(selector: Object) -> None:
        operations = [{"op": "replace", "path": "/spec/selector", "value": selector}]
        installed.kubectl(f"patch {service} --type=json -p {shlex.quote(json.dumps(operations))}")

    select({"no": "pod"})
    until(lambda: policies(installed) == HANDED_OVER, "it is handed over", seconds=60)
    until(lambda: not _refused(installed, "dev"), "pods flow")
    select(kept)
    until(lambda: policies(installed) == FAIL, "it is handed back", seconds=BACK_AFTER + 60)
    installed.kubectl("wait --for=condition=Enforcing tier --all --timeout=60s")


HOSTILE: Object = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {
        "name": "tier",
        "namespace": "staging",
        "labels": {"tiergate.io/tier": "staging", "app.kubernetes.io/managed-by": "me"},
    },
    "spec": {"limits": [{"type": "Container", "max": {f"example.com/{number}": "1" for number in range(600)}}]},
}
"""A LimitRange that cannot be read, under the name that ours has."""
MARK = "tiergate.io/handed-over"


@pytest.mark.long
def test_one_namespace_is_left_out_and_break_glass_stands(installed: Cluster) -> None:
    """Who makes his own namespace unfit is refused there, and only there; what an operator says is not taken back."""
    cluster, release = installed, Release(installed, (Path(story.VALUES),))
    cluster.apply(HOSTILE)
    kill_all(cluster)
    until(lambda: policies(cluster) == HANDED_OVER, "it is handed over", seconds=60)
    until(lambda: not _refused(cluster, "dev"), "pods flow")
    assert 'failed calling webhook "excluded.pods.validate.tiergate.io"' in _refused(cluster, "staging")
    message = """get tier staging -o jsonpath='{.status.conditions[?(@.type=="Enforcing")].message}'"""
    words = 'namespace staging left out, and pods there stay refused: limitranges "tier" cannot be read'
    until(lambda: words in cluster.kubectl(message).out, "the condition names it")
    _outlives_an_upgrade(cluster, release)
    until(lambda: not _refused(cluster, "dev"), "pods flow")
    assert 'failed calling webhook "excluded.pods.validate.tiergate.io"' in _refused(cluster, "staging")
    cluster.kubectl("delete limitrange tier -n staging")
    until(lambda: not _refused(cluster, "staging"), "pods flow there, too", seconds=30)
    assert break_glass(cluster, "ignore").code == 1
    assert policies(cluster) == HANDED_OVER
    assert break_glass(cluster, "ignore", "--during-handover").code == 0
    bring_back(cluster)
    until(lambda: not _limit_ranges(cluster), "nothing is left of the handover", seconds=30)
    time.sleep(BACK_AFTER + 5)
    assert set(policies(cluster).values()) == {"Ignore"}
    assert MARK not in cluster.kubectl(f"get {','.join(CONFIGURATIONS)} -o json").text
    release.upgrade(None, "--no-hooks", *(["--force-conflicts"] if is_helm_4(release) else []))
    assert policies(cluster) == FAIL
    cluster.kubectl("wait --for=condition=Enforcing tier --all --timeout=60s")


def _refused(cluster: Cluster, namespace: str) -> str:
    """Return why a pod is refused, "" if it is not."""
    done = cluster.run(f"kubectl run probe --image=x -n {namespace} --dry-run=server")
    return "" if done.code == 0 else done.err
