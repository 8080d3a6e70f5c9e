"""The slow reference check: amounts and pods of a review, read from plain JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

from tests.fuzz import grammar
from tests.fuzz.grammar import Num

Amounts = dict[str, Fraction]
Json = dict[str, Any]
_BLANK = "".join(map(chr, (0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)))
_TENS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_TWOS = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
COMPUTE = ("cpu", "memory")
DEMANDED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


class Unfit(ValueError):
    """A value that no verdict can rest on."""


class TooDeep(Exception):
    """Nested deeper than is read here: nothing can be said of it."""


def read(body: bytes) -> Any:  # noqa: ANN401  # JSON
    """Return the JSON with numbers as their texts; raise Unfit for what is not JSON but for bytes in its texts."""
    try:
        return grammar.read(body.decode(errors="replace"))
    except RecursionError:
        raise TooDeep from None
    except ValueError as error:
        raise Unfit(str(error)) from None


def amount(value: object) -> Fraction:
    """Return what a quantity means in a typed list: exact, up to nano, capped if binary, then up to milli."""
    if value is None:
        return Fraction(0)
    if not isinstance(value, str):
        raise Unfit(f"{value!r} is not a quantity")
    return _amount(value)


@lru_cache(maxsize=4096)
def _amount(value: str) -> Fraction:
    text = value.strip(_BLANK)
    match = re.fullmatch(r"([+-]?)([0-9]*)(\.[0-9]*)?(.*)", text, re.DOTALL)
    if not text or len(value) > 1000 or match is None:
        raise Unfit(f"{value!r} is not a quantity")
    sign, whole, fraction, suffix = match[1], match[2], (match[3] or ".")[1:], match[4]
    scale, binary, zero_alone = _scale(suffix)
    if not whole and not fraction and not zero_alone:
        raise Unfit(f"{value!r} is not a quantity")
    exact = Fraction(int((whole + fraction) or "0"), 10 ** len(fraction)) * scale
    nano = min(math.ceil(exact * 10**9), (2**63 - 1) * 10**9) if binary else math.ceil(exact * 10**9)
    milli = Fraction(math.ceil(Fraction(nano, 10**6)), 1000)
    return -milli if sign == "-" else milli


def _scale(suffix: str) -> tuple[Fraction, bool, bool]:
    """Return the factor of a suffix, whether it is binary, and whether it means zero on its own."""
    if suffix in _TENS:
        return Fraction(10) ** _TENS[suffix], False, True
    if suffix in _TWOS:
        return Fraction(1024 ** _TWOS[suffix]), True, suffix not in ("Pi", "Ei")
    match = re.fullmatch(r"[eE]([+-]?[0-9]+)", suffix)
    if match is None or not -(2**63) <= int(match[1]) < 2**63:
        raise Unfit(f"suffix {suffix!r}")
    exponent = int(match[1]) % 2**32
    exponent -= 2**32 if exponent >= 2**31 else 0
    if abs(exponent) > 1000:
        raise Unfit(f"exponent {exponent}")
    return Fraction(10) ** exponent, False, exponent >= -9


def obj(value: object) -> Json:
    """Return an object; null is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unfit(f"{value!r} is no object")
    return value


def arr(value: object) -> list[Any]:
    """Return an array; null is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unfit(f"{value!r} is no array")
    return value


def text(value: object) -> str:
    """Return a text; null is an empty one."""
    if value is None:
        return ""
    if not isinstance(value, str) or isinstance(value, Num):
        raise Unfit(f"{value!r} is no text")
    return value


def amounts(value: object) -> Amounts:
    """Return a resource list."""
    return {name: amount(one) for name, one in obj(value).items()}


def _pod_level(name: str) -> bool:
    return name in COMPUTE or name.startswith("hugepages-")


@dataclass
class Box:
    """One container: name, init, restartable, requests (completed from limits), limits."""

    name: str
    init: bool
    sidecar: bool
    requests: Amounts
    limits: Amounts


@dataclass
class Reported:
    """What a container status says; None is "not said"."""

    requests: Amounts | None
    limits: Amounts | None
    allocated: Amounts | None


@dataclass
class Shape:
    """A pod as far as a verdict needs it."""

    boxes: list[Box]
    requests: Amounts
    limits: Amounts
    overhead: Amounts
    deadline: int | None
    priority: str
    crosses: bool
    phase: str
    qos: str
    deleting: bool
    infeasible: bool
    reported: dict[str, Reported] = field(default_factory=dict)

    @property
    def levelled(self) -> bool:
        """Whether there is a pod-level value."""
        return bool(self.requests or self.limits)


def pod_shape(pod: object) -> Shape:
    """Return the shape of a Pod; raise Unfit."""
    metadata, spec, status = (obj(obj(pod).get(key)) for key in ("metadata", "spec", "status"))
    resources = obj(spec.get("resources"))
    deadline = spec.get("activeDeadlineSeconds")
    conditions = [obj(one) for one in arr(status.get("conditions"))]
    return Shape(
        boxes=[
            *(_box(one, init=False) for one in arr(spec.get("containers"))),
            *(_box(one, init=True) for one in arr(spec.get("initContainers"))),
        ],
        requests={name: one for name, one in amounts(resources.get("requests")).items() if _pod_level(name)},
        limits={name: one for name, one in amounts(resources.get("limits")).items() if _pod_level(name)},
        overhead=amounts(spec.get("overhead")),
        deadline=None if deadline is None else _whole(deadline),
        priority=text(spec.get("priorityClassName")),
        crosses=_crosses(obj(spec.get("affinity"))),
        phase=text(status.get("phase")),
        qos=text(status.get("qosClass")),
        deleting=metadata.get("deletionTimestamp") is not None,
        infeasible=any(
            (one.get("type"), one.get("reason")) == ("PodResizePending", "Infeasible") for one in conditions
        ),
        reported=_reported(status),
    )


def _box(value: object, *, init: bool) -> Box:
    container = obj(value)
    resources = obj(container.get("resources"))
    limits, requests = amounts(resources.get("limits")), amounts(resources.get("requests"))
    sidecar = init and text(container.get("restartPolicy")) == "Always"
    return Box(text(container.get("name")), init, sidecar, limits | requests, limits)


def _reported(status: Json) -> dict[str, Reported]:
    found = {}
    for value in (*arr(status.get("containerStatuses")), *arr(status.get("initContainerStatuses"))):
        one = obj(value)
        resources, allocated = one.get("resources"), one.get("allocatedResources")
        if resources is None and not allocated:
            continue
        lists = [obj(resources).get("requests"), obj(resources).get("limits"), allocated]
        found[text(one.get("name"))] = Reported(*(None if value is None else amounts(value) for value in lists))
    return found


def _whole(value: object) -> int:
    if not isinstance(value, Num) or not re.fullmatch(r"-?[0-9]{1,19}", value):
        raise Unfit(f"{value!r} is no integer")
    return int(value)


def _crosses(affinity: Json) -> bool:
    for side in (obj(affinity.get("podAffinity")), obj(affinity.get("podAntiAffinity"))):
        terms = [obj(one) for one in arr(side.get("requiredDuringSchedulingIgnoredDuringExecution"))]
        preferred = [obj(one) for one in arr(side.get("preferredDuringSchedulingIgnoredDuringExecution"))]
        terms += [obj(one.get("podAffinityTerm")) for one in preferred]
        if any(arr(term.get("namespaces")) or term.get("namespaceSelector") is not None for term in terms):
            return True
    return False


def at_once(boxes: list[Box], pick: Callable[[Box], Amounts]) -> Amounts:
    """Return the most that is needed at any moment of the pod's life, one resource at a time."""
    result = {}
    for name in {name for box in boxes for name in pick(box)}:
        moments: list[Fraction] = []
        sidecars, seen = Fraction(0), False
        for box in boxes:
            own = pick(box)
            if box.sidecar:
                sidecars, seen = sidecars + own.get(name, 0), seen or name in own
            if box.init and (seen or name in own):
                moments.append(sidecars if box.sidecar else sidecars + own.get(name, 0))
        running = [pick(box)[name] for box in boxes if (not box.init or box.sidecar) and name in pick(box)]
        result[name] = max([*([sum(running, Fraction(0))] if running else []), *moments])
    return result
