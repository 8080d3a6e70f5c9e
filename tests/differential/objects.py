"""LimitRanges, ResourceQuotas, classes and claims as a real API server has them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

from tests.differential.api import Api
from tests.differential.pods import OVERHEADS
from tests.differential.policies import PRIORITY_CLASSES, STORAGE_CLASSES, Json
from tests.differential.spelling import canonical
from tests.differential.standing import CLAIM_KINDS, CLASS_ANNOTATION

MERGE: Final = "application/merge-patch+json"
PATIENCE: Final = 60.0
LABEL: Final = "tiergate.io/differential"
CLUSTERED: Final = {
    "RuntimeClass": "/apis/node.k8s.io/v1/runtimeclasses",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
}
VOLUMES: Final = "/api/v1/persistentvolumes"


class NotInForce(RuntimeError):
    """A policy did not come into force in time."""


def limit_range(name: str, items: Sequence[Json]) -> Json:
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": name}, "spec": {"limits": items}}


def resource_quota(quota: Json) -> Json:
    spec = {field: quota[field] for field in ("hard", "scopes", "scopeSelector") if field in quota}
    metadata = {"name": quota["name"], "labels": {LABEL: "yes"}}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}


def spec_reached(quotas: Mapping[tuple[str, str], Json], expected: Mapping[tuple[str, str], Json]) -> bool:
    for key in expected:
        found = quotas.get(key)
        if found is None or found.get("status", {}).get("hard") != found["spec"]["hard"]:
            return False
        if found["status"]["used"].keys() != found["spec"]["hard"].keys():
            return False
    return True


def names(kind: str) -> Sequence[str]:
    return {"RuntimeClass": list(OVERHEADS), "PriorityClass": PRIORITY_CLASSES, "StorageClass": STORAGE_CLASSES}[kind]


async def made_class(api: Api, kind: str, name: str) -> bool:
    """Make a class; return False where it is there already, perhaps another run's, who may still need it."""
    path = CLUSTERED[kind]
    group = path.removeprefix("/apis/").rpartition("/")[0]
    fields: Json = {"value": 1}
    if kind == "RuntimeClass":
        fixed = {resource: canonical(milli) for resource, milli in OVERHEADS[name].items()}
        fields = {"handler": name, "overhead": {"podFixed": fixed}}
    elif kind == "StorageClass":
        fields = {"provisioner": "kubernetes.io/no-provisioner", "allowVolumeExpansion": True}
    body = {"apiVersion": group, "kind": kind, "metadata": {"name": name}, **fields}
    return bool((await api.call("POST", path, body, beside=409))["kind"] == kind)


async def bound_claim(api: Api, place: str, name: str) -> None:
    """Make a claim and a volume of its own, of a kind that the cluster does not resize itself; wait until it is bound.

    The volume is as large as can be, so that no size of the claim changes anything.
    """
    body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **CLAIM_KINDS[name]}
    body["metadata"] = {**body.get("metadata", {}), "name": name}
    body["spec"] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1"}},
        **body.get("spec", {}),
    }
    storage_class = body["metadata"].get("annotations", {}).get(CLASS_ANNOTATION) or body["spec"]["storageClassName"]
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "7Ei"},
        "csi": {"driver": "nobody.example.com", "volumeHandle": f"{place}-{name}"},
        "storageClassName": storage_class,
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": place, "name": name},
        "persistentVolumeReclaimPolicy": "Retain",
    }
    if "volumeAttributesClassName" in body["spec"]:
        spec["volumeAttributesClassName"] = body["spec"]["volumeAttributesClassName"]
    metadata = {"name": f"{place}-{name}", "labels": {LABEL: place.rpartition("-")[0]}}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}
    path = f"/api/v1/namespaces/{place}/persistentvolumeclaims"
    await api.call("POST", VOLUMES, volume)
    await api.call("POST", path, body)
    end = time.monotonic() + PATIENCE
    while (await api.call("GET", f"{path}/{name}"))["status"].get("phase") != "Bound":
        if time.monotonic() > end:
            msg = f"the claim {name} in {place} was not bound within {PATIENCE:.0f} s"
            raise NotInForce(msg)
        await asyncio.sleep(0.2)
