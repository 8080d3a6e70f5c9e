"""A workload that is there already: the API server stored it with its defaults, and so is it compared."""

from __future__ import annotations

import copy
import json
from typing import Any, Final

import msgspec
import pytest
import yaml

from tests.check.running import AROUND, Folder, pod, quota
from tests.check.running import deployment as of_kind
from tiergate.check.unchanged import change_of
from tiergate.core.workload import Workload
from tiergate.wire.workload import WireWorkload, to_workload

TEMPLATE: Final[dict[str, Any]] = {
    "metadata": {"labels": {"app": "agent"}, "creationTimestamp": None},
    "spec": {
        "initContainers": [{"name": "init", "image": "x:1"}],
        "containers": [
            {
                "name": "agent",
                "image": "x:1",
                "ports": [{"containerPort": 80}],
                "env": [{"name": "A", "value": ""}],
                "args": [],
                "tty": False,
                "securityContext": {},
                "resources": {"requests": {"cpu": "0.1"}, "limits": {"cpu": 1, "memory": "1024Mi"}},
            }
        ],
        "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}],
        "terminationGracePeriodSeconds": 0,
    },
}


def stored() -> dict[str, Any]:
    """Return the template as the API server has it."""
    made = copy.deepcopy(TEMPLATE)
    made["spec"] |= {"restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {}}
    made["spec"]["initContainers"][0]["resources"] = {}
    (container,) = made["spec"]["containers"]
    del container["args"], container["tty"], container["env"][0]["value"]
    container |= {"imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log"}
    container["ports"][0]["protocol"] = "TCP"
    container["resources"] = {"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    made["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] = "1Gi"
    return made


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the manifest's template with another value at a path."""
    made: dict[str, Any] = copy.deepcopy(TEMPLATE)
    at: Any = made
    *parents, last = path.split("/")
    for name in parents:
        at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
    if isinstance(at, list):
        at.append(value)
    else:
        at[last] = value
    return made


CONTAINER: Final = "spec/containers/0"
CHANGES: Final = {
    "nothing": (TEMPLATE, "unchanged"),
    "an-image": (changed(f"{CONTAINER}/image", "x:2"), "changed"),
    "a-limit": (changed(f"{CONTAINER}/resources/limits/memory", "2Gi"), "changed"),
    "a-limit-less": (changed(f"{CONTAINER}/resources/limits", {"cpu": 1}), "changed"),
    "a-label": (changed("metadata/labels/b", "x"), "changed"),
    "a-container-more": (changed("spec/containers/-", {"name": "b", "image": "y"}), "changed"),
    "an-argument": (changed(f"{CONTAINER}/args", ["x"]), "changed"),
    "a-switch": (changed(f"{CONTAINER}/tty", value=True), "changed"),
    "a-number": (changed("spec/terminationGracePeriodSeconds", 30), "changed"),
    "another-volume": (changed("spec/volumes/0", {"name": "w"}), "changed"),
    "an-amount": (changed("spec/volumes/0/emptyDir/sizeLimit", "2Gi"), "changed"),
    "a-deadline": (changed("spec/activeDeadlineSeconds", 5), "changed"),
}


def workload(template: dict[str, Any]) -> Workload:
    raw = json.dumps({"spec": {"template": template}}).encode()
    made = to_workload(msgspec.json.decode(raw, type=WireWorkload), "Deployment")
    assert made is not None
    return made


@pytest.mark.parametrize(("template", "change"), CHANGES.values(), ids=CHANGES)
def test_defaults_of_the_api_server_change_nothing(template: dict[str, Any], change: str) -> None:
    assert change_of(workload(template), workload(stored())) == change


def test_a_snapshot_leaves_open_whether_the_image_changes() -> None:
    assert change_of(workload(TEMPLATE), workload(without_images())) == "unknown"


def deployment(template: dict[str, Any], *, replicas: int = 3, status: bool = False) -> str:
    made = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "agent", "namespace": "dev"},
        "spec": {"replicas": replicas, "template": template},
        "status": {"replicas": replicas, "updatedReplicas": replicas} if status else {},
    }
    return yaml.safe_dump(made)


def without_images() -> dict[str, Any]:
    made = stored()
    for container in (*made["spec"]["containers"], *made["spec"]["initContainers"]):
        del container["image"]
    return made


RUNS: Final = {
    "the-same": (TEMPLATE, stored(), 3, (0, "pass")),
    "fewer": (TEMPLATE, stored(), 2, (0, "pass")),
    "more": (TEMPLATE, stored(), 4, (1, "warning")),
    "a-new-image": (changed(f"{CONTAINER}/image", "x:2"), stored(), 3, (1, "fail")),
    "of-a-snapshot": (TEMPLATE, without_images(), 3, (0, "unproved")),
}


@pytest.mark.parametrize(("template", "runs", "replicas", "expected"), RUNS.values(), ids=RUNS)
def test_what_runs_under_a_tier_that_became_smaller_may_stay(
    folder: Folder, template: dict[str, Any], runs: dict[str, Any], replicas: int, expected: tuple[int, str]
) -> None:
    """The cluster admits it: nothing new is asked for. Limits and the sum of the quota are exceeded by far."""
    used = quota({"limits.cpu": "3", "pods": "3", "requests.cpu": "300m"})
    folder.write(
        {
            "usage.yaml": f"{deployment(runs, status=True)}---\n{used}\n",
            "a.yaml": deployment(template, replicas=replicas),
            "tiers.yaml": (folder.path / "around/tiers.yaml").read_text().replace('limits.cpu: "4"', 'limits.cpu: "2"'),
        }
    )
    around = ("--tiers", "tiers.yaml", "--namespaces", "around/namespaces.yaml", "--usage", "usage.yaml")
    ran = folder.check(*around, "-o", "json", "a.yaml")
    (one,) = ran.report["objects"]
    assert (ran.code, one["outcome"]) == expected, ran.out
    if expected[1] == "unproved":
        assert "whether its template changes is not known without images; if it does: no pod" in one["unproved"]
        assert folder.check(*around, "--strict", "a.yaml").code == 1


def test_what_fits_one_by_one_and_runs_may_stay_together(folder: Folder) -> None:
    """Two Deployments under a quota that became smaller than their sum, and whose usage is not known."""
    strategy = "  strategy: {type: Recreate}\n  replicas: 1"

    def of(template: dict[str, Any], status: str) -> str:
        one = deployment(template, replicas=1).replace("  replicas: 1", strategy).replace("status: {}", status)
        return "---\n".join(one.replace("name: agent\n  namespace", f"name: {name}\n  namespace") for name in "ab")

    tier = (
        (folder.path / "around/tiers.yaml").read_text().replace("{cpu: 500m, memory: 512Mi}", "{cpu: 1, memory: 1Gi}")
    )
    folder.write(
        {
            "usage.yaml": of(stored(), "status: {replicas: 1, updatedReplicas: 1}"),
            "a.yaml": of(TEMPLATE, "status: {}"),
            "tiers.yaml": tier.replace('limits.cpu: "4"', "limits.cpu: 1500m"),
        }
    )
    around = ("--tiers", "tiers.yaml", "--namespaces", "around/namespaces.yaml", "--usage", "usage.yaml")
    ran = folder.check(*around, "-o", "json", "a.yaml")
    assert (ran.code, ran.rules) == (0, ["change-set-exceeds-quota"])
    assert "all of it runs already" in ran.report["findings"][0]["message"]


def test_a_pod_that_is_there_asks_for_nothing(folder: Folder) -> None:
    """An update of a pod changes no amounts, and no webhook is asked about it."""
    one = pod(resources="{requests: {cpu: 2}, limits: {cpu: 3}}")
    used = quota({"requests.cpu": "2", "limits.cpu": "3", "pods": "1"})
    folder.write({"usage.yaml": f"{used}\n---\n{one}", "a.yaml": one})
    ran = folder.check(*AROUND, "--usage", "usage.yaml", "-o", "json", "a.yaml")
    assert (ran.code, ran.rules) == (0, [])
    assert {one["resource"]: one["used"] for one in ran.report["namespaces"][0]["quotas"]}["requests.cpu"] == "0"


COUNTS: Final = {
    "none-as-for-an-autoscaler": ("", 7),
    "its-own": ("  replicas: 3\n", 3),
    "null-which-is-one": ("  replicas: null\n", 1),
}


@pytest.mark.parametrize(("written", "pods"), COUNTS.values(), ids=COUNTS)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_a_manifest_without_replicas_leaves_the_number_as_it_is(
    folder: Folder, kind: str, written: str, pods: int
) -> None:
    runs = of_kind(kind=kind, replicas=7) + "status: {replicas: 7}\n"
    folder.write(
        {
            "usage.yaml": f"{runs}---\n{quota({'pods': '7', 'requests.cpu': '700m', 'limits.cpu': '3500m'})}\n",
            "a.yaml": of_kind(kind=kind).replace("  replicas: 1\n", written),
        }
    )
    ran = folder.check(*AROUND, "--usage", "usage.yaml", "-o", "json", "a.yaml")
    (sums,) = (one["quotas"] for one in ran.report["namespaces"])
    assert [one["steady"] for one in sums if one["resource"] == "pods"] == [str(pods)]


def test_parallelism_is_not_replicas(folder: Folder) -> None:
    folder.write(
        {
            "usage.yaml": f"{of_kind(kind='Job', replicas=7)}---\n{quota({'pods': '7'})}\n",
            "a.yaml": of_kind(kind="Job", replicas=2),
        }
    )
    ran = folder.check(*AROUND, "--usage", "usage.yaml", "-o", "json", "a.yaml")
    (sums,) = (one["quotas"] for one in ran.report["namespaces"])
    assert [one["steady"] for one in sums if one["resource"] == "pods"] == ["2"]


@pytest.mark.parametrize("mode", ["Warn", "Audit"])
def test_in_a_mode_without_quotas_usage_is_not_known_and_the_reason_says_so(folder: Folder, mode: str) -> None:
    tier = (folder.path / "around/tiers.yaml").read_text().replace("spec:", f"spec:\n  enforcement: {mode}")
    folder.write({"tiers.yaml": tier, "usage.yaml": "kind: List\n", "a.yaml": pod()})
    ran = folder.check("--tiers", "tiers.yaml", "--tier", "dev", "--usage", "usage.yaml", "a.yaml")
    assert f"in mode {mode} no ResourceQuota counts it; --usage none checks the manifests alone" in ran.out
