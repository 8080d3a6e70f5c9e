"""Usage as our core computes it, and as Kubernetes does: equal for every resource name and scope.

Native `used` is compared after a forced recalculation, a change of `spec.hard`: before it may be wrong (R-53, R-58,
R-60a).
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import pytest

from tests.cluster.usage_series import PRIORITY, RUNTIME, STORAGE, WIDGET, Series
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, RawApi
from tiergate.cluster.usage_index import claim_decoder, pod_decoder
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import ResourceList
from tiergate.core.tally import Footprints, Tally, used
from tiergate.wire.quota import read_quota

pytestmark = pytest.mark.cluster

ROUNDS: Final = 3
HAPPENINGS: Final = 60
Usage: TypeAlias = Mapping[str, ResourceList]
"""Amounts by quota and name."""
PATIENCE: Final = 20.0
"""Seconds until the quota controller has seen everything and the graces of deleted pods have run out."""

POD_NAMES: Final = ("pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
OF_CLASS: Final = f"{STORAGE}.storageclass.storage.k8s.io"
EVERY_NAME: Final = (
    *POD_NAMES,
    *("count/pods", "ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage"),
    *("hugepages-2Mi", "requests.hugepages-2Mi", f"requests.{WIDGET}"),
    *("persistentvolumeclaims", "count/persistentvolumeclaims", "requests.storage"),
    *(f"{OF_CLASS}/persistentvolumeclaims", f"{OF_CLASS}/requests.storage"),
)
CLAIM_NAMES: Final = ("persistentvolumeclaims", "requests.storage")


def selecting(scope: str, operator: str, *values: str) -> Object:
    expression = {"scopeName": scope, "operator": operator} | ({"values": list(values)} if values else {})
    return {"scopeSelector": {"matchExpressions": [expression]}}


QUOTAS: Final[dict[str, tuple[tuple[str, ...], Object]]] = {
    "all": (EVERY_NAME, {}),
    "best-effort": (("pods", "count/pods"), {"scopes": ["BestEffort"]}),
    "not-best-effort": (POD_NAMES, {"scopes": ["NotBestEffort"]}),
    "terminating": ((*POD_NAMES, f"requests.{WIDGET}"), {"scopes": ["Terminating"]}),
    "not-terminating-not-best-effort": (POD_NAMES, {"scopes": ["NotTerminating", "NotBestEffort"]}),
    "class-in": (POD_NAMES, selecting("PriorityClass", "In", PRIORITY)),
    "class-not-in": (POD_NAMES, selecting("PriorityClass", "NotIn", PRIORITY)),
    "class-exists": (POD_NAMES, selecting("PriorityClass", "Exists")),
    "no-class": (POD_NAMES, selecting("PriorityClass", "DoesNotExist")),
    "affinity": (POD_NAMES, {"scopes": ["CrossNamespacePodAffinity"]}),
    "silver": (CLAIM_NAMES, selecting("VolumeAttributesClass", "In", "silver")),
    "not-silver": (CLAIM_NAMES, selecting("VolumeAttributesClass", "NotIn", "silver")),
    "some-attributes": (CLAIM_NAMES, selecting("VolumeAttributesClass", "Exists")),
}

CLASSES: Final[dict[str, Object]] = {
    "/apis/scheduling.k8s.io/v1/priorityclasses": {"metadata": {"name": PRIORITY}, "value": 1000},
    "/apis/node.k8s.io/v1/runtimeclasses": {
        "metadata": {"name": RUNTIME},
        "handler": "any",
        "overhead": {"podFixed": {"cpu": "250m", "memory": "120Mi"}},
    },
    "/apis/storage.k8s.io/v1/storageclasses": {"metadata": {"name": STORAGE}, "provisioner": "example.com/none"},
}


@pytest.fixture
def raw_api(cluster: Cluster) -> Iterator[RawApi]:
    """A way to the API server, with the classes that pods and claims may name."""
    if cluster.plane is None:
        pytest.skip("a kubelet would write its own statuses over those of the test")
    with cluster.raw_api() as raw_api:
        for path, body in CLASSES.items():
            assert raw_api.call("POST", path, body)[0] == 201
        yield raw_api
        for path, body in CLASSES.items():
            raw_api.call("DELETE", f"{path}/{body['metadata']['name']}")


@pytest.fixture
def ungoverned(cluster: Cluster, raw_api: RawApi) -> Iterator[str]:
    """A namespace without a tier, with native quotas of many scopes that demand nothing of pods yet (R-23)."""
    name = f"usage-{secrets.token_hex(4)}"
    cluster.kubectl(f"create namespace {name}")
    for quota, (names, scopes) in QUOTAS.items():
        body = {"metadata": {"name": quota}, "spec": {"hard": {names[0]: "1M"}, **scopes}}
        code, answer = raw_api.call("POST", f"/api/v1/namespaces/{name}/resourcequotas", body)
        assert code == 201, answer
    yield name
    for pod in _items(raw_api, name, "pods"):  # held pods would keep the namespace
        pod["metadata"].pop("finalizers", None)
        raw_api.call("PUT", f"/api/v1/namespaces/{name}/pods/{pod['metadata']['name']}", pod)
    cluster.kubectl(f"delete namespace {name} --wait=false")


def _items(raw_api: RawApi, namespace: str, kind: str) -> list[Any]:
    code, listed = raw_api.call("GET", f"/api/v1/namespaces/{namespace}/{kind}")
    assert code == 200, listed
    items: list[Any] = listed["items"]
    return items


def _require(raw_api: RawApi, namespace: str, *, everything: bool, turn: int) -> None:
    """Set `spec.hard` of every quota, which makes the quota controller recalculate (R-60).

    With all names to compare them; between, with one that demands nothing of new pods and of resizes (R-23, R-23a).
    """
    for quota in _items(raw_api, namespace, "resourcequotas"):
        name = quota["metadata"]["name"]
        names = QUOTAS[name][0]
        bound = f"{1000 + turn}G"
        quota["spec"]["hard"] = dict.fromkeys(names if everything else names[:1], bound)
        code, answer = raw_api.call("PUT", f"/api/v1/namespaces/{namespace}/resourcequotas/{name}", quota)
        assert code in (200, 409), answer  # a conflict with the controller's own write: the next turn does it


def native(raw_api: RawApi, namespace: str) -> Usage:
    """Return `used` of every quota as the controller calculated it."""
    return {one.name: one.used for one in _quotas(raw_api, namespace)}


def _quotas(raw_api: RawApi, namespace: str) -> list[QuotaStatus]:
    return [read_quota(json.dumps(one).encode()) for one in _items(raw_api, namespace, "resourcequotas")]


def computed(raw_api: RawApi, namespace: str) -> Usage:
    """Return the same as our core does from the pods and claims."""
    footprints, tally = Footprints(), Tally()
    for kind, decode in (("pods", pod_decoder), ("persistentvolumeclaims", claim_decoder)):
        read = decode(footprints)
        for item in _items(raw_api, namespace, kind):
            tally.set(f"{namespace}/{kind}/{item['metadata']['name']}", read(json.dumps(item).encode()))
    counts, now = [(one, 1) for one in tally.sums(namespace)], time.time()
    minor = int(raw_api.call("GET", "/version")[1]["minor"])
    return {one.name: used(one, counts, now=now, minor=minor) for one in _quotas(raw_api, namespace)}


def _differences(one: Usage, other: Usage) -> list[str]:
    """Return the quotas and names for which the two differ, with both amounts."""
    return [
        f"{quota} {name}: native {one[quota].get(name)}, ours {other[quota].get(name)}"
        for quota in sorted(one)
        for name in sorted({*one[quota], *other[quota]})
        if one[quota].get(name) != other[quota].get(name)
    ]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3))])
def test_usage_equals_native_usage(raw_api: RawApi, ungoverned: str, seed: int) -> None:
    """After each part of a random series, for every quota and name; all kinds of happenings took place."""
    series = Series(raw_api, ungoverned, random.Random(seed))  # noqa: S311  # a series to repeat, not a secret
    turn, counted = 0, set[tuple[str, str]]()
    for _ in range(ROUNDS):
        series.go_on(HAPPENINGS)
        end = time.monotonic() + PATIENCE
        while True:
            turn += 1
            _require(raw_api, ungoverned, everything=True, turn=turn)
            time.sleep(0.5)
            found = native(raw_api, ungoverned)
            differences = _differences(found, computed(raw_api, ungoverned))
            if not differences and all(set(found[name]) == set(names) for name, (names, _) in QUOTAS.items()):
                break
            assert time.monotonic() < end, differences or found
        counted |= {(quota, name) for quota, amounts in found.items() for name, amount in amounts.items() if amount}
        _require(raw_api, ungoverned, everything=False, turn=turn)
    assert all(series.happened.values()), series.happened
    _some_usage_of_every_kind(counted)


def _some_usage_of_every_kind(counted: set[tuple[str, str]]) -> None:
    """In one of the rounds at least: zeroes would be equal too."""
    assert [name for name in QUOTAS["all"][0] if ("all", name) not in counted] == []
    assert QUOTAS.keys() == {quota for quota, _ in counted}
