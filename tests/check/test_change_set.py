"""The sum of a change set in a namespace, beside its quotas and what is used already."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.check.running import AROUND, KNOWN, NAMESPACE, Folder, Ran, deployment, pod, quota


def amounts(ran: Ran, resource: str) -> dict[str, Any]:
    (namespace,) = ran.report["namespaces"]
    return next(one for one in namespace["quotas"] if one["resource"] == resource)


def test_objects_that_fit_one_by_one_may_not_fit_together(folder: Folder) -> None:
    folder.write({f"{n}.yaml": deployment(f"agent-{n}", replicas=4, cpu="300m") for n in range(2)})
    assert folder.check(*KNOWN, "-o", "json", "0.yaml").code == 0
    ran = folder.check(*KNOWN, "-o", "json", "0.yaml", "1.yaml")
    assert (ran.code, ran.rules) == (1, ["change-set-exceeds-quota"])
    message = ran.report["findings"][0]["message"]
    assert "requests.cpu 2400m of 2, over by 400m" in message
    assert "deployment agent-0, deployment agent-1" in message
    assert folder.check(*KNOWN, "0.yaml", "1.yaml").last.endswith("over quota: dev")


def test_every_kind_asks_its_part(folder: Folder) -> None:
    claims = "  volumeClaimTemplates:\n  - {spec: {resources: {requests: {storage: 1Gi}}}}\n"
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c, namespace: dev}\n"
    folder.write(
        {
            "a.yaml": deployment(replicas=2),
            "b.yaml": deployment(kind="StatefulSet", replicas=3, more=claims),
            "c.yaml": deployment(kind="Job", replicas=4),
            "d.yaml": pod(),
            "e.yaml": claim + "spec: {resources: {requests: {storage: 2Gi}}}\n",
        }
    )
    ran = folder.check(*KNOWN, "-o", "json", "a.yaml", "b.yaml", "c.yaml", "d.yaml", "e.yaml")
    assert amounts(ran, "pods") == {
        "quota": "compute",
        "resource": "pods",
        "hard": "20",
        "used": "0",
        "steady": "10",
        "peak": "11",
    }
    assert amounts(ran, "requests.storage")["steady"] == "5Gi"
    assert amounts(ran, "requests.cpu")["steady"] == "1"


def test_objects_that_replace_each_other_count_once(folder: Folder) -> None:
    folder.write({"a.yaml": deployment(replicas=9), "b.yaml": deployment(replicas=2)})
    ran = folder.check(*KNOWN, "-o", "json", "a.yaml", "b.yaml")
    assert amounts(ran, "pods")["steady"] == "2"
    assert ran.report["summary"]["objects"] == 2


REPEATED: Final = {
    "twice-in-one-file": ({"a.yaml": f"{deployment()}---\n{deployment()}"}, [("a.yaml:1:1", "a.yaml:17:1")]),
    "a-base-and-its-overlay": (
        {"base/a.yaml": deployment(), "overlay/a.yaml": deployment(replicas=2)},
        [("base/a.yaml:1:1", "overlay/a.yaml:1:1")],
    ),
    "three-times": (
        {f"{name}.yaml": deployment() for name in "abc"},
        [("a.yaml:1:1", "c.yaml:1:1"), ("b.yaml:1:1", "c.yaml:1:1")],
    ),
    "a-namespace": ({"a.yaml": f"{NAMESPACE}---\n{NAMESPACE}"}, [("a.yaml:1:1", "a.yaml:5:1")]),
    "in-two-namespaces": ({"dev/a.yaml": deployment(), "test/a.yaml": deployment(namespace="test")}, []),
    "of-two-kinds": ({"a.yaml": f"{deployment()}---\n{deployment(kind='StatefulSet')}"}, []),
    "in-namespaces-that-are-not-known": ({f"{name}/a.yaml": deployment(namespace='""') for name in "ab"}, []),
}
"""Files, and which objects in them are told where they are defined again."""


@pytest.mark.parametrize(("files", "places"), REPEATED.values(), ids=REPEATED)
def test_an_object_that_is_defined_again_is_told_with_both_places(
    folder: Folder, files: dict[str, str], places: list[tuple[str, str]]
) -> None:
    folder.write({f"m/{name}": text for name, text in files.items()})
    ran = folder.check(*KNOWN, "-o", "json", "m")
    told = [one for one in ran.report["findings"] if one["rule"] == "defined-again"]
    assert [(f"{one['path']}:{one['line']}:{one['column']}", one["message"].split()[5][:-1]) for one in told] == [
        (f"m/{first}", f"m/{last}") for first, last in places
    ]
    assert {one["severity"] for one in told} <= {"warning"}
    assert ran.code == 0


def test_objects_whose_names_are_generated_do_not_replace_each_other(folder: Folder) -> None:
    folder.write({"a.yaml": "---\n".join([pod().replace("name: one", "generateName: one-")] * 3)})
    assert amounts(folder.check(*KNOWN, "-o", "json", "a.yaml"), "pods")["steady"] == "3"


def test_jobs_wait_for_room(folder: Folder) -> None:
    folder.write(
        {"a.yaml": deployment(replicas=3, cpu="500m"), "b.yaml": deployment("job", kind="Job", replicas=3, cpu="300m")}
    )
    ran = folder.check(*KNOWN, "-o", "json", "a.yaml", "b.yaml")
    (finding,) = ran.report["findings"]
    assert (ran.code, finding["severity"], finding["rule"]) == (0, "warning", "change-set-exceeds-quota")
    assert "its Jobs wait until others are done" in finding["message"]


@pytest.mark.parametrize(
    ("replicas", "more", "stalls"),
    [
        pytest.param(3, "", True, id="no-pod-may-be-unavailable"),
        pytest.param(2, "", False, id="room-for-the-surge"),
        pytest.param(3, "  strategy: {type: Recreate}\n", False, id="recreate"),
        pytest.param(3, "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}\n", False, id="no-surge"),
    ],
)
@pytest.mark.rule("W-1c")
def test_a_rollout_that_cannot_take_a_step_is_told(folder: Folder, replicas: int, more: str, stalls: bool) -> None:  # noqa: FBT001
    """Of 2 cpu each pod asks 600m under a tier with max 1: three leave no room for a fourth."""
    folder.write({"a.yaml": deployment(replicas=replicas, cpu="600m", more=more).replace("cpu: 500m", "cpu: 600m")})
    tiers = (folder.path / "around/tiers.yaml").read_text().replace("max: {cpu: 500m", "max: {cpu: 1")
    folder.write({"tiers.yaml": tiers})
    arguments = ("--tiers", "tiers.yaml", "--namespaces", "around/namespaces.yaml", "--usage", "none", "-o", "json")
    ran = folder.check(*arguments, "a.yaml")
    assert (ran.code, ran.rules) == (0, ["change-set-rollout-stalls"] if stalls else [])
    assert folder.check(*arguments, "--rollout", "steady", "a.yaml").rules == []
    folder.write({"tiers.yaml": tiers.replace("spec:", "spec:\n  enforcement: Warn")})
    warned = [one["message"][:33] for one in folder.check(*arguments, "a.yaml").report["findings"]]
    assert warned == (["in mode Enforce: a later rollout "] if stalls else [])


def test_room_that_is_left_is_told_in_replicas(folder: Folder) -> None:
    folder.write({"a.yaml": deployment(replicas=2, cpu="500m")})
    assert "room left: 2 more of deployment agent" in folder.check(*KNOWN, "a.yaml").out


def test_what_is_used_already_counts(folder: Folder) -> None:
    folder.write({"usage.json": quota({"requests.cpu": "1500m"}), "a.yaml": deployment(cpu="400m")})
    ran = folder.check(*AROUND, "--usage", "usage.json", "-o", "json", "a.yaml")
    assert (ran.code, amounts(ran, "requests.cpu")["used"]) == (0, "1500m")
    folder.write({"b.yaml": deployment("other", cpu="400m")})
    ran = folder.check(*AROUND, "--usage", "usage.json", "-o", "json", "a.yaml", "b.yaml")
    assert "requests.cpu 800m of 2, 1500m used besides, over by 300m" in ran.report["findings"][-1]["message"]


def test_what_the_change_set_replaces_is_not_counted_twice(folder: Folder) -> None:
    running = deployment(replicas=4, cpu="400m") + "status: {replicas: 4, updatedReplicas: 4}\n"
    folder.write(
        {
            "usage.yaml": running + "---\n" + quota({"requests.cpu": "1600m", "limits.cpu": "2", "pods": "4"}) + "\n",
            "a.yaml": deployment(replicas=4, cpu="450m"),
        }
    )
    ran = folder.check(*AROUND, "--usage", "usage.yaml", "--rollout", "steady", "-o", "json", "a.yaml")
    found = amounts(ran, "requests.cpu")
    assert (found["used"], found["steady"]) == ("0", "1800m")
    assert "change-set-exceeds-quota" not in ran.rules


def test_usage_that_a_file_does_not_tell_is_unproved(folder: Folder) -> None:
    folder.write({"usage.json": quota({}, namespace="other"), "a.yaml": deployment()})
    ran = folder.check(*AROUND, "--usage", "usage.json", "-o", "json", "a.yaml")
    (result,) = ran.report["objects"]
    assert (result["outcome"], ran.report["namespaces"][0]["quotas"][0]["used"]) == ("unproved", None)


def test_other_quotas_of_the_namespace_count_too(folder: Folder) -> None:
    own = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: team, namespace: dev}\nspec: {hard: {pods: 2}}\n"
    folder.write({"a.yaml": own + "---\n" + deployment(replicas=3)})
    ran = folder.check(*KNOWN, "-o", "json", "a.yaml")
    assert (ran.code, ran.rules) == (1, ["workload-does-not-fit", "change-set-exceeds-quota"])


def test_a_limit_range_of_the_namespace_counts_too(folder: Folder) -> None:
    own = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: team, namespace: dev}\n"
    folder.write({"a.yaml": own + "spec: {limits: [{type: Container, max: {cpu: 300m}}]}\n---\n" + deployment()})
    ran = folder.check(*KNOWN, "-o", "json", "a.yaml")
    assert (ran.code, ran.rules) == (1, ["workload-never-runs/native-max"])


def test_a_daemon_set_needs_to_know_the_nodes(folder: Folder) -> None:
    node = "apiVersion: v1\nkind: Node\nmetadata: {name: %s}\n"
    folder.write(
        {
            "a.yaml": deployment(kind="DaemonSet"),
            "usage.yaml": "---\n".join([quota({}) + "\n", node % "one", node % "two"]),
        }
    )
    assert folder.check(*KNOWN, "-o", "json", "a.yaml").report["objects"][0]["outcome"] == "unproved"
    ran = folder.check(*AROUND, "--usage", "usage.yaml", "-o", "json", "a.yaml")
    assert amounts(ran, "pods")["steady"] == "2"
