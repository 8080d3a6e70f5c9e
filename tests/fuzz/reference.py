"""The slow reference check: whether a review must be refused, over plain JSON with fractions, by the rule texts.

It shares no code with the webhook, decodes nothing but what a verdict needs, and knows one thing at a time.
Rule ids are those of the webhook's own rules; where ours differ from Kubernetes on purpose
(docs/differences.md) this check says what ours say.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from tests.fuzz.reference_pod import COMPUTE, Amounts, Box, Json, Shape, Unfit, amounts, at_once, obj, pod_shape, text
from tests.fuzz.reference_quota import (
    amounts_of,
    claim_matches,
    claim_measured,
    claim_usage,
    exceeded,
    extended,
    quota_wrongs,
    scopes,
)


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
    yield from quota_wrongs(pod, before, quotas)


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
        if name in COMPUTE and unlimited and not (old and old.limits.get(name) == 0):
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
        idle = request is None and (name.startswith("hugepages-") or extended(name))  # unusable without a limit
        if (levelled is None and not idle) or (levelled is not None and levelled > high):
            yield "limit-max"
        if request is not None and request > high and request != levelled:
            yield "request-max"


def _ranged(pod: Shape) -> tuple[Amounts, Amounts]:
    requests, limits = at_once(pod.boxes, lambda box: box.requests), at_once(pod.boxes, lambda box: box.limits)
    requests |= {name: one for name, one in pod.requests.items() if name in COMPUTE}
    limits |= {name: one for name, one in pod.limits.items() if name in COMPUTE}
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


def _claim_wrongs(new: object, old: object, item: dict[str, Amounts] | None, quotas: list[Json]) -> Iterator[str]:
    now, storage, classes = claim_usage(obj(new))
    then, before, earlier = claim_usage(obj(old)) if old is not None else ({}, None, set())
    if item is not None and (old is None or storage != before):
        low, high = item["min"].get("storage"), item["max"].get("storage")
        if low is not None and (storage is None or storage < low):
            yield "claim-min"
        if high is not None and (storage is None or storage > high):
            yield "claim-max"
    for quota in quotas:
        wanted, hard, used = amounts_of(quota)
        if not all(claim_matches(classes, *scope) for scope in scopes(quota)):
            continue
        if any(claim_measured(name) and name not in used for name in wanted):
            yield "quota-pending"
        matched = old is not None and all(claim_matches(earlier, *scope) for scope in scopes(quota))
        yield from exceeded(now, then if matched else {}, hard, used, increase_only=matched)
