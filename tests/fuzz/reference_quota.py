"""The slow reference check: what a pod or claim adds to a quota, and what the quota says."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

from tests.fuzz.reference_pod import COMPUTE, DEMANDED, Amounts, Box, Json, Reported, Shape, amounts, at_once, obj, text


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
        if name in (*COMPUTE, "ephemeral-storage") or name.startswith("hugepages-"):
            result |= {name: one, f"requests.{name}": one}
        elif extended(name) or name.startswith("deviceclass.resource.kubernetes.io/"):
            result[f"requests.{name}"] = one
    return result | {f"limits.{name}": limits[name] for name in (*COMPUTE, "ephemeral-storage") if name in limits}


def extended(name: str) -> bool:
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def _measured(name: str) -> bool:
    names = ("pods", "count/pods", "ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage")
    rest = name.removeprefix("requests.")
    special = rest != name and (extended(rest) or rest.startswith("deviceclass.resource.kubernetes.io/"))
    return name in (*DEMANDED, *names) or rest.startswith("hugepages-") or special


def claim_measured(name: str) -> bool:
    last = ("persistentvolumeclaims", "requests.storage")
    rest = name.rpartition(".storageclass.storage.k8s.io/")[2]
    return name in (*last, "count/persistentvolumeclaims") or (rest != name and rest in last)


def amounts_of(quota: Json) -> tuple[Amounts, Amounts, Amounts]:
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
    return not any(one.get(name) for one in lists for name in COMPUTE)


def _selects(name: str, operator: str, values: list[str]) -> bool:
    return {
        "Exists": bool(name),
        "DoesNotExist": not name,
        "In": name in values,
        "NotIn": name not in values,
    }[operator]


def scopes(quota: Json) -> list[tuple[str, str, list[str]]]:
    spec = quota["spec"]
    wanted = obj(spec.get("scopeSelector")).get("matchExpressions", [])
    plain: list[tuple[str, str, list[str]]] = [(scope, "Exists", []) for scope in spec.get("scopes", ())]
    return [*plain, *((one["scopeName"], one["operator"], one.get("values", [])) for one in wanted)]


def quota_wrongs(pod: Shape, old: Shape | None, quotas: list[Json]) -> Iterator[str]:
    now = usage(pod)
    then = usage(old) if old else {}
    for quota in quotas:
        wanted, hard, used = amounts_of(quota)
        if not any(map(_measured, wanted)) or not all(_pod_matches(pod, *scope) for scope in scopes(quota)):
            continue
        if any(_measured(name) and name not in used for name in wanted):
            yield "quota-pending"
        if any(not _answers(box, name) for box in pod.boxes for name in _demanded(quota, hard, pod, old)):
            yield "quota-required"
        matched = old is not None and all(_pod_matches(old, *scope) for scope in scopes(quota))
        yield from exceeded(now, then if matched else {}, hard, used, increase_only=matched)


def _demanded(quota: Json, hard: Amounts, pod: Shape, old: Shape | None) -> list[str]:
    """Return the names that containers must have: native quota asks nothing beside any pod-level value."""
    names = [name for name in hard if name in DEMANDED]
    ours = (quota["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "tiergate"
    if pod.levelled and (old or not ours):
        return []
    level = Box("", False, False, pod.requests, pod.limits)  # noqa: FBT003  # the pod as a whole
    return [name for name in names if not _answers(level, name)]


def _answers(box: Box, quota_name: str) -> bool:
    name = quota_name.removeprefix("requests.").removeprefix("limits.")
    return name in (box.limits if quota_name.startswith("limits.") else box.requests)


def exceeded(now: Amounts, then: Amounts, hard: Amounts, used: Amounts, *, increase_only: bool) -> Iterator[str]:
    for name in hard.keys() & now.keys():
        asked = now[name] - then.get(name, 0)
        if asked and not (increase_only and asked < 0) and used.get(name, Fraction(0)) + asked > hard[name]:
            yield "quota-exceeded"


def claim_usage(claim: Json) -> tuple[Amounts, Fraction | None, set[str]]:
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


def claim_matches(classes: set[str], scope: str, operator: str, values: list[str]) -> bool:
    if scope != "VolumeAttributesClass":
        return False
    if operator == "Exists":
        return bool(classes)
    return any(_selects(one, operator, values) for one in classes or {""})
