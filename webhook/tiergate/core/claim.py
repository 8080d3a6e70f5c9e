"""PersistentVolumeClaim values and what storage quotas count of them (R-40 to R-44)."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.core.quantity import NANO, Quantity
from tiergate.core.usage import ONE

STORAGE_CLASS: Final = ".storageclass.storage.k8s.io/"
STORAGE: Final = "requests.storage"
STORAGE_POINTER: Final = "/spec/resources/requests/storage"
"""Where a claim has its storage request, from the pointer of the claim on."""


class Claim(msgspec.Struct, frozen=True):
    """A claim as admission sees it; ``attributes_classes`` are its non-empty volume attributes classes (R-43).

    ``pointer`` is the JSON pointer of the object that has the claim's ``metadata`` and ``spec``, as in a Pod.
    """

    name: str = ""
    storage: Quantity | None = None
    allocated: Quantity | None = None
    storage_class: str = ""
    attributes_classes: frozenset[str] = frozenset()
    pointer: str = ""


def claim_charge(claim: Claim) -> dict[str, Quantity]:
    """Return the claim's usage by quota name, storage in whole bytes."""
    charge = {"persistentvolumeclaims": ONE, "count/persistentvolumeclaims": ONE}
    if claim.storage_class:
        charge[f"{claim.storage_class}{STORAGE_CLASS}persistentvolumeclaims"] = ONE
    if claim.storage is not None:
        size = claim.storage.rounded_up(NANO)
        if claim.allocated is not None:
            size = max(size, claim.allocated.rounded_up(NANO))
        charge[STORAGE] = size
        if claim.storage_class:
            charge[f"{claim.storage_class}{STORAGE_CLASS}{STORAGE}"] = size
    return charge
