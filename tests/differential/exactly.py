"""LimitRanger as it would be if it compared amounts exactly, and not by 64-bit projections (L-40)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from unittest import mock

from tiergate.core import native
from tiergate.core.quantity import NANO, ZERO, Quantity


@contextmanager
def compared() -> Iterator[None]:
    """Compare exactly in this context."""
    with mock.patch.object(native, "_projections", _nanos), mock.patch.object(native, "_float_ratio", _ratio):
        yield


def _nanos(request: Quantity | None, limit: Quantity | None, bound: Quantity) -> tuple[int, int, int]:
    return (request or ZERO).nano, (limit or ZERO).nano, bound.nano


def _ratio(asked: int, limited: int, bound: Quantity) -> str | None:
    """Return the ratio as shown if it is above the bound."""
    if limited * NANO <= asked * bound.nano:
        return None
    millionths = round(Fraction(limited * 10**6, asked))
    return f"{millionths // 10**6}.{millionths % 10**6:06d}"
