"""Overhead that native quota counts again, each time it measures a pod.

Kubernetes adds overhead to the pod-level value in place where that is held as an arbitrary-precision decimal (Q-7), and
quota measures a pod twice where an admission configuration has ``limitedResources`` of pods (as GKE's, and as that of
our control plane). No text of the stored pod shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import chain, combinations, product
from typing import Any, Final, Literal
from unittest import mock

from msgspec import Raw

from tests.differential.policies import Json, Policy
from tiergate.core import quota
from tiergate.core.podspec import Pod
from tiergate.core.quantity import NANO, Quantity, QuantityError
from tiergate.core.usage import pod_charge

AGAIN: Final = "overhead-counted-again"
_NUMBER: Final = re.compile(r"\s*[+-]?0*([0-9]*)(?:\.([0-9]*))?(Ki|Mi|Gi|Ti|Pi|Ei)?")
_POWERS: Final = {suffix: 10 * power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
_OVERFLOWING: Final = 10**15 * NANO
"""A sum of amounts from here on may leave 64 bits, in milli-units."""

Side = Literal["requests", "limits"]
Form = Callable[[], AbstractContextManager[None]]


def is_decimal(text: str) -> bool:
    """Say whether the API server holds a quantity of this text as a decimal, or perhaps a sum that it is part of."""
    try:
        amount = Quantity.parse(text)
    except QuantityError:
        return False
    found = _NUMBER.match(text)
    assert found is not None
    digits, fraction, suffix = found[1], found[2] or "", found[3]
    if amount.nano >= _OVERFLOWING or len(digits + fraction) > 18:
        return True
    return suffix is not None and (bool(fraction) or 14 - len(digits) < _POWERS[suffix] * 3 // 10)


def decimals(document: Json, policy: Policy) -> frozenset[str]:
    """Return the resources of which an object, or the ranges that give it defaults, have such a quantity.

    The API server stores ranges in canonical spelling.
    """
    own = {name for name, text in _quantities(document) if is_decimal(text)}
    given = {
        name for name, text in _quantities([policy.document["limits"], *policy.further]) if is_decimal(_canonical(text))
    }
    return frozenset(own | given)


def _canonical(text: str) -> str:
    try:
        return str(Quantity.parse(text))
    except QuantityError:
        return text


def _quantities(tree: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401  # JSON
    """Yield (name, text) of everything that may be a quantity."""
    if isinstance(tree, Mapping):
        for key, member in tree.items():
            yield from _quantities(member, key)
    elif isinstance(tree, list | tuple):
        for member in tree:
            yield from _quantities(member, name)
    elif isinstance(tree, str | Raw):
        yield name, tree if isinstance(tree, str) else bytes(tree).decode()


def forms(pod: Pod, names: frozenset[str]) -> Iterator[Form]:
    """Yield the ways in which quota may count the overhead of these resources; none without pod-level values."""
    sides: tuple[Side, ...] = ("requests", "limits")
    places = [*product(sides, sorted(names & pod.overhead.keys()))] if pod.pod_level else []
    for some in chain.from_iterable(combinations(places, count) for count in range(1, len(places) + 1)):
        yield partial(_counted_again, frozenset(some))


@contextmanager
def _counted_again(places: frozenset[tuple[Side, str]]) -> Iterator[None]:
    def charge(pod: Pod, *, now: float | None, minor: int) -> dict[str, Quantity]:
        charged = pod_charge(pod, now=now, minor=minor)
        if now is not None:  # the old pod of an update is measured once
            for side, name in places:
                for quota_name in (f"limits.{name}",) if side == "limits" else (name, f"requests.{name}"):
                    if name in (pod.limits if side == "limits" else pod.requests) and quota_name in charged:
                        charged[quota_name] += pod.overhead[name]
        return charged

    with mock.patch.object(quota, "pod_charge", charge):
        yield
