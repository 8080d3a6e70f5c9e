"""Random policies that mostly are not valid: what the API refuses must be a fault of a Tier too."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

import msgspec

from tests.differential import ours
from tests.differential.api import CONNECTIONS, Api
from tests.differential.policies import Json
from tests.differential.spelling import canonical
from tiergate.core.tier_faults import faults

_NAMES: Final = (
    *("cpu", "memory", "ephemeral-storage", "nvidia.com/gpu", "hugepages-2Mi", "storage", "foo", "requests.cpu", "CPU"),
    *("kubernetes.io/x", "a/b", "a/b/c", "hugepages-", "hugepages-3Mi", "/x", "x/", "requests.a/b", "pods", "A.b/c"),
    *(f"example.com/{'x' * 64}", "deviceclass.resource.kubernetes.io/g"),
)
_QUOTA_NAMES: Final = (
    *("cpu", "memory", "requests.cpu", "limits.memory", "limits.cpu", "pods", "services", "services.nodeports"),
    *("services.loadbalancers", "configmaps", "secrets", "replicationcontrollers", "resourcequotas", "count/pods"),
    *("count/x.y", "count/", "count/deployments.apps", "nvidia.com/gpu", "requests.nvidia.com/gpu", "foo", "a/b"),
    *("limits.nvidia.com/gpu", "hugepages-2Mi", "requests.hugepages-2Mi", "limits.hugepages-2Mi", "requests.foo"),
    *("ephemeral-storage", "limits.ephemeral-storage", "requests.storage", "persistentvolumeclaims", "storage"),
    *("gold.storageclass.storage.k8s.io/requests.storage", "gold.storageclass.storage.k8s.io/x", "limits.storage"),
    *("requests.a/b/c", "requests./x", "g.deviceclass.resource.k8s.io/devices", "limits.pods"),
    "requests.deviceclass.resource.kubernetes.io/g",
)
_SCOPES: Final = (
    *("Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"),
    *("VolumeAttributesClass", "Foo"),
)
_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist", "Foo")
_TYPES: Final = ("Container", "Container", "Container", "Pod", "PersistentVolumeClaim", "Foo", "a.b/Foo")
_FIELDS: Final = ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio")
_MILLI: Final = (-1000, 0, 1, 500, 1000, 1500, 2000, 4000, 2**22 * 1000, 3 * 2**20 * 1000)
_HUGE: Final = tuple(1000 * whole for whole in (8 * 2**50, 9 * 2**50, 10**19))
"""Around what the API server takes for a whole number (R-3, Q-21)."""
_PATHS: Final = {"LimitRange": "limitranges", "ResourceQuota": "resourcequotas"}

STRICTER: Final[dict[str, Callable[[str], bool]]] = {
    "negative": lambda reason: reason.endswith("is negative"),
    "never measured": lambda reason: "never measured" in reason or reason == "no quota measures this name",
    "other types": lambda reason: "is not one of Container, Pod, PersistentVolumeClaim" in reason,
    "impossible default": lambda reason: reason == "must be an integer" or "integer multiple" in reason,
    "scopes that exclude each other": lambda reason: reason.startswith("conflicting scopes"),
    "no room for its own objects": lambda reason: "is less than the tier itself needs" in reason,
    "fraction of a byte": lambda reason: "is a fraction of a byte" in reason,
    "default limit of 0": lambda reason: reason.startswith("0 means no limit"),
    "defaults of claims": lambda reason: reason == "may not be specified when `type` is 'PersistentVolumeClaim'",
}
"""What a Tier refuses on purpose though the native objects may say it, by the fault's reason."""


def a_wild_policy(random: Random) -> Json:
    """Return the spec of a Tier with either LimitRange items or one quota."""
    if random.random() < 0.5:
        return {"limits": [_item(random) for _ in range(random.choice((1, 1, 1, 2)))]}
    names = random.sample(_QUOTA_NAMES, random.choice((1, 1, 2, 3)))
    quota: Json = {"name": "case", "hard": _amounts(random, names, (*_MILLI, *_HUGE))}
    if random.random() < 0.4:
        quota["scopes"] = [random.choice(_SCOPES) for _ in range(random.choice((1, 2)))]
    if random.random() < 0.3:
        quota["scopeSelector"] = {"matchExpressions": [_expression(random) for _ in range(random.choice((1, 1, 2)))]}
    return {"quotas": [quota]}


def _item(random: Random) -> Json:
    kind = random.choice(_TYPES)
    names = [random.choice(_NAMES if random.random() < 0.3 else _NAMES[:5]) for _ in range(random.choice((1, 1, 2)))]
    if kind == "PersistentVolumeClaim" and random.random() < 0.7:
        names = ["storage"]
    lists = {field: _amounts(random, names) for field in _FIELDS if random.random() < 0.4}
    return {"type": kind, **lists}


def _amounts(random: Random, names: list[str], some: tuple[int, ...] = _MILLI) -> Json:
    amounts = [random.choice(some) for _ in names]
    return {name: canonical(one) if one >= 0 else "-1" for name, one in zip(names, amounts, strict=True)}


def _expression(random: Random) -> Json:
    values = {"values": ["a"]} if random.random() < 0.5 else {}
    return {"scopeName": random.choice(_SCOPES), "operator": random.choice(_OPERATORS), **values}


async def compare(api: Api, *, cases: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Return (how they ended, unexplained disagreements) of policies judged by the API and by us."""
    random = Random(seed)  # noqa: S311  # repeatable
    places = asyncio.Semaphore(CONNECTIONS)
    ended: Counter[str] = Counter()
    wrong: list[str] = []

    async def one(spec: Json) -> None:
        async with places:
            refusal = await _refusal(api, spec)
        reasons = [fault.reason for fault in faults(ours.tier_of(spec))]
        if refusal is None and reasons:
            purposes = [_purpose(reason) for reason in reasons]
            if all(purposes):
                ended.update(set(purposes))
                return
        ended["refused" if reasons else "accepted"] += 1
        if (refusal is None) == bool(reasons):
            wrong.append(
                f"{msgspec.json.encode(spec).decode()}: natively {refusal or 'valid'}, by us {reasons or 'valid'}"
            )

    await asyncio.gather(*(one(a_wild_policy(random)) for _ in range(cases)))
    return ended, wrong


def _purpose(reason: str) -> str:
    return next((name for name, matches in STRICTER.items() if matches(reason)), "")


async def _refusal(api: Api, spec: Json) -> str | None:
    """Return why the API refuses the policy as native objects, or None if it takes it."""
    kind, written = "LimitRange", spec
    if "quotas" in spec:
        kind, written = "ResourceQuota", {name: value for name, value in spec["quotas"][0].items() if name != "name"}
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "case"}, "spec": written}
    status, answer = await api.ask(
        "POST", f"/api/v1/namespaces/default/{_PATHS[kind]}?dryRun=All", msgspec.json.encode(body)
    )
    return None if status == 201 else str(msgspec.json.decode(answer)["message"])
