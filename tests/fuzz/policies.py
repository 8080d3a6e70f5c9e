"""Policies that fuzzed reviews are judged under: each as JSON for the reference check, and as values for ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from tiergate.core.desired import desired_quotas
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import Tier
from tiergate.wire.quota import read_quota
from tiergate.wire.tier import read_tier

Json = dict[str, Any]


@dataclass(frozen=True)
class Policy:
    """A tier's spec, and of each of its quotas what is used.

    ``young`` are the quotas with no object yet, ``foreign`` the objects that are not ours.
    """

    name: str
    spec: Json
    used: Mapping[str, Mapping[str, str]]
    young: tuple[str, ...] = ()
    foreign: tuple[Json, ...] = ()

    @cached_property
    def tier(self) -> Tier:
        """The tier as the webhook holds it."""
        return read_tier(json.dumps({"metadata": {"name": self.name, "generation": 1}, "spec": self.spec}).encode())

    @cached_property
    def objects(self) -> tuple[Json, ...]:
        """The ResourceQuota objects of a governed namespace; each quota has scopes of its own.

        Those that do not exist yet are there without a status.
        """
        names = {one.sources[name]: one.name for one in desired_quotas(self.tier) for name in one.sources}
        ours = (self._object(quota, names[quota["name"]]) for quota in self.spec.get("quotas", ()))
        return (*ours, *self.foreign)

    def _object(self, quota: Json, name: str) -> Json:
        used = dict.fromkeys(quota["hard"], "0") | dict(self.used.get(quota["name"], {}))
        spec = {key: quota[key] for key in ("hard", "scopes", "scopeSelector") if key in quota}
        labels = {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": self.name}
        metadata = {"name": name, "namespace": "dev", "labels": labels}
        status = {} if quota["name"] in self.young else {"hard": quota["hard"], "used": used}
        return {"metadata": metadata, "spec": spec, "status": status}

    @cached_property
    def quotas(self) -> tuple[QuotaStatus, ...]:
        """The ResourceQuotas as the webhook holds them."""
        return tuple(read_quota(json.dumps(one).encode()) for one in self.objects if one["status"])


def _lesson() -> Policy:
    limits = {
        "type": "Container",
        "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
        "default": {"cpu": "250m", "memory": "256Mi"},
        "min": {"cpu": "10m", "memory": "32Mi"},
        "max": {"cpu": "500m", "memory": "512Mi"},
    }
    claims = {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "8Gi"}}
    hard = {"requests.cpu": "2", "requests.memory": "2Gi", "limits.cpu": "4", "limits.memory": "4Gi", "pods": "20"}
    storage = {"requests.storage": "10Gi", "persistentvolumeclaims": "3"}
    used = {"requests.cpu": "1800m", "limits.cpu": "3500m", "pods": "19", "requests.storage": "5Gi"}
    quota = {"name": "compute", "hard": {**hard, **storage}}
    return Policy("dev", {"limits": [limits, claims], "quotas": [quota]}, {"compute": used})


def _ranges() -> Policy:
    container = {
        "type": "Container",
        "max": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "2", "hugepages-2Mi": "4Mi"},
        "min": {"cpu": "100m"},
        "maxLimitRequestRatio": {"cpu": "2500m", "memory": "2"},
    }
    pod = {
        "type": "Pod",
        "min": {"cpu": "200m"},
        "max": {"cpu": "2", "memory": "2Gi", "ephemeral-storage": "1Gi"},
        "maxLimitRequestRatio": {"cpu": "4"},
    }
    claim = {"type": "PersistentVolumeClaim", "min": {"storage": "1500m"}}
    return Policy("ranges", {"limits": [container, pod, claim]}, {})


def _scopes() -> Policy:
    terms = [{"scopeName": "PriorityClass", "operator": "In", "values": ["high", "low"]}]
    classes = [{"scopeName": "VolumeAttributesClass", "operator": "NotIn", "values": ["gold"]}]
    quotas = [
        {"name": "all", "hard": {"count/pods": "1", "requests.nvidia.com/gpu": "4", "hugepages-2Mi": "8Mi"}},
        {"name": "jobs", "hard": {"pods": "2", "limits.cpu": "1"}, "scopes": ["Terminating"]},
        {
            "name": "services",
            "hard": {"requests.cpu": "1", "cpu": "900m"},
            "scopes": ["NotTerminating", "NotBestEffort"],
        },
        {"name": "idle", "hard": {"pods": "0"}, "scopes": ["BestEffort"]},
        {"name": "priority", "hard": {"memory": "1Gi"}, "scopeSelector": {"matchExpressions": terms}},
        {"name": "wide", "hard": {"pods": "1"}, "scopes": ["CrossNamespacePodAffinity"]},
        {"name": "classes", "hard": {"requests.storage": "4Gi"}, "scopeSelector": {"matchExpressions": classes}},
    ]
    used = {"all": {"requests.nvidia.com/gpu": "3"}, "jobs": {"pods": "1"}, "wide": {"pods": "1"}}
    return Policy("scopes", {"quotas": quotas}, used)


def _storage() -> Policy:
    gold = "gold.storageclass.storage.k8s.io/"
    hard = {f"{gold}requests.storage": "6Gi", f"{gold}persistentvolumeclaims": "1", "count/persistentvolumeclaims": "2"}
    pods = {"requests.ephemeral-storage": "1Gi", "limits.ephemeral-storage": "2Gi", "requests.hugepages-2Mi": "4Mi"}
    container = {"type": "Container", "default": {"ephemeral-storage": "600Mi"}}
    used = {f"{gold}requests.storage": "1Gi", "requests.ephemeral-storage": "512Mi"}
    quota = {"name": "storage", "hard": {**hard, **pods}}
    return Policy("storage", {"limits": [container], "quotas": [quota]}, {"storage": used})


def _young() -> Policy:
    quotas = [
        {"name": "compute", "hard": {"pods": "4"}},
        {"name": "jobs", "hard": {"pods": "2", "requests.cpu": "1"}, "scopes": ["Terminating"]},
    ]
    hard = {"requests.storage": "3Gi", "services": "1"}
    unseen = {"metadata": {"name": "team"}, "spec": {"hard": hard}, "status": {"hard": hard, "used": {"services": "1"}}}
    seen = {
        **unseen,
        "metadata": {"name": "other"},
        "status": {"hard": {"memory": "2Gi"}, "used": {"memory": "2000Mi"}},
    }
    limits = {"type": "Container", "max": {"cpu": "1", "memory": "1Gi"}}
    foreign = (unseen, {**seen, "spec": {"hard": {"memory": "2Gi"}}})
    return Policy("young", {"limits": [limits], "quotas": quotas}, {}, young=("jobs",), foreign=foreign)


def _told(mode: str) -> Policy:
    """Return the first policy in a mode that refuses nothing."""
    lesson = _lesson()
    return Policy(mode.lower(), {**lesson.spec, "enforcement": mode}, lesson.used)


POLICIES: Final = (_lesson(), _told("Warn"), _told("Audit"), _ranges(), _scopes(), _storage(), _young())
