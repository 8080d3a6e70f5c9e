"""The namespace lesson in ten steps, through the real API server and our webhook.

Each step is told with kubectl and checks what it is told. The test asserts all of them in order; the demo
prints them. The manifests are files, so that a reader can repeat every command.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Final

from tests.cluster.narrator import Narrator
from tests.controlplane.cluster import LONE, NAMESPACE, until

FILES: Final = "tests/cluster/manifests"
CHART: Final = "charts/tiergate"
VALUES: Final = f"{CHART}/values/environments.yaml"
PODS_VALIDATE: Final = 'admission webhook "pods.validate.tiergate.io" denied the request'
PODS_MUTATE: Final = "pods.mutate.tiergate.io"


def _storage(requests: str, limits: str, *, claims: str) -> dict[str, str]:
    names = ("requests.ephemeral-storage", "limits.ephemeral-storage", "persistentvolumeclaims")
    return dict(zip(names, (requests, limits, claims), strict=True))


# The lesson's table, with local disk and claims beside it: what each environment may have. Quotas, then the Container
# item of the limits.
HARD: Final = {
    "dev": {"requests.cpu": "2", "requests.memory": "2Gi", "limits.cpu": "4", "limits.memory": "4Gi"},
    "staging": {"requests.cpu": "4", "requests.memory": "4Gi", "limits.cpu": "8", "limits.memory": "8Gi"},
    "prod": {"requests.cpu": "8", "requests.memory": "8Gi", "limits.cpu": "16", "limits.memory": "16Gi"},
}
COUNTS: Final = {
    "dev": {"pods": "20", "requests.storage": "10Gi"} | _storage("10Gi", "20Gi", claims="5"),
    "staging": {"pods": "30", "requests.storage": "30Gi"} | _storage("20Gi", "60Gi", claims="10"),
    "prod": {"pods": "50", "requests.storage": "50Gi"} | _storage("50Gi", "200Gi", claims="20"),
}
CONTAINER: Final = {
    "dev": {
        "defaultRequest": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "256Mi"},
        "default": {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
        "min": {"cpu": "10m", "memory": "32Mi"},
        "max": {"cpu": "500m", "memory": "512Mi"},
    },
    "staging": {
        "defaultRequest": {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "256Mi"},
        "default": {"cpu": "500m", "memory": "512Mi", "ephemeral-storage": "2Gi"},
        "min": {"cpu": "50m", "memory": "64Mi"},
        "max": {"cpu": "1", "memory": "1Gi"},
    },
    "prod": {
        "defaultRequest": {"cpu": "500m", "memory": "512Mi", "ephemeral-storage": "512Mi"},
        "default": {"cpu": "750m", "memory": "768Mi", "ephemeral-storage": "4Gi"},
        "min": {"cpu": "100m", "memory": "128Mi"},
        "max": {"cpu": "2", "memory": "2Gi"},
    },
}
UNGOVERNED: Final = ("default", "kube-system", "kube-public")


@dataclass(frozen=True)
class Step:
    """One step of the story."""

    title: str
    tell: Callable[[Narrator], None]


def install(narrator: Narrator) -> None:
    """Install the chart; return when the webhook serves and every tier is ready."""
    values = "".join(f" --set {value}" for value in narrator.cluster.chart_values)
    narrator.run(f"helm install tiergate {CHART} -n {NAMESPACE} --create-namespace -f {VALUES}{values}")
    narrator.run("kubectl wait --for=condition=Ready tier --all --timeout=120s", "tier.tiergate.io/dev condition met")
    narrator.run("kubectl wait --for=condition=Enforcing tier --all --timeout=120s")
    narrator.run(f"kubectl rollout status deployment/tiergate-webhook -n {NAMESPACE} --timeout=120s")


def _install(narrator: Narrator) -> None:
    if narrator.cluster.plane is not None:
        narrator.say("What is --set is for this machine: two replicas, free ports, no long waits.")
    narrator.say(
        f"With {LONE} Kubernetes' own engines do not stand in for the webhook when a later step takes it away."
    )
    install(narrator)
    narrator.run("kubectl get tiers")
    for name in HARD:
        narrator.run(f"kubectl get namespace {name} -L tiergate.io/tier", f"{name}  Active")
        _has_the_lesson(narrator, name)
    narrator.run("kubectl get resourcequota -A", "dev  tier", "staging  tier", "prod  tier")
    for name in UNGOVERNED:
        narrator.run(f"kubectl get resourcequota,limitrange -n {name}", f"No resources found in {name} namespace.")


def _has_the_lesson(narrator: Narrator, name: str) -> None:
    """Compare quota, label and limits of one environment with the lesson's table."""
    quota = narrator.read(f"resourcequota tier -n {name}")
    _equal(f"quota of {name}", quota["status"]["hard"], HARD[name] | COUNTS[name])
    _equal(f"label of {name}", narrator.read(f"namespace {name}")["metadata"]["labels"]["tiergate.io/tier"], name)
    items = narrator.read(f"tier {name}")["spec"]["limits"]
    _equal(f"limits of {name}", items, [{"type": "Container"} | CONTAINER[name]])


def _deployment(narrator: Narrator) -> None:
    narrator.run(f"kubectl apply -n dev -f {FILES}/agent-api.yaml")
    narrator.run("kubectl rollout status deployment/agent-api -n dev --timeout=60s")
    narrator.run("kubectl get deployment agent-api -n dev", "agent-api  2/2")
    used = ("requests.cpu: 200m/2", "requests.memory: 256Mi/2Gi", "limits.cpu: 1/4", "limits.memory: 1Gi/4Gi")
    narrator.eventually("kubectl get resourcequota -n dev", *used, "pods: 2/20")


def _defaults(narrator: Narrator) -> None:
    for name in CONTAINER:
        narrator.run(f"kubectl apply -n {name} -f {FILES}/agent-worker.yaml")
        line = f"kubectl get pod agent-worker -n {name} -o jsonpath='{{.spec.containers[0].resources}}'"
        result = narrator.run(line)
        _equal(line, result.out, _as_printed(CONTAINER[name]))
    narrator.say("No native LimitRange is behind this.")
    narrator.run("kubectl get limitrange -A", "No resources found")


def _as_printed(item: Mapping[str, Mapping[str, str]]) -> str:
    return json.dumps(
        {"limits": item["default"], "requests": item["defaultRequest"]}, separators=(",", ":"), sort_keys=True
    )


def _one_manifest(narrator: Narrator) -> None:
    for name in HARD:
        narrator.run(f"kubectl apply -n {name} -f {FILES}/agent-deployment.yaml")
    for name in HARD:
        narrator.run(f"kubectl rollout status deployment/agent -n {name} --timeout=60s")
        narrator.run(f"kubectl get deployment agent -n {name}", "agent  2/2")


@dataclass(frozen=True)
class Refusal:
    """A manifest that breaks rules of the dev tier: what the answer says, and (rule, field) of its causes."""

    file: str
    lines: tuple[str, ...]
    causes: tuple[tuple[str, str], ...]


REFUSALS: Final = (
    Refusal(
        "limit-over-max",
        ('container "agent": limits.memory is 1Gi, the tier allows at most 512Mi; set limits.memory to 512Mi or less',),
        (("limit-max", "/spec/containers/0/resources/limits/memory"),),
    ),
    Refusal(
        "request-under-min",
        ('container "agent": requests.cpu is 5m, the tier asks for at least 10m; set requests.cpu to 10m or more',),
        (("request-min", "/spec/containers/0/resources/requests/cpu"),),
    ),
    Refusal(
        "request-over-max",
        ('container "agent": requests.cpu is 800m, the tier allows at most 500m; set requests.cpu to 500m or less',),
        (("request-max", "/spec/containers/0/resources/requests/cpu"),),
    ),
    Refusal(
        "two-faults",
        (
            'container "agent": limits.memory is 1Gi, the tier allows at most 512Mi',
            'container "sidecar": requests.cpu is 5m, the tier asks for at least 10m; set requests.cpu to 10m or more',
        ),
        (
            ("request-min", "/spec/containers/1/resources/requests/cpu"),
            ("limit-max", "/spec/containers/0/resources/limits/memory"),
        ),
    ),
)


def _refusals(narrator: Narrator) -> None:
    narrator.say("A watch listens meanwhile: what is refused must never appear in it.")
    with _watching(narrator) as (present, seen), narrator.cluster.raw_api() as raw_api:
        for each in REFUSALS:
            head = f'pod "{each.file}" in namespace "dev" (tier dev):'
            narrator.refused(f"kubectl apply -n dev -f {FILES}/{each.file}.yaml", PODS_VALIDATE, head, *each.lines)
            pod = narrator.cluster.kubectl(f"create -n dev --dry-run=client -o json -f {FILES}/{each.file}.yaml").json
            code, status = raw_api.call("POST", "/api/v1/namespaces/dev/pods", pod)
            _equal(f"answer to {each.file}", (code, status["reason"]), (403, "Forbidden"))
            causes = tuple((cause["reason"], cause["field"]) for cause in status["details"]["causes"])
            _equal(f"causes of {each.file}", causes, each.causes)
        narrator.run(f"kubectl apply -n dev -f {FILES}/filler-1.yaml")
        until(lambda: "pod/filler-1" in seen, "the watch shows the pod that was admitted")
    _equal("new pods in the watch", seen - present, {"pod/filler-1"})
    narrator.run("kubectl delete pod filler-1 -n dev", 'pod "filler-1" deleted')


@contextmanager
def _watching(narrator: Narrator) -> Iterator[tuple[set[str], set[str]]]:
    """Yield the names of the pods of dev, and of those that appear or change in a watch from now on."""
    seen: set[str] = set()

    def collect(lines: IO[str]) -> None:
        for line in lines:
            seen.add(line.strip())

    # The list comes first and shows that the watch is open; it is then forgotten.
    present = {f"pod/{item['metadata']['name']}" for item in narrator.read("pods -n dev")["items"]}
    with narrator.cluster.start("get pods -n dev --watch -o name") as process:
        listening = threading.Thread(target=collect, args=(process.stdout,))
        listening.start()
        try:
            until(lambda: seen >= present, "the watch has listed")
            seen.clear()
            yield present, seen
        finally:
            process.kill()
            listening.join()


def _fill(narrator: Narrator) -> None:
    for number in (1, 2, 3):
        narrator.run(f"kubectl apply -n dev -f {FILES}/filler-{number}.yaml")
    narrator.run("kubectl get resourcequota -n dev", "limits.cpu: 3750m/4")
    narrator.refused(
        f"kubectl apply -n dev -f {FILES}/filler-4.yaml",
        PODS_VALIDATE,
        'quota "compute": limits.cpu asks 500m, used 3750m of 4, over by 250m; '
        "set limits.cpu to 250m or less, or free 250m in dev",
    )
    narrator.run(f"kubectl apply -n prod -f {FILES}/filler-4.yaml", "pod/filler-4 created")
    narrator.say("Deleting a pod makes room again.")
    narrator.run("kubectl delete pod filler-1 -n dev")
    narrator.eventually("kubectl get resourcequota -n dev", "limits.cpu: 3250m/4")
    narrator.run(f"kubectl apply -n dev -f {FILES}/filler-4.yaml", "pod/filler-4 created")
    narrator.run("kubectl delete pod filler-2 filler-3 filler-4 -n dev")
    narrator.eventually("kubectl get resourcequota -n dev", "limits.cpu: 2250m/4")


def _valid_pod(narrator: Narrator) -> None:
    narrator.run(f"kubectl apply -f {FILES}/native-limitrange.yaml")
    narrator.run("kubectl wait --for=create serviceaccount/default -n native --timeout=30s")
    narrator.say("A native LimitRange breaks the pod (kubernetes#51430) ...")
    narrator.refused(
        f"kubectl apply -n native -f {FILES}/request-over-default.yaml",
        'spec.containers[0].resources.requests: Invalid value: "400m": must be less than or equal to cpu limit of 250m',
    )
    narrator.say("... the dev tier with the same numbers admits it.")
    narrator.run(f"kubectl apply -n dev -f {FILES}/request-over-default.yaml")
    line = "kubectl get pod request-over-default -n dev -o jsonpath='{.spec.containers[0].resources}'"
    result = narrator.run(line)
    asked = {"cpu": "400m"}
    expected = _as_printed({side: CONTAINER["dev"][side] | asked for side in ("default", "defaultRequest")})
    _equal(line, result.out, expected)
    narrator.run("kubectl delete pod request-over-default -n dev")


def _dry_run(narrator: Narrator) -> None:
    before = _versions(narrator)
    for each in REFUSALS:
        narrator.refused(
            f"kubectl apply -n dev --dry-run=server -f {FILES}/{each.file}.yaml", PODS_VALIDATE, *each.lines
        )
    line = f"kubectl create -n dev --dry-run=server -f {FILES}/request-over-default.yaml"
    narrator.run(line, "pod/request-over-default created (server dry run)")
    resources = narrator.cluster.kubectl(f"{line.removeprefix('kubectl ')} -o json").json["spec"]["containers"][0][
        "resources"
    ]
    _equal("dry-run limits", resources["limits"], CONTAINER["dev"]["default"] | {"cpu": "400m"})
    narrator.refused("kubectl get pod request-over-default -n dev", "NotFound")
    _equal("objects before and after", _versions(narrator), before)


def _versions(narrator: Narrator) -> dict[str, str]:
    items = narrator.read("pods,resourcequotas,replicasets -n dev")["items"]
    return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in items}


def _untouched(narrator: Narrator) -> None:
    narrator.run(f"kubectl apply -n default -f {FILES}/agent-worker.yaml")
    line = "kubectl get pod agent-worker -n default -o jsonpath='{.spec.containers[0].resources}'"
    _equal(line, narrator.run(line).out, "{}")
    pod = narrator.read("pod agent-worker -n default")
    _equal("annotations of ours", [key for key in pod["metadata"]["annotations"] if "tiergate" in key], [])
    narrator.say("An ephemeral container has no resources, and is none of the tier's business.")
    debug = "kubectl debug agent-worker -n dev --profile=baseline"  # as the Pod Security level of the namespace
    narrator.run(f"{debug} --image=registry.example/busybox:1.37 --container=probe -- sh")
    line = "kubectl get pod agent-worker -n dev -o jsonpath='{.spec.ephemeralContainers[*].name}'"
    _equal(line, narrator.run(line).out, "probe")


def _stopped(narrator: Narrator) -> None:
    narrator.run(f"kubectl apply -f {FILES}/dev-scratch.yaml")
    narrator.run("kubectl wait --for=create resourcequota/tier -n dev-scratch --timeout=30s")
    narrator.run(f"kubectl apply -n dev-scratch -f {FILES}/agent-worker.yaml -f {FILES}/workspace.yaml")
    narrator.run(f"kubectl apply -n dev -f {FILES}/workspace.yaml")
    replicas = narrator.read(f"deployment tiergate-webhook -n {NAMESPACE}")["spec"]["replicas"]
    selector = "app.kubernetes.io/component=webhook"
    narrator.run(f"kubectl scale deployment/tiergate-webhook -n {NAMESPACE} --replicas=0")
    narrator.run(f"kubectl wait --for=delete pod -l {selector} -n {NAMESPACE} --timeout=60s")
    _without_the_webhook(narrator)
    narrator.run(f"kubectl scale deployment/tiergate-webhook -n {NAMESPACE} --replicas={replicas}")
    narrator.run(f"kubectl rollout status deployment/tiergate-webhook -n {NAMESPACE} --timeout=120s")
    narrator.eventually(f"kubectl apply -n dev -f {FILES}/filler-1.yaml", "pod/filler-1")
    narrator.refused(f"kubectl apply -n dev -f {FILES}/limit-over-max.yaml", PODS_VALIDATE, *REFUSALS[0].lines)


def _without_the_webhook(narrator: Narrator) -> None:
    narrator.refused(f"kubectl apply -n dev -f {FILES}/filler-1.yaml", f'failed calling webhook "{PODS_MUTATE}"')
    narrator.run(f"kubectl apply -n default -f {FILES}/filler-1.yaml", "pod/filler-1 created")
    narrator.say("Nothing is in the way of deletion.")
    narrator.run("kubectl delete pod agent-worker -n dev --timeout=30s", 'pod "agent-worker" deleted')
    narrator.run("kubectl delete pvc workspace -n dev --timeout=30s", 'persistentvolumeclaim "workspace" deleted')
    narrator.run("kubectl delete namespace dev-scratch --timeout=60s", 'namespace "dev-scratch" deleted')


def _equal(what: str, actual: object, expected: object) -> None:
    if actual != expected:
        msg = f"{what}: expected {expected!r}, got {actual!r}"
        raise AssertionError(msg)


STEPS: Final = (
    Step("One helm install: tiers, governed namespaces, their quotas, and nothing anywhere else", _install),
    Step("A deployment within its tier runs, and the quota counts it", _deployment),
    Step("A pod without resources gets its tier's defaults", _defaults),
    Step("One manifest, three environments", _one_manifest),
    Step("What breaks a rule is refused before it is stored, all faults in one answer", _refusals),
    Step("A full tier refuses and says by how much, others still take pods, and deleting makes room", _fill),
    Step("A valid pod stays valid: the default limit makes way for a larger request", _valid_pod),
    Step("A server-side dry run says the same and writes nothing", _dry_run),
    Step("Other namespaces stay as they were, and kubectl debug works", _untouched),
    Step("Without the webhook pods wait, everything can be deleted, and it comes back", _stopped),
)
