"""The slow reference check: whether a review must be refused, over plain JSON with fractions, by the rule texts.

It shares no code with the webhook, decodes nothing but what a verdict needs, and knows one thing at a time.
Rule ids are those of the webhook's own rules; where ours differ from Kubernetes on purpose
(docs/differences.md) this check says what ours say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.fuzz import grammar
from tests.fuzz.grammar import Num

Amounts = dict[str, Fraction]
Json = dict[str, Any]

_BLANK = "".join(map(chr, (0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)))
_TENS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_TWOS = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_COMPUTE = ("cpu", "memory")
_DEMANDED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


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
    return name in _COMPUTE or name.startswith("hugepages-")


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


def wrongs(request: Json, policy: Json, quotas: list[Json]) -> Iterator[str]:
    """Yield the rules that a request to validate breaks; raise Unfit for what cannot be judged."""
    new, old = request.get("object"), request.get("oldObject")
    update = request.get("operation") == "UPDATE"
    if new is None or not text(request.get("namespace")) or (update and old is None):
        raise Unfit("there is no object, namespace or old object")
    items = {
        item["type"]: {key: amounts(item.get(key)) for key in (*_BOUNDS, "default")}
        for item in policy.get("limits", ())
    }
    if obj(request.get("resource")).get("resource") == "persistentvolumeclaims":
        yield from _claim_wrongs(new, old if update else None, items.get("PersistentVolumeClaim"), quotas)
        return
    pod = pod_shape(new)
    before = pod_shape(old) if update else None
    yield from _container_wrongs(pod, before, items.get("Container"))
    yield from _level_wrongs(pod, before, items.get("Container"))
    yield from _zero_wrongs(pod, before, items, policy)
    yield from _total_wrongs(pod, before, items.get("Pod"))
    yield from _quota_wrongs(pod, before, quotas)


_BOUNDS = ("min", "max", "maxLimitRequestRatio")


def _container_wrongs(pod: Shape, old: Shape | None, item: dict[str, Amounts] | None) -> Iterator[str]:
    for box in pod.boxes if item else ():
        for name in {name for bounds in item.values() for name in bounds}:  # type: ignore[union-attr]  # there is one
            yield from _container_wrong(pod, old, box, name, {key: item[key].get(name) for key in item})  # type: ignore[union-attr, index]  # as above


def _level_wrongs(pod: Shape, old: Shape | None, item: dict[str, Amounts] | None) -> Iterator[str]:
    """Yield what a pod-level value breaks that stands for what containers do not say."""
    for name in {name for bounds in item.values() for name in bounds} if item else ():
        request, limit = pod.requests.get(name), pod.limits.get(name)
        low = item["min"].get(name)  # type: ignore[index]  # there is one
        if not old or (old.requests.get(name), old.limits.get(name)) != (request, limit):
            if (
                low is not None
                and request is not None
                and request < low
                and not any(name in b.requests for b in pod.boxes)
            ):
                yield "request-min"
            if low is not None and limit is not None and limit < low and not any(name in b.limits for b in pod.boxes):
                yield "limit-min"


def _zero_wrongs(pod: Shape, old: Shape | None, items: dict[str, dict[str, Amounts]], policy: Json) -> Iterator[str]:
    """Yield the limits of 0 of what the policy bounds anywhere: they are none."""
    none: dict[str, Amounts] = {"default": {}, "max": {}, "maxLimitRequestRatio": {}}
    container, total = items.get("Container", none), items.get("Pod", none)
    bounded = {*container["max"], *total["max"], *total["maxLimitRequestRatio"]}
    bounded |= {name for name, default in container["default"].items() if default}
    hard = {name for quota in policy.get("quotas") or () for name in quota["hard"]}
    bounded |= {name.removeprefix("limits.") for name in hard if name.startswith("limits.")}
    for name in bounded & {"cpu", "memory", "ephemeral-storage"}:
        for box in pod.boxes:
            before = next((one for one in old.boxes if one.name == box.name), None) if old else None
            same = before is not None and (before.requests.get(name), before.limits.get(name)) == (
                box.requests.get(name),
                box.limits.get(name),
            )
            if box.limits.get(name) == 0 and not same:
                yield "limit-zero"
        unlimited = pod.limits.get(name) == 0 and not all(name in box.limits for box in pod.boxes)
        if name in _COMPUTE and unlimited and not (old and old.limits.get(name) == 0):
            yield "pod-limit-zero"


def _container_wrong(
    pod: Shape, old: Shape | None, box: Box, name: str, bounds: dict[str, Fraction | None]
) -> Iterator[str]:
    request, limit = box.requests.get(name), box.limits.get(name)
    levelled = limit if limit is not None else pod.limits.get(name)
    low, high, ratio = (bounds[key] for key in _BOUNDS)
    before = next((one for one in old.boxes if one.name == box.name), None) if old else None
    same = before is not None and (before.requests.get(name), before.limits.get(name)) == (request, limit)
    if not same:
        once = request == limit and not pod.requests and not pod.limits  # one mistake, one line
        if low is not None and request is not None and request < low and not once:
            yield "request-min"
        if low is not None and limit is not None and limit < low:
            yield "limit-min"
        if ratio is not None and (not request or not limit or limit > ratio * request):
            yield "limit-request-ratio"
    if high is not None and not (same and old and before and levelled == before.limits.get(name, old.limits.get(name))):
        idle = request is None and (name.startswith("hugepages-") or _extended(name))  # unusable without a limit
        if (levelled is None and not idle) or (levelled is not None and levelled > high):
            yield "limit-max"
        if request is not None and request > high and request != levelled:
            yield "request-max"


def _ranged(pod: Shape) -> tuple[Amounts, Amounts]:
    requests, limits = at_once(pod.boxes, lambda box: box.requests), at_once(pod.boxes, lambda box: box.limits)
    requests |= {name: one for name, one in pod.requests.items() if name in _COMPUTE}
    limits |= {name: one for name, one in pod.limits.items() if name in _COMPUTE}
    return requests, limits


def _total_wrongs(pod: Shape, old: Shape | None, item: dict[str, Amounts] | None) -> Iterator[str]:
    if item is None:
        return
    requests, limits = _ranged(pod)
    earlier = _ranged(old) if old else None
    for name in {name for bounds in item.values() for name in bounds}:
        request, limit = requests.get(name), limits.get(name)
        if earlier and (earlier[0].get(name), earlier[1].get(name)) == (request, limit):
            continue
        low, high, ratio = (item[key].get(name) for key in _BOUNDS)
        if low is not None and (request is None or (request < low and request != limit)):
            yield "pod-request-min"
        if low is not None and limit is not None and limit < low:
            yield "pod-limit-min"
        if high is not None and (limit is None or limit > high):
            yield "pod-limit-max"
        if high is not None and request is not None and request > high and request != limit:
            yield "pod-request-max"
        if ratio is not None and (not request or not limit or limit > ratio * request):
            yield "pod-limit-request-ratio"


def _counted(pod: Shape, spec: Callable[[Box], Amounts], *views: Callable[[Reported], Amounts | None]) -> Amounts:
    """Return the largest of what the spec says and what each view of the statuses says, per resource."""
    totals = [] if pod.infeasible else [at_once(pod.boxes, spec)]
    unreported = (lambda _box: {}) if pod.infeasible else spec

    def through(chain: tuple[Callable[[Reported], Amounts | None], ...]) -> Callable[[Box], Amounts]:
        def pick(box: Box) -> Amounts:
            one = pod.reported.get(box.name)
            said = (view(one) for view in chain) if one else ()
            return next((lists for lists in said if lists is not None), unreported(box))

        return pick

    if pod.reported:
        totals += [at_once(pod.boxes, through(views[index:])) for index in range(len(views))]
    names = {name for total in totals for name in total}
    return {name: max(total[name] for total in totals if name in total) for name in names}


def usage(pod: Shape) -> Amounts:
    """Return what quotas count of a pod."""
    if pod.phase in ("Failed", "Succeeded"):
        return {"count/pods": Fraction(1)}
    requests = _counted(pod, lambda box: box.requests, lambda one: one.requests, lambda one: one.allocated)
    limits = _counted(pod, lambda box: box.limits, lambda one: one.limits)
    requests |= pod.requests
    limits |= pod.limits
    for name, extra in pod.overhead.items():
        requests[name] = requests.get(name, Fraction(0)) + extra
        if limits.get(name):
            limits[name] += extra
    result = {"count/pods": Fraction(1), "pods": Fraction(1)}
    for name, one in requests.items():
        if name in (*_COMPUTE, "ephemeral-storage") or name.startswith("hugepages-"):
            result |= {name: one, f"requests.{name}": one}
        elif _extended(name) or name.startswith("deviceclass.resource.kubernetes.io/"):
            result[f"requests.{name}"] = one
    return result | {f"limits.{name}": limits[name] for name in (*_COMPUTE, "ephemeral-storage") if name in limits}


def _extended(name: str) -> bool:
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def _measured(name: str) -> bool:
    names = ("pods", "count/pods", "ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage")
    rest = name.removeprefix("requests.")
    special = rest != name and (_extended(rest) or rest.startswith("deviceclass.resource.kubernetes.io/"))
    return name in (*_DEMANDED, *names) or rest.startswith("hugepages-") or special


def _claim_measured(name: str) -> bool:
    last = ("persistentvolumeclaims", "requests.storage")
    rest = name.rpartition(".storageclass.storage.k8s.io/")[2]
    return name in (*last, "count/persistentvolumeclaims") or (rest != name and rest in last)


def _amounts_of(quota: Json) -> tuple[Amounts, Amounts, Amounts]:
    """Return what the quota should bound, what it bounds, and what is used."""
    status = quota["status"]
    return amounts(quota["spec"]["hard"]), amounts(status.get("hard")), amounts(status.get("used"))


def _pod_matches(pod: Shape, scope: str, operator: str, values: list[str]) -> bool:
    terminating = pod.deadline is not None and pod.deadline >= 0
    return {
        "Terminating": terminating,
        "NotTerminating": not terminating,
        "BestEffort": _best_effort(pod),
        "NotBestEffort": not _best_effort(pod),
        "PriorityClass": _selects(pod.priority, operator, values),
        "CrossNamespacePodAffinity": pod.crosses,
    }.get(scope, False)


def _best_effort(pod: Shape) -> bool:
    if pod.qos:
        return pod.qos == "BestEffort"
    lists = (
        [pod.requests, pod.limits] if pod.levelled else [one for box in pod.boxes for one in (box.requests, box.limits)]
    )
    return not any(one.get(name) for one in lists for name in _COMPUTE)


def _selects(name: str, operator: str, values: list[str]) -> bool:
    return {
        "Exists": bool(name),
        "DoesNotExist": not name,
        "In": name in values,
        "NotIn": name not in values,
    }[operator]


def _scopes(quota: Json) -> list[tuple[str, str, list[str]]]:
    spec = quota["spec"]
    wanted = obj(spec.get("scopeSelector")).get("matchExpressions", [])
    plain: list[tuple[str, str, list[str]]] = [(scope, "Exists", []) for scope in spec.get("scopes", ())]
    return [*plain, *((one["scopeName"], one["operator"], one.get("values", [])) for one in wanted)]


def _quota_wrongs(pod: Shape, old: Shape | None, quotas: list[Json]) -> Iterator[str]:
    now = usage(pod)
    then = usage(old) if old else {}
    for quota in quotas:
        wanted, hard, used = _amounts_of(quota)
        if not any(map(_measured, wanted)) or not all(_pod_matches(pod, *scope) for scope in _scopes(quota)):
            continue
        if any(_measured(name) and name not in used for name in wanted):
            yield "quota-pending"
        if any(not _answers(box, name) for box in pod.boxes for name in _demanded(quota, hard, pod, old)):
            yield "quota-required"
        matched = old is not None and all(_pod_matches(old, *scope) for scope in _scopes(quota))
        yield from _exceeded(now, then if matched else {}, hard, used, increase_only=matched)


def _demanded(quota: Json, hard: Amounts, pod: Shape, old: Shape | None) -> list[str]:
    """Return the names that containers must have: native quota asks nothing beside any pod-level value."""
    names = [name for name in hard if name in _DEMANDED]
    ours = (quota["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "tiergate"
    if pod.levelled and (old or not ours):
        return []
    level = Box("", False, False, pod.requests, pod.limits)  # noqa: FBT003  # the pod as a whole
    return [name for name in names if not _answers(level, name)]


def _answers(box: Box, quota_name: str) -> bool:
    name = quota_name.removeprefix("requests.").removeprefix("limits.")
    return name in (box.limits if quota_name.startswith("limits.") else box.requests)


def _exceeded(now: Amounts, then: Amounts, hard: Amounts, used: Amounts, *, increase_only: bool) -> Iterator[str]:
    for name in hard.keys() & now.keys():
        asked = now[name] - then.get(name, 0)
        if asked and not (increase_only and asked < 0) and used.get(name, Fraction(0)) + asked > hard[name]:
            yield "quota-exceeded"


def _claim_usage(claim: Json) -> tuple[Amounts, Fraction | None, set[str]]:
    metadata, spec, status = (obj(claim.get(key)) for key in ("metadata", "spec", "status"))
    named = obj(metadata.get("annotations")).get("volume.beta.kubernetes.io/storage-class")
    storage_class = text(spec.get("storageClassName")) if named is None else text(named)
    storage = amounts(obj(spec.get("resources")).get("requests")).get("storage")
    allocated = amounts(status.get("allocatedResources")).get("storage")
    result = {"persistentvolumeclaims": Fraction(1), "count/persistentvolumeclaims": Fraction(1)}
    if storage is not None:
        sizes = [_away(storage), *([_away(allocated)] if allocated is not None else [])]
        result["requests.storage"] = max(sizes)
    if storage_class:
        prefix = f"{storage_class}.storageclass.storage.k8s.io/"
        result |= {
            f"{prefix}{name}": result[name] for name in ("persistentvolumeclaims", "requests.storage") if name in result
        }
    classes = (
        spec.get("volumeAttributesClassName"),
        status.get("currentVolumeAttributesClassName"),
        obj(status.get("modifyVolumeStatus")).get("targetVolumeAttributesClassName"),
    )
    return result, storage, {text(one) for one in classes if text(one)}


def _away(value: Fraction) -> Fraction:
    return Fraction(math.ceil(value) if value >= 0 else math.floor(value))


def _claim_matches(classes: set[str], scope: str, operator: str, values: list[str]) -> bool:
    if scope != "VolumeAttributesClass":
        return False
    if operator == "Exists":
        return bool(classes)
    return any(_selects(one, operator, values) for one in classes or {""})


def _claim_wrongs(new: object, old: object, item: dict[str, Amounts] | None, quotas: list[Json]) -> Iterator[str]:
    now, storage, classes = _claim_usage(obj(new))
    then, before, earlier = _claim_usage(obj(old)) if old is not None else ({}, None, set())
    if item is not None and (old is None or storage != before):
        low, high = item["min"].get("storage"), item["max"].get("storage")
        if low is not None and (storage is None or storage < low):
            yield "claim-min"
        if high is not None and (storage is None or storage > high):
            yield "claim-max"
    for quota in quotas:
        wanted, hard, used = _amounts_of(quota)
        if not all(_claim_matches(classes, *scope) for scope in _scopes(quota)):
            continue
        if any(_claim_measured(name) and name not in used for name in wanted):
            yield "quota-pending"
        matched = old is not None and all(_claim_matches(earlier, *scope) for scope in _scopes(quota))
        yield from _exceeded(now, then if matched else {}, hard, used, increase_only=matched)
