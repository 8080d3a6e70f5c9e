"""What a tier's Container item adds to a pod: LimitRanger's defaults, without those that break the pod.

Follows kubernetes ``plugin/pkg/admission/limitranger`` with the differences on purpose that
docs/differences.md lists.
"""

from __future__ import annotations

import msgspec

from tiergate.core.default_amounts import Amounts, rounded_down
from tiergate.core.jsonpatch import JSONPatchOp, add
from tiergate.core.podspec import FEW_ANNOTATIONS, MAX_AMOUNTS, Container, Pod
from tiergate.core.quantity import Quantity
from tiergate.core.resources import HUGEPAGES, omitting
from tiergate.core.text import shortened
from tiergate.core.tier import LimitRangeItem, Tier

ANNOTATION = "tiergate.io/defaults"
ANNOTATION_PREFIX = "tiergate set: "
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
        return _added(pod, tier.container)
    item = _beside_pod_level(pod, tier.container)
    found = _added(pod, item)
    if uneven := _uneven(_completed(pod, found)):
        return _added(pod, _without(item, uneven))
    return found


def _added(pod: Pod, item: LimitRangeItem) -> tuple[Additions, ...]:
    added: list[Additions] = []
    for container in pod.every_container():
        requests, limits = container.requests, container.limits
        amounts = item.added_to(requests, limits) if requests or limits else item.added_to_bare
        if amounts is not None:
            added.append(Additions(container, amounts))
    return tuple(added)


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
    default = omitting(item.default, pod.limits)
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
    return rounded_down(name, most, bound)


def _without(item: LimitRangeItem, names: frozenset[str]) -> LimitRangeItem:
    return msgspec.structs.replace(
        item, default=omitting(item.default, names), default_request=omitting(item.default_request, names)
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
