"""What defaults add to the values of one container: LimitRanger's, without those that break the pod.

The differences on purpose are in docs/differences.md.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

import msgspec

from tiergate.core.quantity import NANO, Quantity
from tiergate.core.resources import HUGEPAGES, POD_LEVEL_COMPUTE, STANDARD, ResourceList, needs_limit, omitting, unit

_PLAIN: Final = frozenset(STANDARD)
"""Resources that may be requested without a limit."""


class Amounts(msgspec.Struct, frozen=True, dict=True):
    """Requests and limits that defaulting adds to a container."""

    requests: ResourceList
    limits: ResourceList

    @cached_property
    def texts(self) -> tuple[dict[str, str], dict[str, str]]:
        """The requests and the limits as a patch writes them."""
        return _texts(self.requests), _texts(self.limits)

    @cached_property
    def named(self) -> tuple[str, ...]:
        """The names of each side, as the annotation of the pod names them."""
        sides = (("request", self.requests), ("limit", self.limits))
        return tuple([f"{', '.join(resources)} {word}" for word, resources in sides if resources])


def _texts(resources: ResourceList) -> dict[str, str]:
    return {name: str(quantity) for name, quantity in resources.items()}


def added(
    asked: ResourceList, limited: ResourceList, *, default: ResourceList, requests: ResourceList, ratios: ResourceList
) -> Amounts | None:
    """Return what defaults add to a container of these requests and limits; a pod may have hundreds of them."""
    if default.keys() <= limited.keys() and requests.keys() <= asked.keys():
        return None
    if asked:
        requests = omitting(requests, asked)
    limits = {
        name: limit
        if (request := asked.get(name, requests.get(name))) is None
        else fitted(name, limit, request, ratios.get(name))
        for name, limit in default.items()
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
    return omitting(limits, refused), omitting(requests, refused)


def fitted(name: str, limit: Quantity, request: Quantity, ratio: Quantity | None) -> Quantity:
    """Return the default limit as it fits the request: LimitRanger would break the pod (L-11, L-23)."""
    return _lifted(limit if ratio is None else _lowered(name, limit, request, ratio), request)


def _lifted(limit: Quantity, request: Quantity) -> Quantity:
    """Return the limit, raised to a larger request: otherwise the API refuses the pod."""
    return limit if request.nano <= limit.nano else request


def _lowered(name: str, limit: Quantity, request: Quantity, ratio: Quantity) -> Quantity:
    """Return the limit, lowered to what ``maxLimitRequestRatio`` allows, but never to 0: that is no limit."""
    return min(limit, rounded_down(name, request.nano * ratio.nano // NANO, request)) if request.nano else limit


def rounded_down(name: str, nano: int, like: Quantity) -> Quantity:
    """Return an amount that the API does not round up."""
    return Quantity(nano - nano % unit(name), like.format)
