"""Random policies: a LimitRange's items and the ResourceQuotas of one namespace, as JSON and as numbers to aim at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

import msgspec

from tests.differential.spelling import MILLI, spelled

Json = dict[str, Any]
Amounts = dict[str, int]
"""Milli-units by resource name."""

MI: Final = 2**20 * MILLI
CPU: Final = (1, 10, 50, 100, 200, 250, 300, 500, 750, 1000, 1500, 2000, 3000, 4000)
BYTES: Final = (*(MI * n for n in (1, 16, 32, 64, 100, 128, 256, 512, 1000, 1024, 2048)), 10**9 * MILLI)
WHOLE: Final = tuple(MILLI * n for n in (1, 2, 3, 4, 8))
LADDERS: Final[Mapping[str, Sequence[int]]] = {
    "cpu": CPU,
    "memory": BYTES,
    "ephemeral-storage": BYTES,
    "nvidia.com/gpu": WHOLE,
    "example.com/widget": WHOLE,
    "hugepages-2Mi": tuple(2 * MI * n for n in (1, 2, 4, 8)),
    "storage": BYTES,
}
UNITS: Final = {
    "cpu": 1,
    "memory": MILLI,
    "ephemeral-storage": MILLI,
    "nvidia.com/gpu": MILLI,
    "example.com/widget": MILLI,
    "hugepages-2Mi": 2 * MI,
    "storage": MILLI,
}
HUGE: Final = tuple(
    MILLI * n for n in (10**19, 2**63 - 1, 2**63, 2**64, 8 * 2**50, 9 * 2**50, 10**18, 9223372036854775)
)
"""Around the bounds of the server's 64-bit arithmetic (Q-21, L-40)."""
NOT_OVERCOMMITTED: Final = frozenset({"nvidia.com/gpu", "example.com/widget", "hugepages-2Mi"})
RATIOS: Final = (1000, 1001, 1500, 2000, 2015, 2500, 3000, 4000, 10000)
PRIORITY_CLASSES: Final = ("low", "high")
STORAGE_CLASSES: Final = ("gold", "silver")

_POD_QUOTA_NAMES: Final = {
    "cpu": "cpu",
    "requests.cpu": "cpu",
    "limits.cpu": "cpu",
    "memory": "memory",
    "requests.memory": "memory",
    "limits.memory": "memory",
    "ephemeral-storage": "ephemeral-storage",
    "requests.ephemeral-storage": "ephemeral-storage",
    "limits.ephemeral-storage": "ephemeral-storage",
    "requests.nvidia.com/gpu": "nvidia.com/gpu",
    "requests.example.com/widget": "example.com/widget",
    "hugepages-2Mi": "hugepages-2Mi",
    "requests.hugepages-2Mi": "hugepages-2Mi",
    "pods": "",
    "count/pods": "",
}
_CLAIM_QUOTA_NAMES: Final = {
    "requests.storage": "storage",
    "persistentvolumeclaims": "",
    "count/persistentvolumeclaims": "",
    "gold.storageclass.storage.k8s.io/requests.storage": "storage",
    "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "",
    "silver.storageclass.storage.k8s.io/requests.storage": "storage",
}
RESOURCE_OF: Final = {**_POD_QUOTA_NAMES, **_CLAIM_QUOTA_NAMES}
"""Which resource a quota name counts; "" for objects."""
_SCOPED_NAMES: Final = (*list(_POD_QUOTA_NAMES)[:6], "pods", "count/pods", "requests.nvidia.com/gpu")
_COUNTS: Final = (0, 1000, 2000, 3000)


class Item(msgspec.Struct):
    """A LimitRange item in numbers."""

    type: str
    min: Amounts = {}
    default_request: Amounts = {}
    default: Amounts = {}
    max: Amounts = {}
    ratio: Amounts = {}

    def bounds(self, name: str) -> Iterator[int]:
        """Yield every amount the item names for a resource."""
        yield from (one[name] for one in (self.min, self.default_request, self.default, self.max) if name in one)

    def json(self, random: Random) -> Json:
        """Return the item as a LimitRange and a Tier write it."""
        fields = {
            "min": self.min,
            "defaultRequest": self.default_request,
            "default": self.default,
            "max": self.max,
            "maxLimitRequestRatio": self.ratio,
        }
        lists = {field: _spelled_list(random, amounts) for field, amounts in fields.items() if amounts}
        return {"type": self.type, **lists}


class Quota(msgspec.Struct):
    """A ResourceQuota in numbers; a name without ``used`` has a usage that native quota does not know yet."""

    name: str
    hard: Amounts
    used: Amounts
    scopes: Json


class Policy(msgspec.Struct):
    """What is in force in one namespace."""

    document: Json
    """``limits`` as LimitRangeSpec has them, ``quotas`` as a Tier has them, each with ``used`` beside ``hard``.

    ``further``, if present, are the ``limits`` of further LimitRange objects.
    """
    items: Mapping[str, Item] = {}
    quotas: Sequence[Quota] = ()
    alternatives: Sequence[Mapping[str, Item]] = ()
    """The items of each of several LimitRanges."""

    @property
    def further(self) -> Sequence[Any]:
        """Return the items of further LimitRange objects."""
        found: Sequence[Any] = self.document.get("further", ())
        return found

    def focused(self, random: Random) -> Policy:
        """Return the policy with its items those of one of several LimitRanges, for objects to press on."""
        if not self.alternatives:
            return self
        return msgspec.structs.replace(self, items=random.choice(self.alternatives))


def about_claims(random: Random) -> Policy:
    """Return a policy that, most often, bounds the storage of claims."""
    policy = a_policy(random)
    while random.random() < 0.9 and not any(
        RESOURCE_OF[name] == "storage" for quota in policy.quotas for name in quota.hard
    ):
        policy = a_policy(random)
    return policy


def with_several_ranges(random: Random) -> Policy:
    """Return a policy of two or three LimitRanges, half of them without defaults that depend on the order."""
    policy = a_policy(random)
    ranges = [list(policy.items.values()) or [_container_item(random)]]
    ranges += [_items(random) or [_container_item(random)] for _ in range(random.choice((1, 1, 2)))]
    if random.random() < 0.5:
        _make_unambiguous(ranges)
    document = {**policy.document, "limits": [one.json(random) for one in ranges[0]]}
    document["further"] = [[one.json(random) for one in items] for items in ranges[1:]]
    alternatives = [{item.type: item for item in items} for items in ranges]
    return Policy(document, alternatives[0], policy.quotas, alternatives)


def _make_unambiguous(ranges: Sequence[Sequence[Item]]) -> None:
    """Take out of later Container items what earlier ones name: no default then depends on the order."""
    named: set[str] = set()
    for items in ranges:
        for item in items:
            if item.type == "Container":
                lists = (item.min, item.default_request, item.default, item.max)
                for amounts in (*lists, item.ratio):
                    for name in named & amounts.keys():
                        del amounts[name]
                named.update(*lists)


def _items(random: Random) -> list[Item]:
    items = [make(random) for make, chance in _ITEMS if random.random() < chance]
    random.shuffle(items)
    return items


def a_policy(random: Random) -> Policy:
    """Return a valid policy for pods and claims."""
    items = _items(random)
    used: dict[str, int | None] = {}
    quotas = [_quota(random, f"q{index}", used) for index in range(random.choice((0, 1, 1, 1, 2, 3)))]
    document = {
        "limits": [item.json(random) for item in items],
        "quotas": [
            {
                "name": quota.name,
                "hard": _spelled_list(random, quota.hard),
                "used": _spelled_list(random, quota.used),
                **quota.scopes,
            }
            for quota in quotas
        ],
    }
    return Policy(document, {item.type: item for item in items}, quotas)


def _spelled_list(random: Random, amounts: Amounts) -> Json:
    return {name: spelled(random, milli) for name, milli in amounts.items()}


def amount(random: Random, name: str) -> int:
    """Return some amount of a resource, once in a while an enormous one."""
    if random.random() < 0.006 and name in ("cpu", "memory", "ephemeral-storage"):
        return random.choice(HUGE)
    return random.choice(LADDERS[name])


def _some(random: Random, names: Sequence[str], most: int) -> list[str]:
    return random.sample(names, random.randint(1, min(most, len(names))))


def _container_item(random: Random) -> Item:
    item = Item("Container")
    names = _some(random, ("cpu", "memory"), 2)
    if random.random() < 0.3:
        names += _some(random, ("ephemeral-storage", "nvidia.com/gpu", "example.com/widget", "hugepages-2Mi"), 2)
    for name in names:
        low, asked, limit, high = sorted(amount(random, name) for _ in range(4))
        if name in NOT_OVERCOMMITTED:
            asked = limit
        written = [random.random() < 0.5 for _ in range(4)]
        if name in NOT_OVERCOMMITTED:
            written[1] = written[2]
        for amounts, value, there in zip(
            (item.min, item.default_request, item.default, item.max), (low, asked, limit, high), written, strict=True
        ):
            if there:
                amounts[name] = value
        if random.random() < 0.25:
            _add_ratio(random, item, name)
    return item


def _pod_item(random: Random) -> Item:
    item = Item("Pod")
    for name in _some(random, ("cpu", "memory", "ephemeral-storage", "nvidia.com/gpu", "hugepages-2Mi"), 2):
        low, high = sorted((amount(random, name), amount(random, name) * random.choice((1, 1, 2, 3))))
        if random.random() < 0.4:
            item.min[name] = low
        if random.random() < 0.6:
            item.max[name] = high
        if random.random() < 0.25:
            _add_ratio(random, item, name)
    return item


def _claim_item(random: Random) -> Item:
    low, high = sorted((amount(random, "storage"), amount(random, "storage")))
    sides = random.choice((("min",), ("max",), ("min", "max")))
    item = Item(
        "PersistentVolumeClaim",
        min={"storage": low} if "min" in sides else {},
        max={"storage": high} if "max" in sides else {},
    )
    if random.random() < 0.1:
        _add_ratio(random, item, "storage")
    return item


_ITEMS: Final = ((_container_item, 0.75), (_pod_item, 0.35), (_claim_item, 0.5))


def _add_ratio(random: Random, item: Item, name: str) -> None:
    """Add a ratio that the API accepts: at most max / min, where both are written."""
    low, high = item.min.get(name), item.max.get(name)
    fitting = [ratio for ratio in RATIOS if not low or not high or ratio * low <= high * MILLI]
    if fitting:
        item.ratio[name] = random.choice(fitting)


def _quota(random: Random, name: str, used: dict[str, int | None]) -> Quota:
    """Return a quota; the usage of a name under one set of scopes is the same in all of them."""
    scopes, names = _scoped(random)
    hard = {one: _bound(random, one) for one in _some(random, names, 5)}
    known: Amounts = {}
    for one, bound in hard.items():
        key = f"{scope_key(scopes)} {one}"
        if key not in used:
            used[key] = _used(random, one, bound)
        value = used[key]
        if value is not None:
            known[one] = value
    return Quota(name, hard, known, scopes)


def scope_key(scopes: Json) -> str:
    """Return the same for two spellings of one set of scopes."""
    selector = scopes.get("scopeSelector", {}).get("matchExpressions", [])
    expressions = {(one["scopeName"], one["operator"], *sorted(one.get("values", ()))) for one in selector}
    return f"{sorted(set(scopes.get('scopes', ())))} {sorted(expressions)}"


def _bound(random: Random, name: str) -> int:
    resource = RESOURCE_OF[name]
    if not resource:
        return random.choice(_COUNTS)
    return amount(random, resource) * random.choice((1, 2, 3, 10)) if random.random() > 0.03 else 0


def _used(random: Random, name: str, hard: int) -> int | None:
    """Return a usage: none, some, all, more than allowed; None is not known yet."""
    chance = random.random()
    if chance < 0.01:
        return None
    if chance < 0.45:
        return 0
    if chance < 0.6:
        return hard
    unit = UNITS[RESOURCE_OF[name] or "storage"]
    if chance < 0.65:
        return hard + unit
    return random.randint(0, hard // unit) * unit


def _scoped(random: Random) -> tuple[Json, Sequence[str]]:
    """Return (scopes and scopeSelector as JSON, the quota names they allow)."""
    chance = random.random()
    if chance < 0.6:
        return {}, list(RESOURCE_OF)
    if chance < 0.66:
        expression = _expression(random, "VolumeAttributesClass")
        return {"scopeSelector": {"matchExpressions": [expression]}}, ("persistentvolumeclaims", "requests.storage")
    if chance < 0.74:
        return _written(random, ["BestEffort"]), ("pods", "count/pods")
    plain = [random.choice(pair) for pair in _EITHER if random.random() < 0.4] or [random.choice(_EITHER[0])]
    document = _written(random, [one for one in plain if one])
    if random.random() < 0.4:
        expressions = document.setdefault("scopeSelector", {"matchExpressions": []})["matchExpressions"]
        expressions.append(_expression(random, "PriorityClass"))
    return document, _SCOPED_NAMES


_EITHER: Final = (
    ("Terminating", "NotTerminating"),
    ("NotBestEffort", "NotBestEffort"),
    ("CrossNamespacePodAffinity", "PriorityClass"),
)


def _written(random: Random, scopes: list[str]) -> Json:
    """Return scopes in either of the two notations."""
    if random.random() < 0.5:
        return {"scopes": scopes}
    return {"scopeSelector": {"matchExpressions": [{"scopeName": one, "operator": "Exists"} for one in scopes]}}


def _expression(random: Random, scope: str) -> Json:
    operator = random.choice(("In", "NotIn", "Exists", "DoesNotExist"))
    values = PRIORITY_CLASSES if scope == "PriorityClass" else STORAGE_CLASSES
    chosen = {"values": _some(random, values, 2)} if operator in ("In", "NotIn") else {}
    return {"scopeName": scope, "operator": operator, **chosen}
