"""Objects with names, labels and annotations of every sort, for the pure tests and for a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tiergate.core.naming import LONGEST_ANNOTATIONS, NAMES

NAMES_TRIED: Final = (
    *("a", "0", "a-b", "a.b", "a.0-b.c", "1.5", "a--b"),
    *("A", "a_b", "-a", "a-", ".a", "a.", "a..b", "a.-b", "a-.b", "é", "a b", "a/b", "a%b", ".", "..", "a\n", ""),
    *("a" * number for number in (52, 53, 63, 64, 253, 254)),
    *(f"{'a.' * number}a" for number in (25, 26, 31, 32, 126, 127)),
)
PREFIXES_TRIED: Final = (
    *("a-", "a", "a.", "a.-", "-", "--", "-a", "A-", "a_", "a--", ".", "a/", "é-"),
    *("a" * number for number in (47, 48, 57, 58, 59, 63, 64, 253, 254)),
    *(f"{'a' * number}-" for number in (47, 57, 58, 62, 63)),
    *(f"{'a' * 57}.{'a' * 20}", f"{'a' * 56}.-"),
)
KEYS_TRIED: Final = (
    *("a", "A", "a.b_c-d", "a/b", "a.b/C", "0", "A.b/c", "a//b", "a/b/c", "/a", "a/", "-a", "a-", "_", "", "é", "a b"),
    *("a" * 63, "a" * 64, f"{'a' * 253}/b", f"{'a' * 254}/b", f"{'a.' * 126}a/b"),
)
VALUES_TRIED: Final = (
    *("", "a", "A.b_c-D", "0", "1.0", "-a", "a-", "a/b", "a b", "é", "_", "a\n", "a" * 63, "a" * 64),
    *(None, 1, 1.5, True, ["a"], {"a": "b"}),
)
WHOLES_TRIED: Final[tuple[Any, ...]] = (None, {}, "a", ["a"])
_POD: Final = {"containers": [{"name": "c", "image": "registry.example/x:1"}]}
_ENDING: Final = {**_POD, "restartPolicy": "Never"}
_CLAIM: Final = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_TIER: Final = {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}


class Named(NamedTuple):
    """An object, and the collection that it is created in."""

    collection: str
    document: dict[str, Any]


def an_object(kind: str, metadata: dict[str, Any], template: dict[str, Any] | None = None) -> Named:
    """Return a valid object of a kind but for its metadata, and those of its pod template."""
    (group,) = (group for group, of_kind in NAMES if of_kind == kind)
    made = {"labels": {"app": "a"}, **(template or {})}
    pods = {"template": {"metadata": made, "spec": _POD}}
    ending = {"template": {"metadata": made, "spec": _ENDING}}
    selecting = {"selector": {"matchLabels": {"app": "a"}}, **pods}
    specs: dict[str, dict[str, Any]] = {
        **dict.fromkeys(("Deployment", "ReplicaSet", "DaemonSet"), selecting),
        "StatefulSet": {**selecting, "serviceName": "a"},
        "ReplicationController": {"selector": {"app": "a"}, **pods},
        "Job": ending,
        "CronJob": {"schedule": "0 0 * * *", "jobTemplate": {"spec": ending}},
        "Pod": _POD,
        "PersistentVolumeClaim": _CLAIM,
        "ResourceQuota": {"hard": {"pods": "1"}},
        "LimitRange": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]},
        "Tier": _TIER,
    }
    version = "v1alpha1" if kind == "Tier" else "v1"
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    place = "" if kind in {"Namespace", "Tier"} else "/namespaces/default"
    document = {
        "apiVersion": f"{group}/{version}".lstrip("/"),
        "kind": kind,
        "metadata": metadata,
        "spec": specs.get(kind, {}),
    }
    return Named(f"{root}{place}/{kind.lower()}s", document)


def a_job_with_its_own_selector(metadata: dict[str, Any], *, manual: object = True) -> Named:
    """Return a Job whose author selects its pods, unless ``manual`` says otherwise."""
    job = an_object("Job", metadata)
    chosen = {"manualSelector": manual} | ({"selector": {"matchLabels": {"app": "a"}}} if manual else {})
    return Named(job.collection, {**job.document, "spec": {**job.document["spec"], **chosen}})


def objects() -> Iterator[Named]:
    """Yield an object for each name and prefix of each kind, and for each key and value of a label or annotation."""
    for _, kind in NAMES:
        for name in NAMES_TRIED:
            yield an_object(kind, {"name": name})
        for prefix in PREFIXES_TRIED:
            yield an_object(kind, {"generateName": prefix})
    for manual in (True, False, None):
        yield from (a_job_with_its_own_selector({"name": name}, manual=manual) for name in NAMES_TRIED)
        yield from (a_job_with_its_own_selector({"generateName": one}, manual=manual) for one in PREFIXES_TRIED)
    yield an_object("Pod", {"name": "a", "generateName": "A"})
    yield from (an_object("Pod", {"name": value}) for value in (1, True, ["a"]))
    for kind in ("Pod", "Tier"):
        for field in ("labels", "annotations"):
            yield from (an_object(kind, {"name": "a", field: {key: "a"}}) for key in KEYS_TRIED)
            yield from (an_object(kind, {"name": "a", field: {"a": value}}) for value in VALUES_TRIED)
            yield from (an_object(kind, {"name": "a", field: whole}) for whole in WHOLES_TRIED)
    for kind in ("Deployment", "StatefulSet", "Job", "CronJob", "ReplicationController"):
        for labels in ({"app": "a", "A b": "a"}, {"app": "a", "b": "a b"}, {"app": "a", "b": 1}, {"app": "a"}):
            yield an_object(kind, {"name": "a"}, {"labels": labels})
        yield an_object(kind, {"name": "a"}, {"annotations": {"a b": "c"}})
    for size in (LONGEST_ANNOTATIONS - 1, LONGEST_ANNOTATIONS):
        yield an_object("Pod", {"name": "a", "annotations": {"a": "b" * size}})
