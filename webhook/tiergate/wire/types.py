"""Shapes that several kinds share, as JSON holds them."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from tiergate.core.defaults import ANNOTATION
from tiergate.core.memo import Memo, is_short
from tiergate.core.quantity import MILLI_IN_NANO, Quantity
from tiergate.core.resources import EMPTY, ResourceList
from tiergate.core.tier import LABEL

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"

MAX_NAME: Final = 1024
"""Characters of a name or a word that is read: the longest in Kubernetes, a resource name, has 317."""
MAX_NAMES: Final = 500
"""Names in one ResourceList: a container has fewer than ten, a quota with two for each storage class some dozens."""

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
"""A text that goes on into answers, log lines and caches, and so must not be of any length."""

MAX_TEXT: Final = 256 * 2**10
"""Characters of an annotation that is read: the API server stores no more than that in all annotations of an object."""

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
"""A text that we wrote ourselves, or that somebody wrote under our name."""

Quantities = Annotated[dict[Name, str], "quantities"]
"""A ResourceList on the wire: quantities as their text."""

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

IntOrString = Annotated[Int64 | str, "int-or-string"]
"""A number, or a text such as ``25%``."""


ABSENT: Final = msgspec.Raw()
"""No value where one is kept as its bytes: the fast decoder cannot decode a field that is a Raw or None."""


NOTHING: Final = (b"", b"null")
"""The bytes of no value, and of null."""


def is_absent(value: msgspec.Raw) -> bool:
    """Say whether there is no value, or null."""
    return bytes(value) in NOTHING


class Validated(msgspec.Struct):
    """A shape of which the API server validates all that we read.

    NUL, which it takes elsewhere (in annotations), must neither hide such an object nor keep it from changing.
    """


class Resources(msgspec.Struct):
    """``resources`` of a container, a pod or a claim."""

    limits: Quantities | None = None
    requests: Quantities | None = None


class Annotations(msgspec.Struct):
    """The annotations we read."""

    defaults: Text | None = msgspec.field(default=None, name=ANNOTATION)
    storage_class: Name | None = msgspec.field(default=None, name="volume.beta.kubernetes.io/storage-class")


class Labels(msgspec.Struct):
    """The labels we read."""

    tier: Name | None = msgspec.field(default=None, name=LABEL)
    managed_by: Name | None = msgspec.field(default=None, name=MANAGED_BY_LABEL)


class Identity(msgspec.Struct):
    """``metadata`` as far as it says which object it is, and whose: what else a tenant writes there is of no matter."""

    name: Name = ""
    namespace: Name = ""
    resourceVersion: Name = ""
    labels: Labels | None = None
    deletionTimestamp: Name | None = None


class Metadata(Identity):
    """``metadata`` of any object, as far as we read it."""

    generateName: Name = ""
    generation: Int64 = 0
    annotations: Annotations | None = None
    deletionGracePeriodSeconds: Int64 | None = None


class ScopedSelector(msgspec.Struct):
    """One expression of a scopeSelector."""

    scopeName: Name = ""
    operator: Name = ""
    values: list[Name] | None = None


class ScopeSelector(msgspec.Struct):
    """``scopeSelector`` of a quota."""

    matchExpressions: list[ScopedSelector] | None = None


def resource_list(quantities: dict[str, str] | None) -> ResourceList:
    """Return the amounts, rounded up to milli as API defaulting does (D-1).

    Raises:
        QuantityError: A text is not a quantity.
        ValueError: There are too many; the strict decoder says where.
    """
    if not quantities:
        return EMPTY
    if len(quantities) > MAX_NAMES:
        raise ValueError(too_many_names(len(quantities)))
    found: dict[str, Quantity] = {}
    for name, text in quantities.items():  # in Python 3.11 a comprehension is a call: 1 % of a decision
        found[name] = _IN_A_LIST[text]
    return found


def too_many_names(count: int) -> str:
    """Return what is wrong with a ResourceList of so many names."""
    return f"{count} names, and at most {MAX_NAMES} are judged"


def _in_a_list(text: str) -> Quantity:
    return Quantity.parse(text).rounded_up(MILLI_IN_NANO)


_IN_A_LIST: Final = Memo(_in_a_list, is_short)


def quantity_texts(resources: ResourceList) -> dict[str, str]:
    """Return the canonical texts of amounts, in the order of their names."""
    return {name: str(quantity) for name, quantity in sorted(resources.items())}
