"""What is left, what is tightest, and sums."""

from __future__ import annotations

import msgspec
import pytest

from tests.pages import samples
from tiergate.core.quantity import Quantity
from tiergate.pages.figures import BoundFigures, FiguresOfLast


@pytest.mark.parametrize(
    ("used", "hard", "share", "left", "level"),
    [
        ("0", "4", 0, "4", ""),
        ("500m", "4", 12, "3500m", ""),
        ("3599m", "4", 89, "401m", ""),
        ("3600m", "4", 90, "400m", "tight"),
        ("3999m", "4", 99, "1m", "tight"),
        ("4", "4", 100, "0", "full"),
        ("6", "4", 150, "0", "full"),
        ("0", "0", 0, "0", ""),
        ("1", "0", 100, "0", "full"),
        ("1", "1e900", 0, "9e899", ""),
    ],
)
def test_a_bound(used: str, hard: str, share: int, left: str, level: str) -> None:
    bound = BoundFigures("tier", "limits.cpu", Quantity.parse(used), Quantity.parse(hard))
    assert (bound.share, bound.level) == (share, level)
    assert bound.left_text == left or (hard == "1e900" and len(bound.left_text) < 30)
    assert len(bound.hard_text) < 30


def test_sums_are_those_of_the_namespaces() -> None:
    figures = FiguresOfLast().of(samples.a_cluster())
    dev, prod, staging = figures.tiers
    assert [one.namespaces for one in (dev, prod, staging)] == [2, 1, 1]
    assert [one.tight for one in (dev, prod, staging)] == [1, 1, 0]
    assert dev.cpu is not None
    assert (dev.cpu.used_text, dev.cpu.hard_text, dev.cpu.resource) == ("1", "4", "requests.cpu")
    assert dev.bounds[0].resource == "limits.cpu"
    assert [(one.name, one.share) for one in figures.namespaces][:2] == [("agents-dev", 100), ("sandbox", 12)]


def test_what_did_not_change_is_not_worked_out_again() -> None:
    figures, shown = FiguresOfLast(), samples.a_cluster()
    first = figures.of(shown)
    assert figures.of(msgspec.structs.replace(shown, heard=5.0)) is first
    changed = msgspec.structs.replace(shown, namespaces=(*shown.namespaces[:3],))
    second = figures.of(changed)
    assert len(second.namespaces) == 3
    assert second.namespaces[0] is first.namespaces[0]
