"""What a namespace has as LimitRange against what it should have."""

import msgspec
import pytest

from tests.builders import an_item
from tiergate.controller.limitranges import Action, Create, Replace, compare
from tiergate.controller.writes import Delete
from tiergate.core.native import LimitRange
from tiergate.core.tier import LimitRangeItem, effective
from tiergate.wire.limitrange import read_limit_range

CONTAINER = an_item(default={"cpu": "250m"}, high={"cpu": "500m"}, low={"cpu": "10m"})
POD = an_item("Pod", high={"cpu": "2"})
ITEMS = (CONTAINER, POD)


def stored(*items: LimitRangeItem, name: str = "tier", managed: bool = True, labelled: str = "dev") -> LimitRange:
    return LimitRange(name, items, namespace="dev", resource_version="7", managed=managed, labelled=labelled)


REMOVED = Delete("limitranges", "tier", "7")


@pytest.mark.parametrize(
    ("wanted", "existing", "actions", "foreign"),
    [
        pytest.param((), [], [], False, id="nothing-wanted-nothing-there"),
        pytest.param(ITEMS, [], [Create(ITEMS)], False, id="absent"),
        pytest.param(ITEMS, [stored(*ITEMS)], [], False, id="as-written"),
        pytest.param(ITEMS, [stored(effective(CONTAINER), POD)], [], False, id="with-the-server's-derived-defaults"),
        pytest.param(ITEMS, [stored(POD, CONTAINER)], [], False, id="the-order-means-nothing"),
        pytest.param(ITEMS, [stored(CONTAINER)], [Replace(ITEMS, "7")], False, id="item-removed"),
        pytest.param(ITEMS, [stored(*ITEMS, POD)], [Replace(ITEMS, "7")], False, id="item-added"),
        pytest.param(
            ITEMS, [stored(an_item(high={"cpu": "9"}), POD)], [Replace(ITEMS, "7")], False, id="amount-changed"
        ),
        pytest.param(ITEMS, [stored(*ITEMS, labelled="")], [Replace(ITEMS, "7")], False, id="tier-label-removed"),
        pytest.param(ITEMS, [stored(*ITEMS, managed=False)], [Replace(ITEMS, "7")], False, id="manager-removed"),
        pytest.param(ITEMS, [stored(*ITEMS, managed=False, labelled="")], [], True, id="foreign-even-if-equal"),
        pytest.param((), [stored(*ITEMS)], [REMOVED], False, id="not-wanted-any-more"),
        pytest.param((), [stored(*ITEMS, managed=False, labelled="")], [], False, id="foreign-and-not-wanted"),
        pytest.param((), [stored(*ITEMS, managed=False)], [], False, id="without-our-label-never-removed"),
        pytest.param(
            ITEMS,
            [stored(POD, name="own", managed=False, labelled=""), stored(*ITEMS)],
            [],
            False,
            id="foreign-of-another-name",
        ),
    ],
)
def test_compare(
    wanted: tuple[LimitRangeItem, ...],
    existing: list[LimitRange],
    actions: list[Action],
    foreign: bool,  # noqa: FBT001
) -> None:
    """Writes follow from what differs, and ours alone is touched."""
    comparison = compare(wanted, existing, tier="dev")
    assert list(comparison.actions) == actions
    assert comparison.foreign == foreign


def test_what_is_left_over_is_named() -> None:
    """A mode that refuses nothing is not reached while it is there."""
    found = compare((), [stored(*ITEMS), stored(POD, name="older")], tier="dev")
    assert found.leftover == ("tier", "older")
    assert compare(ITEMS, [stored(*ITEMS)], tier="dev").leftover == ()


def test_what_is_written_is_read_back_as_equal() -> None:
    """Otherwise it would be written for ever."""
    write = Create(ITEMS).write(namespace="dev", tier="dev")
    back = read_limit_range(write.body)
    assert compare(ITEMS, [back], tier="dev").actions == ()
    assert (back.managed, back.labelled, back.namespace) == (True, "dev", "dev")
    again = read_limit_range(Replace(ITEMS, "7").write(namespace="dev", tier="dev").body)
    assert again == msgspec.structs.replace(back, resource_version="7")
