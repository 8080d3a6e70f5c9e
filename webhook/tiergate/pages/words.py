"""Times and numbers in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_UNITS: Final = (("day", 86400), ("h", 3600), ("min", 60), ("s", 1))


def seconds(count: float) -> str:
    """Return a length of time in its largest unit, rounded down: ``3 min``."""
    whole = max(int(count), 0)
    unit, size = next(((unit, size) for unit, size in _UNITS if whole >= size), _UNITS[-1])
    many = whole // size
    return f"{many} {unit}{'s' if unit == 'day' and many != 1 else ''}"


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago something was."""
    return f"{seconds((now - then).total_seconds())} ago"


def when(time: datetime) -> str:
    """Return a time of day in UTC."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def number(count: int) -> str:
    """Return a number with its thousands apart."""
    return f"{count:,}"
