"""What became of a create: the same words for the API server's answers and for our decisions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.decision import Finding
from tiergate.core.podspec import Pod
from tiergate.core.quantity import NANO, Quantity

Stage = Literal["allowed", "range", "quota", "invalid", "unreadable", "other"]
"""Admitted; refused by a range or a quota; refused by API validation (422) or decoding (400); anything else."""

Problem = tuple[Any, ...]
"""One broken rule: its family first, then what it says. Quantities in nano-units."""
Amounts = Mapping[str, int]
Resources = tuple[tuple[str, Amounts, Amounts], ...]
"""(container or level, requests, limits) of everything that has resources, in nano-units."""


class Outcome(msgspec.Struct):
    """The end of one create."""

    stage: Stage
    problems: frozenset[Problem] = frozenset()
    resources: Resources | None = None
    text: str = ""
    stored: Pod | Claim | None = None
    """The object as it would be stored, where the API accepts it."""


def resources(pod: Pod) -> Resources:
    """Return all amounts of a pod, comparable by value."""
    rows = [(one.name, _nano(one.requests), _nano(one.limits)) for one in pod.every_container()]
    rows.append(("pod", _nano(pod.requests), _nano(pod.limits)))
    rows.append((f"overhead, {pod.qos_class}", _nano(pod.overhead), {}))
    return tuple(rows)


def _nano(amounts: Mapping[str, Quantity]) -> Amounts:
    """Return the amounts as a reader of their texts has them: a sum in Ki, Mi, ... may be above their cap (Q-9)."""
    return {name: Quantity.parse(str(quantity)).nano for name, quantity in amounts.items()}


_BOUND: Final = re.compile(
    r"(minimum|maximum) (\S+) usage per (\w+) is (\S+?)(?:\.  No (\w+) is specified|, but (\w+) is ([^,\]]+))"
)
_RATIO: Final = re.compile(
    r"(\S+) max limit to request ratio per (\w+) is (\S+), but (no request|no limit|provided ratio)"
)
_EXCEEDED: Final = re.compile(r"exceeded quota: (\S+), requested: (.*), used: (.*), limited: (.*)")
_REQUIRED: Final = re.compile(r"failed quota: (\S+): must specify (.*)")
_UNKNOWN: Final = re.compile(r"status unknown for quota: (\S+), resources: (.*)")


def refused(message: str) -> Outcome:
    """Return what a 403 of LimitRanger or of the quota plugin says; raise ValueError for any other."""
    if problems := frozenset(_said_by_quota(message)):
        return Outcome("quota", problems, text=message)
    if problems := frozenset(range_problems(message)):
        return Outcome("range", problems, text=message)
    msg = f"neither LimitRanger nor quota: {message}"
    raise ValueError(msg)


def range_problems(message: str) -> Iterator[Problem]:
    """Yield what the sentences of LimitRanger say (L-26)."""
    for word, resource, kind, bound, missing, side, actual in _BOUND.findall(message):
        family = "min" if word == "minimum" else "max"
        yield family, kind, resource, side or missing, _value(actual) if actual else None, _value(bound)
    for resource, kind, ratio, reason in _RATIO.findall(message):
        yield "ratio", kind, resource.removeprefix("["), reason, _value(ratio)


def _said_by_quota(message: str) -> Iterator[Problem]:
    if match := _EXCEEDED.search(message):
        asked, used, hard = (_assignments(match[index]) for index in (2, 3, 4))
        for name, amount in asked.items():
            yield "exceeded", match[1], name, amount, used[name], hard[name]
    if match := _REQUIRED.search(message):
        for part in match[2].split("; "):
            name, _, containers = part.partition(" for: ")
            qualified = name if "." in name else f"requests.{name}"
            yield from (("required", match[1], qualified, container) for container in containers.split(","))
    if match := _UNKNOWN.search(message):
        yield "unknown", match[1]  # it goes on with all names of the quota, known or not


def _assignments(text: str) -> Amounts:
    return {name: _value(value) for name, _, value in (part.rpartition("=") for part in text.split(","))}


def _value(text: str) -> int:
    """Return a printed amount in nano-units; a sum may be above the cap that reading a binary suffix applies (Q-9)."""
    for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1):
        if text.endswith(suffix) and text.removesuffix(suffix).isdecimal():
            return int(text.removesuffix(suffix)) * (1 << 10 * power) * NANO
    return Quantity.parse(text).nano


def range_problem(violation: Finding) -> Problem:
    """Return a violation in the words of LimitRanger, which names one side for each bound: the first that breaks it."""
    side, _, name = violation.resource.partition(".")
    side = side.removesuffix("s")
    bound = violation.bound.nano if violation.bound else 0
    rule = violation.rule
    kind = "Pod" if rule.startswith("pod-") else "PersistentVolumeClaim" if rule.startswith("claim-") else "Container"
    if rule.endswith("limit-request-ratio"):
        reason = "no request" if not violation.actual else "no limit" if not violation.limit else "provided ratio"
        return "ratio", kind, name, reason, bound
    family = rule.rpartition("-")[2]
    if family == "min" and violation.same_request:  # one of both sides is told of, and LimitRanger begins with this one
        side = "request"
    return family, kind, name, side, _optional(violation.actual), bound


def quota_problems(violation: Finding) -> Iterator[Problem]:
    """Yield a violation in the words of native quota."""
    match violation.rule:
        case "quota-exceeded":
            amounts = (_optional(violation.actual), _optional(violation.used), _optional(violation.bound))
            yield "exceeded", violation.quota, violation.resource, *amounts
        case "quota-required":
            yield "required", violation.quota, violation.resource, violation.container
        case _:
            yield "unknown", violation.quota


def _optional(quantity: Quantity | None) -> int | None:
    return None if quantity is None else quantity.nano
