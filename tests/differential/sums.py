"""How a server may hold a sum beyond 64 bits: its text does not show it, and LimitRanger's verdict depends on it.

A quantity is held as a mantissa with a power of ten or as an arbitrary-precision decimal (Q-7), a sum by how its terms
are (Q-23). Where an amount does not fit, that decides whether its 64-bit projections wrap or are 0 (Q-21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import product
from typing import Final, Literal
from unittest import mock

from tiergate.core import native, projection
from tiergate.core.podspec import Pod
from tiergate.core.quantity import MILLI_IN_NANO, NANO, Quantity
from tiergate.core.resources import ResourceList
from tiergate.core.tier import POD, LimitRangeItem
from tiergate.core.usage import aggregate, limit_range_totals, spec_limits, spec_requests

MOST: Final = (2**63 - 1) * NANO
"""The largest amount that fits in whole units; reading caps amounts in Ki, Mi, ... at it (Q-9)."""

Side = Literal["requests", "limits"]
Sum = tuple[Side, str]
"""Of which side, of which resource."""
_OWN: Final = {"requests": spec_requests, "limits": spec_limits}


class Held(Quantity, frozen=True, eq=False):
    """A sum beyond 64 bits with the units, in nano, in which its projection wraps; in others it is 0 (Q-21)."""

    wrapping: frozenset[int] = frozenset()


def held(total: Quantity) -> tuple[Held, ...]:
    """Return all there can be of a sum above ``MOST``.

    A decimal wraps in both units, and so does a pair of the power 3 or 6. Pairs of the powers 1, 2 and 9 wrap in whole
    units only, those of all others in neither; a pair needs an amount that its power divides.
    """
    whole = total.nano // NANO
    found = [Held(total.nano, total.format, frozenset({NANO, MILLI_IN_NANO}))]
    if whole % 10 == 0:
        found.append(Held(total.nano, total.format, frozenset({NANO})))
    if whole % 10**4 == 0:
        found.append(Held(total.nano, total.format))
    return tuple(found)


def uncapped(pod: Pod) -> dict[Sum, Quantity]:
    """Return the pod-level sums in Ki, Mi, ... that the server holds, above the cap that their texts show (Q-9)."""
    levels: tuple[tuple[Side, ResourceList], ...] = (("requests", pod.requests), ("limits", pod.limits))
    return {
        (side, name): total
        for side, level in levels
        for name, total in aggregate(pod, _OWN[side]).items()
        if total.nano > MOST and name in level and level[name].nano == MOST
    }


def hidden(pod: Pod, items: tuple[LimitRangeItem, ...]) -> dict[Sum, Quantity]:
    """Return the sums above ``MOST`` that a Pod item judges, but for those that are one container's own amount."""
    named = {
        name
        for item in items
        if item.type == POD
        for bounds in (item.min, item.max, item.max_limit_request_ratio)
        for name in bounds
    }
    single = [*pod.every_container()]
    above = uncapped(pod)
    judged = {
        (side, name): above.get((side, name), total)
        for side, totals in _sides(limit_range_totals(pod))
        for name, total in totals.items()
        if name in named
    }
    return {
        (side, name): total
        for (side, name), total in judged.items()
        if total.nano > MOST and all(_OWN[side](one).get(name) != total for one in single)
    }


def _sides(totals: tuple[ResourceList, ResourceList]) -> tuple[tuple[Side, ResourceList], tuple[Side, ResourceList]]:
    requests, limits = totals
    return ("requests", requests), ("limits", limits)


Form = Callable[[], AbstractContextManager[None]]
"""Makes a context in which `native` projects sums as one way of holding them has it."""


def forms(pod: Pod, items: tuple[LimitRangeItem, ...]) -> Iterator[Form]:
    """Yield the ways in which the server may hold the pod's hidden sums; none where it has none."""
    sums = hidden(pod, items)
    for one in product(*map(held, sums.values())) if sums else ():
        yield partial(_form, items, dict(zip(sums, one, strict=True)))


@contextmanager
def _form(items: tuple[LimitRangeItem, ...], form: dict[Sum, Held]) -> Iterator[None]:
    def totals(pod: Pod) -> tuple[dict[str, Quantity], dict[str, Quantity]]:
        there = {key: form[key] for key, total in hidden(pod, items).items() if total == form.get(key)}
        requests, limits = (
            {name: there.get((side, name), total) for name, total in found.items()}
            for side, found in _sides(limit_range_totals(pod))
        )
        return requests, limits

    with mock.patch.multiple(native, limit_range_totals=totals, value=whole_units, milli_value=milli_units):
        yield


def whole_units(quantity: Quantity) -> int:
    """Return the projection in whole units of what is held so, or what `native` says of anything else."""
    return _projected(quantity, NANO) if isinstance(quantity, Held) else _VALUE(quantity)


def milli_units(quantity: Quantity) -> int:
    """Return the projection in milli-units likewise."""
    return _projected(quantity, MILLI_IN_NANO) if isinstance(quantity, Held) else _MILLI_VALUE(quantity)


_VALUE, _MILLI_VALUE = projection.value, projection.milli_value


def _projected(total: Held, unit: int) -> int:
    amount = total.rounded_up(unit).nano // unit
    return (amount + 2**63) % 2**64 - 2**63 if unit in total.wrapping else 0
