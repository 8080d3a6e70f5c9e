"""The smallest case that still shows a disagreement, found by leaving things out."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import msgspec

from tests.differential.case import Case, Standing, copied
from tests.differential.policies import Policy
from tests.differential.spelling import MILLI, canonical
from tiergate.core.quantity import MILLI_IN_NANO, Quantity

SECONDS: Final = 45.0
_KEPT: Final = frozenset(
    {"apiVersion", "kind", "metadata", "name", "image", "containers", "accessModes", "schedulerName", "verb", "changes"}
)
"""Without these an object is invalid for a reason that is nobody's concern."""
StillShows = Callable[[Case], Awaitable[bool]]
Path = tuple[str | int, ...]


async def shrunk(case: Case, still_shows: StillShows, *, seconds: float = SECONDS) -> Case:
    """Return a case from which nothing more can be left out, or what was found when time was up."""
    end = time.monotonic() + seconds
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(case):
            if time.monotonic() > end:
                return case
            if await still_shows(smaller):
                case, progress = smaller, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    """Yield variants: first a part of the object or policy left out, then a plainer spelling."""
    for change in (_left_out, _plain):
        for document in change(case.document):
            yield Case(case.policy, document, case.standing)
        for document in change(case.policy.document):
            yield Case(Policy(document), case.document, case.standing)
        if case.standing is not None and case.kind == "Pod":  # a claim lives on: what is left out stays as it was
            for document in change(case.standing.document):
                yield Case(case.policy, case.document, Standing(document, case.standing.status))
            for status in change(case.standing.status):
                yield Case(case.policy, case.document, Standing(case.standing.document, status))


def _left_out(tree: Any) -> Iterator[Any]:  # noqa: ANN401  # JSON
    for path in _paths(tree):
        if path[-1] in _KEPT:
            continue
        smaller = copied(tree)
        del _parent(smaller, path)[path[-1]]
        yield smaller


def _plain(tree: Any) -> Iterator[Any]:  # noqa: ANN401  # JSON
    for path in _paths(tree):
        value = _parent(tree, path)[path[-1]]
        plainer = _plainer(value)
        if plainer is not None and plainer != value:
            result = copied(tree)
            _parent(result, path)[path[-1]] = plainer
            yield result


def _plainer(value: Any) -> str | None:  # noqa: ANN401  # JSON
    """Return a quantity's plainest text, or None for what is not a quantity."""
    text = bytes(value).decode() if isinstance(value, msgspec.Raw) else value
    if not isinstance(text, str):
        return None
    try:
        nano = Quantity.parse(text).nano
    except ValueError:
        return None
    return None if nano % MILLI_IN_NANO else canonical(nano * MILLI // 10**9)


def _paths(tree: Any, at: Path = ()) -> Iterator[Path]:  # noqa: ANN401  # JSON
    """Yield the way to every part, whole branches before what is in them."""
    members: Any = ()
    if isinstance(tree, dict):
        members = list(tree.items())
    elif isinstance(tree, list):
        members = list(enumerate(tree))
    yield from ((*at, key) for key, _ in members)
    for key, member in members:
        yield from _paths(member, (*at, key))


def _parent(tree: Any, path: Path) -> Any:  # noqa: ANN401  # JSON
    for token in path[:-1]:
        tree = tree[token]
    return tree
