"""Lines of the report: every text of a tenant made safe for a terminal, lists cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from tiergate.core.text import shortened

MOST_NAMES: Final = 5
"""Namespaces that a line names."""
WIDEST: Final = 500
"""Characters of a remark: each object it names may have a long name."""
Item = TypeVar("Item")
Key = TypeVar("Key")


def line(form: str, *texts: str) -> str:
    """Return a line with texts of tenants."""
    return form.format(*(shortened(text, WIDEST) for text in texts))


def listed(every: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(every) - MOST_NAMES
    return ", ".join(every[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Return the items by key, in the order of the first of each."""
    found: dict[Key, list[Item]] = {}
    for one in items:
        found.setdefault(key(one), []).append(one)
    return found
