"""What a namespace has of ResourceQuotas and LimitRanges against what it should have."""

from typing import Any

import msgspec
import pytest

from tests.builders import an_item
from tests.fake_api import FakeApi
from tiergate.cluster.api import Api
from tiergate.cluster.resource import LIMIT_RANGES, RESOURCE_QUOTAS
from tiergate.cluster.swap import Conflict
from tiergate.controller.namespace_objects import (
    LIMITS,
    QUOTAS,
    Action,
    Create,
    Delete,
    DesiredLimitRange,
    ObjectKind,
    Replace,
    compare,
)
from tiergate.core.desired import DesiredQuota
from tiergate.core.native import LimitRange
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import LimitRangeItem, ScopeRequirement, effective
from tiergate.wire.limitrange import read_limit_range


def amounts(**texts: str) -> dict[str, Quantity]:
    return {name: Quantity.parse(text) for name, text in texts.items()}


def desired(name: str = "tier", *, scopes: tuple[str, ...] = (), **hard: str) -> DesiredQuota:
    return DesiredQuota(name=name, hard=amounts(**hard), scopes=scopes)


def quota(
    name: str = "tier",
    *,
    managed: bool = True,
    scopes: tuple[str, ...] = (),
    in_force: dict[str, str] | None = None,
    **hard: str,
) -> QuotaStatus:
    """Return a quota that is in force as asked, unless another `in_force` is given."""
    status = amounts(**(hard if in_force is None else in_force))
    return QuotaStatus(
        name=name,
        namespace="dev",
        resource_version="7",
        managed=managed,
        labelled="dev" if managed else "",
        scopes=scopes,
        spec_hard=amounts(**hard),
        hard=status,
        used=dict.fromkeys(status, Quantity(0)),
    )


@pytest.mark.parametrize(
    ("wanted", "existing", "actions", "waiting", "foreign"),
    [
        pytest.param([], [], [], (), (), id="nothing-wanted-nothing-there"),
        pytest.param([desired(pods="2")], [], [Create(QUOTAS, desired(pods="2"))], ("tier",), (), id="absent"),
        pytest.param([desired(pods="2")], [quota(pods="2")], [], (), (), id="in-force"),
        pytest.param([desired(cpu="1")], [quota(cpu="1000m")], [], (), (), id="equal-by-value-not-by-spelling"),
        pytest.param([desired(pods="2")], [quota(pods="2", in_force={})], [], ("tier",), (), id="not-counted-yet"),
        pytest.param(
            [desired(pods="2")], [quota(pods="2", in_force={"pods": "9"})], [], ("tier",), (), id="old-bound-in-force"
        ),
        pytest.param(
            [desired(pods="2")],
            [quota(pods="9")],
            [Replace(QUOTAS, desired(pods="2"), "7")],
            ("tier",),
            (),
            id="edited",
        ),
        pytest.param(
            [desired(pods="2")],
            [quota(pods="2", cpu="1")],
            [Replace(QUOTAS, desired(pods="2"), "7")],
            ("tier",),
            (),
            id="a-bound-added-by-hand",
        ),
        pytest.param(
            [desired(cpu="0.0005")],
            [quota(cpu="1m")],
            [],
            (),
            (),
            id="stored-rounded-up-to-milli",
        ),
        pytest.param([], [quota(pods="2")], [Delete(RESOURCE_QUOTAS, "tier", "7")], (), (), id="not-wanted-any-more"),
        pytest.param([], [quota(managed=False, pods="2")], [], (), (), id="foreign-and-not-wanted"),
        pytest.param(
            [desired(pods="2")], [quota(managed=False, pods="2")], [], (), ("tier",), id="foreign-even-if-equal"
        ),
        pytest.param(
            [desired(pods="2")],
            [quota(pods="2"), quota("own", managed=False, pods="1")],
            [],
            (),
            (),
            id="foreign-of-another-name",
        ),
        pytest.param(
            [desired("tier-b", scopes=("Terminating",), pods="2")],
            [quota("tier-a", scopes=("NotTerminating",), pods="2")],
            [Create(QUOTAS, desired("tier-b", scopes=("Terminating",), pods="2"))],
            ("tier-b",),
            (),
            id="new-scopes-come-before-old-ones-go",
        ),
        pytest.param(
            [desired("tier-b", scopes=("Terminating",), pods="2")],
            [
                quota("tier-a", scopes=("NotTerminating",), pods="2"),
                quota("tier-b", scopes=("Terminating",), pods="2", in_force={}),
            ],
            [],
            ("tier-b",),
            (),
            id="old-scopes-stay-until-new-ones-are-in-force",
        ),
        pytest.param(
            [desired("tier-b", scopes=("Terminating",), pods="2")],
            [
                quota("tier-a", scopes=("NotTerminating",), pods="2"),
                quota("tier-b", scopes=("Terminating",), pods="2"),
            ],
            [Delete(RESOURCE_QUOTAS, "tier-a", "7")],
            (),
            (),
            id="then-old-scopes-go",
        ),
        pytest.param(
            [desired(pods="2")],
            [quota(managed=False, pods="2"), quota("tier-a", scopes=("Terminating",), pods="2")],
            [],
            (),
            ("tier",),
            id="nothing-goes-while-a-foreign-one-is-in-the-way",
        ),
        pytest.param(
            [desired(pods="2")],
            [quota(scopes=("Terminating",), pods="2")],
            [Delete(RESOURCE_QUOTAS, "tier", "7")],
            ("tier",),
            (),
            id="scopes-are-immutable-so-remove-first",
        ),
    ],
)
def test_compare_quotas(
    wanted: list[DesiredQuota],
    existing: list[QuotaStatus],
    actions: list[Action],
    waiting: tuple[str, ...],
    foreign: tuple[str, ...],
) -> None:
    """Writes follow from what differs, ours alone are touched, and what is being waited for is known."""
    comparison = compare(QUOTAS, wanted, existing, tier="dev")
    assert list(comparison.actions) == actions
    assert comparison.waiting == waiting
    assert comparison.foreign == foreign


def test_the_order_of_scopes_and_values_means_nothing() -> None:
    """The API server keeps lists as they were written; as sets they are equal."""
    asked = DesiredQuota(
        name="tier-a",
        hard=amounts(pods="2"),
        scopes=("BestEffort", "Terminating"),
        scope_selector=(ScopeRequirement("PriorityClass", "In", ("a", "b")),),
    )
    stored = QuotaStatus(
        name="tier-a",
        managed=True,
        labelled="dev",
        hard=amounts(pods="2"),
        spec_hard=amounts(pods="2"),
        scopes=("Terminating", "BestEffort"),
        scope_selector=(ScopeRequirement("PriorityClass", "In", ("b", "a")),),
    )
    assert compare(QUOTAS, [asked], [stored], tier="dev").actions == ()


@pytest.mark.parametrize(
    ("managed", "labelled", "repaired"),
    [
        pytest.param(True, "dev", False, id="whole"),
        pytest.param(True, "", True, id="tier-label-removed"),
        pytest.param(True, "prod", True, id="tier-label-of-another-tier"),
        pytest.param(False, "dev", True, id="manager-removed"),
    ],
)
def test_labels_of_ours_are_repaired(managed: bool, labelled: str, repaired: bool) -> None:  # noqa: FBT001
    """An object that has lost one of our labels, or names another tier, is written again."""
    stored = msgspec.structs.replace(quota(pods="2"), managed=managed, labelled=labelled)
    actions = [Replace(QUOTAS, desired(pods="2"), "7")] if repaired else []
    assert list(compare(QUOTAS, [desired(pods="2")], [stored], tier="dev").actions) == actions


@pytest.mark.parametrize("said", ["", "another", "batch"])
def test_the_name_of_the_quota_is_repaired(said: str) -> None:
    """An object of an older release has none, and is in force meanwhile."""
    scopes = ("Terminating",)
    wanted = msgspec.structs.replace(desired("tier-a", scopes=scopes, pods="2"), sources={"pods": "batch"})
    stored = msgspec.structs.replace(quota("tier-a", scopes=scopes, pods="2"), annotated=said)
    found = compare(QUOTAS, [wanted], [stored], tier="dev")
    assert list(found.actions) == ([] if said == "batch" else [Replace(QUOTAS, wanted, "7")])
    assert found.waiting == ()


def test_what_has_lost_our_label_is_never_removed() -> None:
    """Under a name that we do not need it may well be somebody else's copy."""
    copied = msgspec.structs.replace(quota("copy", pods="2"), managed=False, labelled="dev")
    assert compare(QUOTAS, [], [copied], tier="dev").actions == ()


def test_a_created_quota_is_rounded_as_the_server_stores_it() -> None:
    """What is written is what will be read back, or we would replace it for ever."""
    (action,) = compare(QUOTAS, [desired(cpu="0.0005")], [], tier="dev").actions
    assert isinstance(action, Create)
    assert isinstance(action.desired, DesiredQuota)
    assert {name: str(quantity) for name, quantity in action.desired.hard.items()} == {"cpu": "1m"}


CONTAINER = an_item(default={"cpu": "250m"}, high={"cpu": "500m"}, low={"cpu": "10m"})
POD = an_item("Pod", high={"cpu": "2"})
ITEMS = (CONTAINER, POD)
WANTED = DesiredLimitRange(ITEMS)


def desired_of(items: tuple[LimitRangeItem, ...]) -> list[DesiredLimitRange]:
    return [DesiredLimitRange(items)] if items else []


def stored(*items: LimitRangeItem, name: str = "tier", managed: bool = True, labelled: str = "dev") -> LimitRange:
    return LimitRange(name, items, resource_version="7", managed=managed, labelled=labelled)


REMOVED = Delete(LIMIT_RANGES, "tier", "7")


@pytest.mark.parametrize(
    ("wanted", "existing", "actions", "foreign"),
    [
        pytest.param((), [], [], False, id="nothing-wanted-nothing-there"),
        pytest.param(ITEMS, [], [Create(LIMITS, WANTED)], False, id="absent"),
        pytest.param(ITEMS, [stored(*ITEMS)], [], False, id="as-written"),
        pytest.param(ITEMS, [stored(effective(CONTAINER), POD)], [], False, id="with-the-server's-derived-defaults"),
        pytest.param(ITEMS, [stored(POD, CONTAINER)], [], False, id="the-order-means-nothing"),
        pytest.param(ITEMS, [stored(CONTAINER)], [Replace(LIMITS, WANTED, "7")], False, id="item-removed"),
        pytest.param(ITEMS, [stored(*ITEMS, POD)], [Replace(LIMITS, WANTED, "7")], False, id="item-added"),
        pytest.param(
            ITEMS, [stored(an_item(high={"cpu": "9"}), POD)], [Replace(LIMITS, WANTED, "7")], False, id="amount-changed"
        ),
        pytest.param(
            ITEMS, [stored(*ITEMS, labelled="")], [Replace(LIMITS, WANTED, "7")], False, id="tier-label-removed"
        ),
        pytest.param(
            ITEMS, [stored(*ITEMS, managed=False)], [Replace(LIMITS, WANTED, "7")], False, id="manager-removed"
        ),
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
def test_compare_limit_ranges(
    wanted: tuple[LimitRangeItem, ...],
    existing: list[LimitRange],
    actions: list[Action],
    foreign: bool,  # noqa: FBT001
) -> None:
    """Writes follow from what differs, and ours alone is touched."""
    comparison = compare(LIMITS, desired_of(wanted), existing, tier="dev")
    assert list(comparison.actions) == actions
    assert comparison.foreign == (("tier",) if foreign else ())


def test_what_is_left_over_is_named() -> None:
    """A mode that refuses nothing is not reached while it is there."""
    found = compare(LIMITS, (), [stored(*ITEMS), stored(POD, name="older")], tier="dev")
    assert found.leftover == ("tier", "older")
    assert compare(LIMITS, desired_of(ITEMS), [stored(*ITEMS)], tier="dev").leftover == ()


KINDS = pytest.mark.parametrize(
    ("kind", "wanted"),
    [pytest.param(QUOTAS, desired(pods="2"), id="quotas"), pytest.param(LIMITS, WANTED, id="limits")],
)


@KINDS
async def test_actions_are_sent_in_turn(kind: ObjectKind[Any, Any], wanted: DesiredQuota | DesiredLimitRange) -> None:
    """Created, replaced and deleted, each on the version that the one before left."""
    fake = FakeApi()
    api, path = Api(fake), kind.resource.object("tier", namespace="dev")
    await Create(kind, wanted).send(api, namespace="dev", tier="dev")
    await Replace(kind, wanted, fake.get(path)["metadata"]["resourceVersion"]).send(api, namespace="dev", tier="dev")
    await Delete(kind.resource, "tier", fake.get(path)["metadata"]["resourceVersion"]).send(
        api, namespace="dev", tier="dev"
    )
    assert path not in fake


@pytest.mark.parametrize("gone", [False, True], ids=["changed", "gone"])
@KINDS
async def test_an_action_on_another_version_is_a_conflict(
    kind: ObjectKind[Any, Any],
    wanted: DesiredQuota | DesiredLimitRange,
    gone: bool,  # noqa: FBT001
) -> None:
    """Nothing overwrites or removes what it was not decided on."""
    fake = FakeApi()
    api, path = Api(fake), kind.resource.object("tier", namespace="dev")
    await Create(kind, wanted).send(api, namespace="dev", tier="dev")
    seen = fake.get(path)["metadata"]["resourceVersion"]
    if gone:
        fake.delete(path)
    else:
        fake.put(path, fake.get(path))
        with pytest.raises(Conflict):
            await Create(kind, wanted).send(api, namespace="dev", tier="dev")
    for action in (Replace(kind, wanted, seen), Delete(kind.resource, "tier", seen)):
        with pytest.raises(Conflict):
            await action.send(api, namespace="dev", tier="dev")
    assert (path in fake) is not gone


def test_what_is_written_is_read_back_as_equal() -> None:
    """Otherwise it would be written for ever."""
    back = read_limit_range(LIMITS.body(WANTED, namespace="dev", tier="dev"))
    assert compare(LIMITS, [WANTED], [back], tier="dev").actions == ()
    assert (back.managed, back.labelled) == (True, "dev")
