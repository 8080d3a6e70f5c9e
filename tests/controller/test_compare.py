"""What a namespace has against what it should have."""

import msgspec
import pytest

from tiergate.controller.quotas import Action, Create, Replace, compare
from tiergate.controller.writes import Delete
from tiergate.core.desired import DesiredQuota
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import ScopeRequirement


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
        pytest.param([desired(pods="2")], [], [Create(desired(pods="2"))], ("tier",), (), id="absent"),
        pytest.param([desired(pods="2")], [quota(pods="2")], [], (), (), id="in-force"),
        pytest.param([desired(cpu="1")], [quota(cpu="1000m")], [], (), (), id="equal-by-value-not-by-spelling"),
        pytest.param([desired(pods="2")], [quota(pods="2", in_force={})], [], ("tier",), (), id="not-counted-yet"),
        pytest.param(
            [desired(pods="2")], [quota(pods="2", in_force={"pods": "9"})], [], ("tier",), (), id="old-bound-in-force"
        ),
        pytest.param(
            [desired(pods="2")], [quota(pods="9")], [Replace(desired(pods="2"), "7")], ("tier",), (), id="edited"
        ),
        pytest.param(
            [desired(pods="2")],
            [quota(pods="2", cpu="1")],
            [Replace(desired(pods="2"), "7")],
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
        pytest.param([], [quota(pods="2")], [Delete("resourcequotas", "tier", "7")], (), (), id="not-wanted-any-more"),
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
            [Create(desired("tier-b", scopes=("Terminating",), pods="2"))],
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
            [Delete("resourcequotas", "tier-a", "7")],
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
            [Delete("resourcequotas", "tier", "7")],
            ("tier",),
            (),
            id="scopes-are-immutable-so-remove-first",
        ),
    ],
)
def test_compare(
    wanted: list[DesiredQuota],
    existing: list[QuotaStatus],
    actions: list[Action],
    waiting: tuple[str, ...],
    foreign: tuple[str, ...],
) -> None:
    """Writes follow from what differs, ours alone are touched, and what is being waited for is known."""
    comparison = compare(wanted, existing, tier="dev")
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
    assert compare([asked], [stored], tier="dev").actions == ()


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
    actions = [Replace(desired(pods="2"), "7")] if repaired else []
    assert list(compare([desired(pods="2")], [stored], tier="dev").actions) == actions


def test_what_has_lost_our_label_is_never_removed() -> None:
    """Under a name that we do not need it may well be somebody else's copy."""
    copied = msgspec.structs.replace(quota("copy", pods="2"), managed=False, labelled="dev")
    assert compare([], [copied], tier="dev").actions == ()


def test_a_created_quota_is_rounded_as_the_server_stores_it() -> None:
    """What is written is what will be read back, or we would replace it for ever."""
    (action,) = compare([desired(cpu="0.0005")], [], tier="dev").actions
    assert isinstance(action, Create)
    assert {name: str(quantity) for name, quantity in action.desired.hard.items()} == {"cpu": "1m"}
