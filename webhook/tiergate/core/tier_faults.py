"""What a Tier may not say: everything in it that cannot be in force (L-2, R-2 to R-5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tiergate.core.decision import Fault
from tiergate.core.desired import scope_set
from tiergate.core.jsonpatch import escape
from tiergate.core.projection import MAX_MILLI_VALUE, is_countable
from tiergate.core.quantity import NANO, Quantity
from tiergate.core.resources import DEVICE_CLASS, HUGEPAGES, STANDARD, ResourceList, is_extended, is_qualified
from tiergate.core.tier import (
    CLAIM,
    COMPUTE_QUOTA_NAMES,
    CONTAINER,
    POD,
    LimitRangeItem,
    Tier,
    TierQuota,
    amounts_by_field,
    bounded_limits,
    effective,
    with_effective_items,
)
from tiergate.core.validity import amount_faults

OBJECT_COUNTS: Final = frozenset(
    {
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "persistentvolumeclaims",
        "configmaps",
        "services.nodeports",
        "services.loadbalancers",
    }
)
_STANDARD_QUOTA_NAMES: Final = (
    COMPUTE_QUOTA_NAMES
    | OBJECT_COUNTS
    | {"ephemeral-storage", "requests.storage", "requests.ephemeral-storage", "limits.ephemeral-storage"}
)
_BYTES: Final = re.compile(
    r"((requests|limits)\.)?(memory|ephemeral-storage|hugepages-[^/]+)|storage|(.+/)?requests\.storage"
)
"""Names of resources that are counted in bytes, alone or in the name of a quota."""
_STORAGE_CLASS_SUFFIXES: Final = (
    ".storageclass.storage.k8s.io/requests.storage",
    ".storageclass.storage.k8s.io/persistentvolumeclaims",
)
_QUOTA_COUNTS: Final = ("resourcequotas", "count/resourcequotas")
DEVICE_CLASS_SUFFIX: Final = ".deviceclass.resource.k8s.io/devices"

_POD_SCOPES: Final = frozenset(
    {"Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"}
)
_SCOPE_NAMES: Final = {
    **dict.fromkeys(_POD_SCOPES, COMPUTE_QUOTA_NAMES | {"pods"}),
    "BestEffort": frozenset({"pods"}),
    "VolumeAttributesClass": frozenset({"persistentvolumeclaims", "requests.storage"}),
}
_CONFLICTING_SCOPES: Final = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
_OPERATORS: Final = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}
_CLASS_SCOPES: Final = frozenset({"PriorityClass", "VolumeAttributesClass"})


def faults(tier: Tier) -> tuple[Fault, ...]:
    """Return everything a Tier says that cannot be in force, in order of position; () is valid."""
    quotas = (*_quota_faults(tier), *_no_room_for_own_objects(tier))
    return (*_limit_faults(tier), *quotas, *_unreachable_defaults(tier), *_zero_defaults(tier))


def _limit_faults(tier: Tier) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, item in enumerate(tier.limits):
        pointer = f"/spec/limits/{index}"
        if item.type not in (CONTAINER, POD, CLAIM):
            yield Fault(f"{pointer}/type", f'"{item.type}" is not one of {CONTAINER}, {POD}, {CLAIM}')
        if item.type in seen:
            yield Fault(f"{pointer}/type", f"a second item of type {item.type}")
        seen.add(item.type)
        yield from _unknown_names(pointer, item)
        yield from _negative(pointer, item)
        for field, resources in amounts_by_field(item):
            if field != "maxLimitRequestRatio":
                yield from _fractions(f"{pointer}/{field}", resources)
        yield from item_faults(pointer, effective(item) if item.type == CONTAINER else item)


def _unknown_names(pointer: str, item: LimitRangeItem) -> Iterator[Fault]:
    """Yield names no container (or claim) can ask for: as a default they would make every pod invalid."""
    for field, resources in amounts_by_field(item):
        for name in resources:
            if not is_qualified(name):
                yield Fault(f"{pointer}/{field}/{escape(name)}", "is not a resource name")
                continue
            if name.startswith(HUGEPAGES) or ("/" in name and not name.startswith("requests.")):
                continue
            if item.type == CLAIM and name not in _STANDARD_QUOTA_NAMES | {"storage"}:
                yield Fault(f"{pointer}/{field}/{escape(name)}", "must be a standard resource type")
            if item.type in (CONTAINER, POD) and name not in STANDARD:
                yield Fault(f"{pointer}/{field}/{escape(name)}", "must be a standard resource for containers")


def _negative(pointer: str, item: LimitRangeItem) -> Iterator[Fault]:
    for field, resources in amounts_by_field(item):
        for name, quantity in resources.items():
            if quantity.nano < 0:
                yield Fault(f"{pointer}/{field}/{escape(name)}", f"{quantity} is negative")


def _fractions(pointer: str, resources: ResourceList) -> Iterator[Fault]:
    """Yield amounts of bytes that are none: ``256m`` is meant as ``256Mi``, and no pod could start with it."""
    for name, quantity in sorted(resources.items()):
        if quantity.nano % NANO and _BYTES.fullmatch(name):
            yield Fault(f"{pointer}/{escape(name)}", f"{quantity} is a fraction of a byte; m means a thousandth")


def item_faults(pointer: str, item: LimitRangeItem) -> Iterator[Fault]:
    """Yield what of an item, with its derived defaults, contradicts itself: the API server takes no such LimitRange."""
    if item.type in (POD, CLAIM):  # native LimitRange takes them for claims, and does nothing with them
        for field, resources in (("default", item.default), ("defaultRequest", item.default_request)):
            if resources:
                yield Fault(f"{pointer}/{field}", f"may not be specified when `type` is '{item.type}'")
    if item.type == CLAIM and "storage" not in item.min and "storage" not in item.max:
        yield Fault(pointer, "either minimum or maximum storage value is required, but neither was provided")
    yield from _ordering_faults(pointer, item)
    yield from _ratio_faults(pointer, item)
    yield from _not_overcommittable_faults(pointer, item)
    yield from _invalid_default_faults(pointer, item)


def _ordering_faults(pointer: str, item: LimitRangeItem) -> Iterator[Fault]:
    lists = dict(amounts_by_field(item))
    words = {
        "min": "min value",
        "defaultRequest": "default request value",
        "default": "default value",
        "max": "max value",
    }
    pairs = (
        ("min", "max"),
        ("min", "defaultRequest"),
        ("defaultRequest", "max"),
        ("defaultRequest", "default"),
        ("min", "default"),
        ("default", "max"),
    )
    for low, high in pairs:
        for name in sorted(lists[low].keys() & lists[high].keys()):
            small, large = lists[low][name], lists[high][name]
            if small > large:
                reason = f"{words[low]} {small} is greater than {words[high]} {large}"
                yield Fault(f"{pointer}/{low}/{escape(name)}", reason)


def _ratio_faults(pointer: str, item: LimitRangeItem) -> Iterator[Fault]:
    for name, ratio in sorted(item.max_limit_request_ratio.items()):
        where = f"{pointer}/maxLimitRequestRatio/{escape(name)}"
        if ratio.nano < NANO:
            yield Fault(where, f"ratio {ratio} is less than 1")
        low, high = item.min.get(name), item.max.get(name)
        if low and high and ratio.nano * low.nano > high.nano * NANO:
            yield Fault(where, f"ratio {ratio} is greater than max/min = {_six_decimals(high, low)}")


def _six_decimals(dividend: Quantity, divisor: Quantity) -> str:
    """Return a quotient as C's ``%f`` prints it, exactly: a float cannot hold every quantity."""
    from fractions import Fraction  # noqa: PLC0415 - brings decimal along, and a ratio is seldom printed

    millionths = round(Fraction(dividend.nano * 10**6, divisor.nano))
    sign, (whole, rest) = "-" if millionths < 0 else "", divmod(abs(millionths), 10**6)
    return f"{sign}{whole}.{rest:06d}"


def _not_overcommittable_faults(pointer: str, item: LimitRangeItem) -> Iterator[Fault]:
    for name in sorted(item.default.keys() & item.default_request.keys()):
        limit, request = item.default[name], item.default_request[name]
        if (name.startswith(HUGEPAGES) or is_extended(name)) and limit != request:
            reason = f"default value {limit} must equal to defaultRequest value {request} in {name}"
            yield Fault(f"{pointer}/default/{escape(name)}", reason)


def _invalid_default_faults(pointer: str, item: LimitRangeItem) -> Iterator[Fault]:
    """Yield defaults that the API would refuse in every container: no pod without such a value could start."""
    for name, quantity in sorted(item.default.items()):
        if quantity.nano > 0:
            for reason in amount_faults(name, quantity):
                yield Fault(f"{pointer}/default/{escape(name)}", reason)


def _quota_faults(tier: Tier) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, quota in enumerate(tier.quotas):
        pointer = f"/spec/quotas/{index}"
        if quota.name in seen:
            yield Fault(f"{pointer}/name", f'a second quota named "{quota.name}"')
        seen.add(quota.name)
        yield from _fractions(f"{pointer}/hard", quota.hard)
        for name, quantity in sorted(quota.hard.items()):
            where = f"{pointer}/hard/{escape(name)}"
            if reason := quota_name_fault(name):
                yield Fault(where, reason)
            if quantity.nano < 0:
                yield Fault(where, f"{quantity} is negative")
            if name in OBJECT_COUNTS or is_extended(name):
                if quantity.nano % NANO:
                    yield Fault(where, f"{quantity} is not a whole number")
                elif not is_countable(quantity):
                    yield Fault(where, f"{quantity} is more than Kubernetes can count, which is {MAX_MILLI_VALUE}")
        yield from _scope_faults(pointer, quota)


def quota_name_fault(name: str) -> str | None:
    """Return why native quota would never measure the name, or None when it does (R-2, R-22)."""
    if not is_qualified(name):
        return "no quota measures this name"
    if _is_standard(name):
        return None
    if name.startswith("count/"):
        return None
    if name.endswith((*_STORAGE_CLASS_SUFFIXES, DEVICE_CLASS_SUFFIX)):
        return None
    asked = name.removeprefix("requests.")
    if asked != name and (is_extended(asked) or asked.startswith(DEVICE_CLASS)):
        return None
    if is_extended(name):
        bare = name.removeprefix("limits.")
        return f'never measured under this name: an extended resource is named "requests.{bare}"'
    return "no quota measures this name"


def _is_standard(name: str) -> bool:
    return name in _STANDARD_QUOTA_NAMES or name.startswith((HUGEPAGES, f"requests.{HUGEPAGES}"))


def _scope_faults(pointer: str, quota: TierQuota) -> Iterator[Fault]:
    for name in quota.scopes:
        yield from _one_scope(f"{pointer}/scopes", name, quota)
    for index, wanted in enumerate(quota.scope_selector):
        where = f"{pointer}/scopeSelector/matchExpressions/{index}"
        yield from _one_scope(f"{where}/scopeName", wanted.scope_name, quota)
        needs_values = _OPERATORS.get(wanted.operator)
        if needs_values is None:
            yield Fault(f"{where}/operator", f'"{wanted.operator}" is not one of {", ".join(_OPERATORS)}')
        elif needs_values != bool(wanted.values):
            verb = "needs" if needs_values else "takes no"
            yield Fault(f"{where}/values", f"operator {wanted.operator} {verb} values")
        if wanted.scope_name not in _CLASS_SCOPES and wanted.operator != "Exists":
            yield Fault(f"{where}/operator", f"scope {wanted.scope_name} allows only the operator Exists")
    names = {*quota.scopes, *(wanted.scope_name for wanted in quota.scope_selector)}
    for one, other in _CONFLICTING_SCOPES:
        if {one, other} <= names:
            yield Fault(f"{pointer}/scopes", f"conflicting scopes {one} and {other}")


def _one_scope(pointer: str, name: str, quota: TierQuota) -> Iterator[Fault]:
    allowed = _SCOPE_NAMES.get(name)
    if allowed is None:
        yield Fault(pointer, f'"{name}" is not one of {", ".join(sorted(_SCOPE_NAMES))}')
        return
    for resource in sorted(quota.hard):
        if _is_standard(resource) and resource not in allowed:
            yield Fault(pointer, f"unsupported scope applied to resource: {name} with {resource}")


def _no_room_for_own_objects(tier: Tier) -> Iterator[Fault]:
    """Yield quotas that would refuse the tier's own objects: a namespace could never be ready, or handed over (R-7).

    Object counts have no scopes, so a quota with a scope never measures them.
    """
    quotas = len({scope_set(one) for one in tier.quotas})
    needed = {"count/limitranges": 1 if tier.limits else 0, **dict.fromkeys(_QUOTA_COUNTS, quotas)}
    kinds = dict.fromkeys(_QUOTA_COUNTS, "ResourceQuota") | {"count/limitranges": "LimitRange"}
    for index, quota in enumerate(tier.quotas):
        if quota.scopes or quota.scope_selector:
            continue
        for name in sorted(needed.keys() & quota.hard.keys()):
            hard, number = quota.hard[name], needed[name]
            if 0 <= hard.nano < number * NANO:
                objects = f"{number} {kinds[name]}{'s' if number > 1 else ''}"
                wanted = f"the tier itself needs in each namespace: {objects}; set at least {number}"
                reason = f"{hard} is less than {wanted}"
                yield Fault(f"/spec/quotas/{index}/hard/{escape(name)}", reason)


def _unreachable_defaults(tier: Tier) -> Iterator[Fault]:
    """Yield defaults that alone exceed a quota of every pod: no bare pod could ever run."""
    for index, item in enumerate(tier.limits):
        if item.type != CONTAINER:
            continue
        full = effective(item)
        for field, resources in (("default", full.default), ("defaultRequest", full.default_request)):
            for name, quantity in sorted(resources.items()):
                for quota, hard_name, hard in _bounds(tier, field, name):
                    if quantity > hard:
                        reason = f'{quantity} never fits quota "{quota}": {hard_name} is {hard}'
                        yield Fault(f"/spec/limits/{index}/{field}/{escape(name)}", reason)


def _zero_defaults(tier: Tier) -> Iterator[Fault]:
    """Yield default limits that are none, of what the tier bounds in another way: who got one would be refused."""
    bounded = bounded_limits(with_effective_items(tier))
    for index, item in enumerate(tier.limits):
        for name in sorted(bounded.keys() & item.default.keys()):
            if not item.default[name].nano:
                reason = "0 means no limit, and the tier bounds it: no container with it would be admitted"
                yield Fault(f"/spec/limits/{index}/default/{name}", reason)


def _bounds(tier: Tier, field: str, name: str) -> Iterator[tuple[str, str, Quantity]]:
    names = (f"limits.{name}",) if field == "default" else (f"requests.{name}", name)
    for quota in tier.quotas:
        if not quota.scopes and not quota.scope_selector:
            for hard_name in names:
                if hard_name in quota.hard:
                    yield quota.name, hard_name, quota.hard[hard_name]
