"""What a tier's Container item adds to a pod: LimitRanger's defaults, without those that break the pod.

Follows kubernetes ``plugin/pkg/admission/limitranger`` with the differences on purpose that
docs/differences.md lists.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from tiergate.core.jsonpatch import JSONPatchOp, add
from tiergate.core.podspec import FEW_ANNOTATIONS, MAX_AMOUNTS, Container, Pod
from tiergate.core.quantity import NANO, Quantity
from tiergate.core.resources import (
    EMPTY,
    HUGEPAGES,
    POD_LEVEL_COMPUTE,
    STANDARD,
    Amounts,
    ResourceList,
    needs_limit,
    unit,
)
from tiergate.core.text import shortened
from tiergate.core.tier import LimitRangeItem, Tier

ANNOTATION = "tiergate.io/defaults"
ANNOTATION_PREFIX = "tiergate set: "
_PLAIN: Final = frozenset(STANDARD)
"""Resources that may be requested without a limit."""
NAME_SHOWN = 63
"""Characters of a container's name, which the API server bounds only after us."""
SHORT_TEXT = 4096
"""Characters of our annotation that fit beside few others, however many bytes they take."""
MAX_ANNOTATIONS = 256 * 2**10
"""Bytes of all annotations of an object, names and values: the API server takes no more."""


class Additions(msgspec.Struct, frozen=True):
    """What defaulting adds to one container."""

    container: Container
    amounts: Amounts


def with_defaults(pod: Pod, tier: Tier) -> tuple[Pod, tuple[Additions, ...]]:
    """Return the pod with the tier's defaults, and what was added to which container."""
    found = additions_to(pod, tier)
    return _completed(pod, found), found


def additions_to(pod: Pod, tier: Tier) -> tuple[Additions, ...]:
    """Return what the tier's defaults add to which container (L-10).

    A pod-level value suppresses the defaults of its side, but no container stays without a default limit that no
    pod-level limit replaces (ADR 10). Hugepages that some container would stay without go to none.
    """
    if tier.container is None:
        return ()
    if not pod.pod_level:
        return _added(pod, tier.container, _of_bare_container(tier.container))
    item = _beside_pod_level(pod, tier.container)
    found = _added(pod, item)
    if uneven := _uneven(_completed(pod, found)):
        return _added(pod, _without(item, uneven))
    return found


def _added(pod: Pod, item: LimitRangeItem, of_bare: Amounts | None = None) -> tuple[Additions, ...]:
    """Return what an item adds to each container; ``of_bare`` is known of those that set nothing, as most do."""
    added: list[Additions] = []
    for container in pod.every_container():
        requests, limits = container.requests, container.limits
        amounts = _amounts(requests, limits, item) if of_bare is None or requests or limits else of_bare
        if amounts is not None:
            added.append(Additions(container, amounts))
    return tuple(added)


def _of_bare_container(item: LimitRangeItem) -> Amounts | None:
    """Return what an item adds to a container without any value."""
    known = item.of_bare
    if None not in known:
        known[None] = _amounts(EMPTY, EMPTY, item)
    return known[None]


def _completed(pod: Pod, additions: tuple[Additions, ...]) -> Pod:
    if not additions:
        return pod
    completed = {
        # The API server completes requests from limits after our patch (D-3). No new limit comes without a request.
        id(one.container): msgspec.structs.replace(
            one.container,
            requests={**one.container.requests, **one.amounts.requests},
            limits={**one.container.limits, **one.amounts.limits},
        )
        for one in additions
    }
    containers = tuple([completed.get(id(container), container) for container in pod.containers])
    init_containers = tuple([completed.get(id(container), container) for container in pod.init_containers])
    return msgspec.structs.replace(pod, containers=containers, init_containers=init_containers)


def _beside_pod_level(pod: Pod, item: LimitRangeItem) -> LimitRangeItem:
    """Return what is left of the defaults where the pod-level values stand for some of them."""
    default = {name: limit for name, limit in item.default.items() if name not in pod.limits}
    requests = {}
    for name, request in item.default_request.items():
        bound = pod.requests.get(name, pod.limits.get(name))
        room = request if bound is None else min(request, _room(pod, name, bound))
        # The API copies a limit to a missing request after our patch (A-33, D-3), so beside a default limit the
        # request is always written. Otherwise the pod-level request stands for it, or soon the limit (D-7).
        if name in default or (name not in pod.requests and room == request):
            requests[name] = room
    return msgspec.structs.replace(item, default=default, default_request=requests)


def _room(pod: Pod, name: str, bound: Quantity) -> Quantity:
    """Return the most that each container without a request may ask for so that all fit the pod level (D-8, L-30)."""
    requested, lacking, steps = 0, 0, []
    for container in (*pod.init_containers, *pod.containers):
        request = container.requests.get(name)
        step = (requested, lacking + 1) if request is None else (requested + request.nano, lacking)
        steps.append(step)
        if not container.init or container.restartable:  # it keeps running beside those that follow
            requested, lacking = step
    most = min((max(bound.nano - used, 0) // sharing for used, sharing in steps if sharing), default=bound.nano)
    return _rounded_down(name, most, bound)


def _rounded_down(name: str, nano: int, like: Quantity) -> Quantity:
    """Return an amount that the API does not round up."""
    return Quantity(nano - nano % unit(name), like.format)


def _without(item: LimitRangeItem, names: frozenset[str]) -> LimitRangeItem:
    return msgspec.structs.replace(
        item, default=_omitting(item.default, names), default_request=_omitting(item.default_request, names)
    )


def _uneven(pod: Pod) -> frozenset[str]:
    """Return the hugepages that only some containers limit.

    The server adds them up at the pod level (D-5), and the sum is then the limit of the containers without one.
    """
    limited = [container.limits.keys() for container in pod.every_container()]
    return frozenset(
        name
        for name in set[str]().union(*limited)
        if name.startswith(HUGEPAGES) and not all(name in names for names in limited)
    )


def _amounts(asked: ResourceList, limited: ResourceList, item: LimitRangeItem) -> Amounts | None:
    """Return what an item adds to a container of these requests and limits; a pod may have hundreds of them."""
    ratios = item.max_limit_request_ratio
    if item.default.keys() <= limited.keys() and item.default_request.keys() <= asked.keys():
        return None
    requests: Mapping[str, Quantity] = item.default_request
    if asked:
        requests = {name: one for name, one in requests.items() if name not in asked}
    limits = {
        name: limit
        if (request := asked.get(name, requests.get(name))) is None
        else fitted(name, limit, request, ratios.get(name))
        for name, limit in item.default.items()
        if name not in limited
    }
    if not (limits.keys() <= _PLAIN and requests.keys() <= _PLAIN):  # hardly ever
        limits, requests = _valid_alone(asked, limited, limits, requests)
    return Amounts(requests, limits) if limits or requests else None


def _valid_alone(
    asked: ResourceList, limited: ResourceList, limits: ResourceList, requests: ResourceList
) -> tuple[dict[str, Quantity], dict[str, Quantity]]:
    """Leave out the defaults that the API would refuse in this container, where LimitRanger breaks the pod.

    Hugepages and extended resources may not be requested without a limit (D-13; a ``min`` alone derives such
    a default), and hugepages need cpu or memory beside them (D-14).
    """
    whole = [name for name in {**limits, **requests} if needs_limit(name)]
    computes = not POD_LEVEL_COMPUTE.isdisjoint({*asked, *limits, *requests})
    refused = {
        name
        for name in whole
        if (name not in limits and name not in limited) or (name.startswith(HUGEPAGES) and not computes)
    }
    return _omitting(limits, refused), _omitting(requests, refused)


def _omitting(resources: ResourceList, names: Collection[str]) -> dict[str, Quantity]:
    return {name: quantity for name, quantity in resources.items() if name not in names}


def fitted(name: str, limit: Quantity, request: Quantity, ratio: Quantity | None) -> Quantity:
    """Return the default limit as it fits the request: LimitRanger would break the pod (L-11, L-23)."""
    return _lifted(limit if ratio is None else _lowered(name, limit, request, ratio), request)


def _lifted(limit: Quantity, request: Quantity) -> Quantity:
    """Return the limit, raised to a larger request: otherwise the API refuses the pod."""
    return limit if request.nano <= limit.nano else request


def _lowered(name: str, limit: Quantity, request: Quantity, ratio: Quantity) -> Quantity:
    """Return the limit, lowered to what ``maxLimitRequestRatio`` allows, but never to 0: that is no limit."""
    return min(limit, _rounded_down(name, request.nano * ratio.nano // NANO, request)) if request.nano else limit


def patch(pod: Pod, additions: tuple[Additions, ...]) -> tuple[JSONPatchOp, ...]:
    """Return the smallest operations that write the additions and the annotation that names them.

    The annotation is left out where the API server would refuse the pod for it.
    """
    operations: list[JSONPatchOp] = []
    for one in additions:
        operations += _container_patch(one)
    if not operations:
        return ()
    text = described(additions, after=pod.defaults_annotation)
    large = len(text) > SHORT_TEXT or pod.annotation_bytes > FEW_ANNOTATIONS  # as almost never: counting takes time
    if large and _annotations_with(pod, text) > MAX_ANNOTATIONS:
        return tuple(operations)
    if pod.has_annotations:
        return (*operations, add(f"{pod.pointer}/metadata/annotations", ANNOTATION, text))
    if pod.has_metadata:
        return (*operations, JSONPatchOp("add", f"{pod.pointer}/metadata/annotations", {ANNOTATION: text}))
    return (*operations, JSONPatchOp("add", f"{pod.pointer}/metadata", {"annotations": {ANNOTATION: text}}))


def _annotations_with(pod: Pod, text: str) -> int:
    """Return the bytes of all annotations with ours, in place of an earlier one."""
    before = "" if pod.defaults_annotation is None else f"{ANNOTATION}{pod.defaults_annotation}"
    return pod.annotation_bytes - len(before.encode()) + len(f"{ANNOTATION}{text}".encode())


def _container_patch(addition: Additions) -> list[JSONPatchOp]:
    container, (requests, limits) = addition.container, addition.amounts.texts
    parent = f"{container.pointer}/resources"
    if not container.has_resources:
        added = {"limits": limits, "requests": requests}
        return [JSONPatchOp("add", parent, {field: values for field, values in added.items() if values})]
    return [
        *_field_patch(f"{parent}/limits", limits, written=bool(container.limits)),
        *_field_patch(f"{parent}/requests", requests, written=bool(container.written_requests)),
    ]


def _field_patch(path: str, added: dict[str, str], *, written: bool) -> list[JSONPatchOp]:
    if written:
        return [add(path, name, text) for name, text in added.items()]
    return [JSONPatchOp("add", path, added)] if added else []


def described(additions: tuple[Additions, ...], *, after: str | None = None) -> str:
    """Name what was set; an earlier pass's text stays before it (a sidecar may come later)."""
    parts = []
    for one in additions:
        kind = "init container" if one.container.init else "container"
        name = (
            one.container.name if len(one.container.name) <= NAME_SHOWN else shortened(one.container.name, NAME_SHOWN)
        )
        parts += [f"{names} for {kind} {name}" for names in one.amounts.named]
    text = "; ".join(parts)
    if after is not None and after.startswith(ANNOTATION_PREFIX):
        return f"{after}; {text}"
    return ANNOTATION_PREFIX + text


def named_in(annotation: str) -> frozenset[tuple[str, str]]:
    """Return (container, ``requests.cpu``) of each value that `described` named.

    A note that names more values than a pod may have is not ours. Its text is taken apart without a regular expression:
    the annotation may be forged, and its length must not count twice.
    """
    values = annotation.count("; ") + annotation.count(", ") + 1
    if values > MAX_AMOUNTS or not annotation.startswith(ANNOTATION_PREFIX):
        return frozenset()
    found = []
    for part in annotation.removeprefix(ANNOTATION_PREFIX).split("; "):
        names, _, container = part.rpartition(" container ")
        names, _, words = names.rpartition(" for")
        names, _, side = names.rpartition(" ")
        if words in ("", " init") and side in ("request", "limit"):
            found += [(container, f"{side}s.{name}") for name in names.split(", ")]
    return frozenset(found)
