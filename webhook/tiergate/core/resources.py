"""ResourceList algebra: mappings of resource name to Quantity.

A missing name and a present zero differ (Q-18): absent means "not asked", zero is a value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from tiergate.core.quantity import MILLI_IN_NANO, NANO, ZERO, Quantity, QuantityError

ResourceList = Mapping[str, Quantity]

EMPTY: Final[ResourceList] = {}

_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LONGEST_PREFIX: Final = 253
_LONGEST_NAME: Final = 63

STANDARD: Final = ("cpu", "memory", "ephemeral-storage")
"""Kubernetes' standard resources of containers: all but huge pages and extended resources."""
HUGEPAGES: Final = "hugepages-"
DEVICE_CLASS: Final = "deviceclass.resource.kubernetes.io/"
_IN_MILLI: Final = frozenset({"cpu", "requests.cpu", "limits.cpu"})
POD_LEVEL_COMPUTE: Final = frozenset({"cpu", "memory"})


def total(lists: Iterable[ResourceList]) -> dict[str, Quantity]:
    """Return the sum per name; a name of any list is in the result."""
    result: dict[str, Quantity] = {}
    for resources in lists:
        add_into(result, resources)
    return result


def add_into(target: dict[str, Quantity], resources: ResourceList) -> None:
    """Add a list to a mutable sum in place."""
    for name, quantity in resources.items():
        present = target.get(name)
        if present is None:
            target[name] = quantity
        else:  # as `present + quantity`, whose call costs 1 % of a decision
            target[name] = Quantity(present.nano + quantity.nano, present.format if present.nano else quantity.format)


def raise_to(target: dict[str, Quantity], resources: ResourceList) -> None:
    """Raise each name of a mutable list to at least the other list's amount, in place."""
    for name, quantity in resources.items():
        present = target.get(name)
        if present is None or present < quantity:
            target[name] = quantity


def omitting(resources: ResourceList, names: Collection[str]) -> dict[str, Quantity]:
    """Return a list without some names."""
    return {name: quantity for name, quantity in resources.items() if name not in names}


def increase(new: ResourceList, old: ResourceList) -> dict[str, Quantity]:
    """Return by how much each name grew; shrunk and unchanged names are left out (R-50.3)."""
    grown = {name: quantity - old.get(name, ZERO) for name, quantity in new.items()}
    return {name: quantity for name, quantity in grown.items() if quantity > ZERO}


def is_pod_level(name: str) -> bool:
    """Say whether ``spec.resources`` of a pod may hold the name: cpu, memory, hugepages."""
    return name in POD_LEVEL_COMPUTE or name.startswith(HUGEPAGES)


def is_qualified(name: str) -> bool:
    """Say whether the API takes the text for a resource name at all: an optional DNS subdomain, "/" and a name."""
    prefix, slash, last = name.rpartition("/")
    if slash and (len(prefix) > _LONGEST_PREFIX or not _SUBDOMAIN.fullmatch(prefix)):
        return False
    return len(last) <= _LONGEST_NAME and _NAME.fullmatch(last) is not None


def is_extended(name: str) -> bool:
    """Say whether a container resource is extended (D-10): qualified, not native, not a quota name."""
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def unit(name: str) -> int:
    """Return the nano-units below which the API rounds: a milli-unit of cpu, a whole unit of all else.

    ``name`` is that of a resource, or of a quota (``requests.cpu``).
    """
    return MILLI_IN_NANO if name in _IN_MILLI else NANO


def needs_limit(name: str) -> bool:
    """Say whether the API takes requests of the resource only with an equal limit: no overcommitment (D-13)."""
    return name.startswith(HUGEPAGES) or ("/" in name and is_extended(name))


def page_size(name: str) -> Quantity | None:
    """Return the size that a name of huge pages has; None where it has none."""
    try:
        return Quantity.parse(name.removeprefix(HUGEPAGES))
    except QuantityError:
        return None


def whole_pages(name: str, amount: Quantity) -> Quantity:
    """Return the amount, of huge pages no more than whole ones: nobody can ask for a part of one."""
    resource = name.removeprefix("requests.")
    if not resource.startswith(HUGEPAGES):
        return amount
    page = page_size(resource)
    return Quantity(amount.nano - amount.nano % page.nano, amount.format) if page and page > ZERO else ZERO
