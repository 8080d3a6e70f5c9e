"""Our kubelet against the real API server, with small programs instead of Tiergate."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, until

pytestmark = pytest.mark.cluster

# Appends what happens to it to a file that outlives it.
WRITES_DOWN = """
import os, signal, sys, time
out = open(os.environ["OUT"], "a", buffering=1)
print("start", file=out)
def term(*_):
    print("term", time.monotonic(), file=out)
    if sys.argv[1] == "obeys":
        sys.exit(0)
signal.signal(signal.SIGTERM, term)
time.sleep(3600)
"""


def a_pod(
    name: str,
    *command: str,
    grace: int = 1,
    restart: str = "Always",
    volume: Object | None = None,
    container: Object | None = None,
) -> Object:
    """Return a pod of the release namespace; a volume is mounted at /v."""
    main = {"name": "main", "image": "none", "command": list(command), **(container or {})}
    if volume is not None:
        main["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": grace,
        "restartPolicy": restart,
        "volumes": [] if volume is None else [{"name": "v", **volume}],
        "containers": [main],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def the_status(own: Cluster, name: str) -> Object:
    """Return the pod's status."""
    status: Object = own.kubectl(f"get pod {name} -n {NAMESPACE} -o json").json["status"]
    return status


def the_state(own: Cluster, name: str) -> Object:
    """Return the state of its container."""
    state: Object = the_status(own, name).get("containerStatuses", [{}])[0].get("state", {})
    return state


def is_ready(own: Cluster, name: str) -> bool:
    conditions = the_status(own, name).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def test_a_pod_whose_secret_is_missing_is_held_and_then_runs(own: Cluster) -> None:
    volume = {"secret": {"secretName": "later"}}
    own.apply(a_pod("held", "cat", "/v/a", volume=volume, restart="Never"), namespace=NAMESPACE)
    until(lambda: "later" in json.dumps(the_state(own, "held")), "the pod says what it waits for")
    own.kubectl(f"create secret generic later -n {NAMESPACE} --from-literal=a=hello")
    until(lambda: the_status(own, "held")["phase"] == "Succeeded", "the pod has run")


def test_a_secret_is_swapped_under_a_running_pod(own: Cluster, tmp_path: Path) -> None:
    """A reader in a tight loop never misses a file."""
    own.kubectl(f"create secret generic pair -n {NAMESPACE} --from-literal=a=1 --from-literal=b=1")
    seen = tmp_path / "seen"
    script = f"while sleep 0.02; do cat /v/a /v/b | tr -d '\\n' >> {seen}; echo >> {seen}; done"
    volume = {"secret": {"secretName": "pair"}}
    own.apply(a_pod("reads", "sh", "-c", script, volume=volume), namespace=NAMESPACE)
    until(seen.exists, "the pod reads")
    own.kubectl(f"patch secret pair -n {NAMESPACE} -p '{json.dumps({'stringData': {'a': '2', 'b': '2'}})}'")
    until(lambda: "22" in seen.read_text().split(), "the pod sees the new files", seconds=5)
    own.kubectl(f"delete pod reads -n {NAMESPACE}")
    assert {len(line) for line in seen.read_text().splitlines()} == {2}


def test_a_pod_may_call_the_api_server_with_its_token(own: Cluster) -> None:
    """Token, root certificate and address are those that a client in a cluster finds."""
    script = (
        'curl -sf --cacert /v/ca.crt -H "Authorization: Bearer $(cat /v/token)" -d \''
        '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
        "' -H 'Content-Type: application/json' https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT"
        "/apis/authentication.k8s.io/v1/selfsubjectreviews | grep system:serviceaccount:tiergate-system:default"
    )
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "kube-root-ca.crt"}},
    ]
    pod = a_pod("calls", "sh", "-c", script, volume={"projected": {"sources": sources}}, restart="Never")
    own.apply(pod, namespace=NAMESPACE)
    until(lambda: the_status(own, "calls")["phase"] in {"Succeeded", "Failed"}, "the pod has ended")
    assert the_status(own, "calls")["phase"] == "Succeeded"


def test_a_killed_container_is_started_again(own: Cluster) -> None:
    own.apply(a_pod("restarts", "sleep", "3600"), namespace=NAMESPACE)
    until(lambda: is_ready(own, "restarts"), "the pod is ready")
    first = the_status(own, "restarts")["containerStatuses"][0]
    os.kill(int(first["containerID"].removeprefix("process://")), signal.SIGKILL)

    def again() -> bool:
        status = the_status(own, "restarts")["containerStatuses"][0]
        return status["restartCount"] == 1 and "running" in status["state"]

    until(again, "the container runs again")
    last = the_status(own, "restarts")["containerStatuses"][0]["lastState"]["terminated"]
    assert (last["exitCode"], last["signal"]) == (137, 9)


@pytest.mark.parametrize(("answer", "grace"), [("obeys", 600), ("ignores", 3)])
def test_deletion_is_pre_stop_then_term_then_kill_after_the_grace_period(
    own: Cluster, tmp_path: Path, answer: str, grace: int
) -> None:
    """The preStop sleep of 1 s comes first; who ignores SIGTERM is killed when the grace period is over, not sooner."""
    name, out = f"stops-{answer}", tmp_path / "out"
    sleeps = {"preStop": {"sleep": {"seconds": 1}}}
    environment = [{"name": "OUT", "value": str(out)}]
    pod = a_pod(
        name, "python", "-c", WRITES_DOWN, answer, grace=grace, container={"lifecycle": sleeps, "env": environment}
    )
    own.apply(pod, namespace=NAMESPACE)
    until(lambda: out.exists() and out.read_text(), "the pod has started")
    begun = time.monotonic()
    own.kubectl(f"delete pod {name} -n {NAMESPACE} --wait=false")
    own.kubectl(f"wait --for=delete pod/{name} -n {NAMESPACE} --timeout=60s")
    ended = time.monotonic()
    start, term, told = out.read_text().split()
    assert (start, term) == ("start", "term")
    assert float(told) - begun >= 1
    if answer == "ignores":
        assert ended - begun >= grace


def test_a_failing_liveness_probe_restarts_and_a_failing_readiness_probe_does_not(own: Cluster, tmp_path: Path) -> None:
    well = tmp_path / "well"
    well.touch()
    check = {"exec": {"command": ["test", "-e", str(well)]}, "periodSeconds": 1, "failureThreshold": 1}
    own.apply(a_pod("unready", "sleep", "3600", container={"readinessProbe": check}), namespace=NAMESPACE)
    own.apply(a_pod("unwell", "sleep", "3600", container={"livenessProbe": check}), namespace=NAMESPACE)
    until(lambda: is_ready(own, "unready") and is_ready(own, "unwell"), "both are ready")
    well.unlink()
    until(lambda: not is_ready(own, "unready"), "the one is unready")
    until(lambda: the_status(own, "unwell")["containerStatuses"][0]["restartCount"] >= 1, "the other is restarted")
    assert the_status(own, "unready")["containerStatuses"][0]["restartCount"] == 0


def test_a_readiness_that_somebody_else_wrote_is_corrected(own: Cluster) -> None:
    """The node controller marks the pods of a node that is not ready; the node's kubelet marks them ready again."""
    own.apply(a_pod("corrects", "sleep", "3600"), namespace=NAMESPACE)
    until(lambda: is_ready(own, "corrects"), "the pod is ready")
    marked = json.dumps({"status": {"conditions": [{"type": "Ready", "status": "False"}]}})
    own.kubectl(f"patch pod corrects -n {NAMESPACE} --subresource=status -p '{marked}'")
    until(lambda: is_ready(own, "corrects"), "the pod is ready again", seconds=10)


def test_pods_go_on_while_the_api_server_is_away(own: Cluster) -> None:
    own.apply(a_pod("stays", "sleep", "3600"), namespace=NAMESPACE)
    until(lambda: is_ready(own, "stays"), "the pod is ready")
    before = the_status(own, "stays")["containerStatuses"][0]["containerID"]
    assert own.plane is not None
    own.plane.restart("kube-apiserver")
    until(lambda: own.run("kubectl get --raw /readyz").code == 0, "the API server is back")
    assert the_status(own, "stays")["containerStatuses"][0]["containerID"] == before
    own.apply(a_pod("after", "sleep", "3600"), namespace=NAMESPACE)
    until(lambda: is_ready(own, "after"), "a new pod is run")
