"""A tier's limits as a LimitRange: for those who ask for one, and for all while the webhook is handed over."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import Texts, a_container, a_pod, a_tier, an_item, texts
from tiergate.core.native import LimitRange, refusals, with_native_defaults
from tiergate.core.native_limits import native_limits
from tiergate.core.tier import LimitRangeItem, effective
from tiergate.core.tier_faults import faults


@pytest.mark.rule("native-limit-range")
def test_a_native_limit_range_is_wanted_only_by_whoever_asks_and_enforces() -> None:
    """It refuses as LimitRanger does, so Warn and Audit have none; and it is off unless a tier says so."""
    items = (an_item("Pod", high={"cpu": "2"}), an_item(high={"cpu": "1"}))
    assert native_limits(a_tier(*items)) == ()
    asking = msgspec.structs.replace(a_tier(*items), native_limit_range=True)
    assert native_limits(asking) == (items[1], items[0])
    for mode in ("Warn", "Audit"):
        assert native_limits(msgspec.structs.replace(asking, mode=mode), handed_over=True) == ()


BOTH = {"cpu": "1", "memory": "1Gi"}
LEAST = {"cpu": "1m", "memory": "1"}


@pytest.mark.rule("L-1", "limit-zero")
@pytest.mark.parametrize(
    ("item", "low"),
    [
        pytest.param(an_item(high=BOTH), LEAST, id="max"),
        pytest.param(an_item(default=BOTH), LEAST, id="default"),
        pytest.param(an_item(high={"cpu": "1"}, default={"memory": "1Gi"}), LEAST, id="each-by-another"),
        pytest.param(an_item(high={"cpu": "1"}), {"cpu": "1m"}, id="one"),
        pytest.param(an_item(default={"ephemeral-storage": "1Gi"}), {"ephemeral-storage": "1"}, id="storage"),
        pytest.param(an_item(high=BOTH, low={"cpu": "50m"}), {"cpu": "50m", "memory": "1"}, id="own-min"),
        pytest.param(an_item(high=BOTH, ratio={"cpu": "4"}), LEAST, id="ratio"),
        pytest.param(an_item(default_request=BOTH, ratio={"cpu": "2"}), {}, id="not-bounded"),
        pytest.param(an_item(high={"example.com/gpu": "2", "hugepages-2Mi": "2Mi"}), {}, id="other-resources"),
        pytest.param(an_item("Pod", high=BOTH), {}, id="of-pods"),
        # LimitRanges that the API server would not take
        pytest.param(an_item(high=BOTH, default_request={"cpu": "0"}), {"memory": "1"}, id="zero-default-request"),
        pytest.param(an_item(high={"cpu": "0", "memory": "1Gi"}), {"memory": "1"}, id="zero-max"),
        pytest.param(an_item(high=BOTH, ratio={"cpu": "2000"}), {"memory": "1"}, id="ratio-above-max-by-min"),
    ],
)
def test_while_handed_over_a_bounded_resource_has_a_min(item: LimitRangeItem, low: Texts) -> None:
    """It closes the limit 0, changes no default, and is left out where the API server would refuse it."""
    tier = a_tier(item)
    assert not faults(tier)
    (made,) = native_limits(tier, handed_over=True)
    assert texts(made.min) == low
    assert not faults(a_tier(made))
    before, after = (effective(one) if one.type == "Container" else one for one in (item, made))
    assert after == msgspec.structs.replace(before, min=made.min)
    assert native_limits(msgspec.structs.replace(tier, native_limit_range=True)) == (item,)


@pytest.mark.rule("L-10", "L-21", "limit-zero")
@pytest.mark.parametrize(
    ("resources", "refused"),
    [
        pytest.param({}, [], id="defaults-fill-it-in"),
        pytest.param({"limits": {"cpu": "100m"}}, [], id="a-limit"),
        pytest.param({"requests": {"memory": "1Mi"}}, [], id="a-request"),
        pytest.param({"limits": {"cpu": "0"}}, ["cpu"], id="limit-0"),
        pytest.param({"limits": {"cpu": "0", "memory": "0"}}, ["cpu", "memory"], id="both"),
        pytest.param({"limits": {"cpu": "0"}, "requests": {"cpu": "0"}}, ["cpu"], id="limit-and-request"),
    ],
)
def test_limit_ranger_then_refuses_the_limit_0_and_no_more(resources: dict[str, Texts], refused: list[str]) -> None:
    tier = a_tier(an_item(high=BOTH))
    ranges = (LimitRange("tier", native_limits(tier, handed_over=True)),)
    container = a_container(limits=resources.get("limits"), requests=resources.get("requests"))
    pod = with_native_defaults(a_pod(container), ranges)
    assert [one.resource for one in refusals(pod, ranges)] == refused
