"""Pod-level values suppress defaults, and never what a tier bounds.

> A pod-level request of next to nothing once removed the default limits of all containers: the pod ran without a limit
> and was charged nothing. What is admitted keeps ``default``, ``min`` and the quotas' names, however a pod is written.
"""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.builders import Json, a_quota, a_tier, a_tier_quota, validated
from tests.property.strategies import sound_items, sound_pod_objects
from tests.property.test_defaults_never_break import broken, read, releases, stored
from tiergate.core.native import LimitRange, refusals, with_native_defaults
from tiergate.core.podlevel import completed
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import POD_LEVEL_COMPLETED_LATE
from tiergate.core.resources import needs_limit
from tiergate.core.tier import LimitRangeItem
from tiergate.core.tier_faults import faults
from tiergate.core.usage import pod_charge, qos_class
from tiergate.core.validity import invalid

pytestmark = pytest.mark.property

NAMES = ["cpu", "memory"]
quota_names = st.lists(
    st.sampled_from(["limits.cpu", "limits.memory", "requests.cpu", "requests.memory"]), unique=True, max_size=3
)
pods, items = sound_pod_objects(NAMES), sound_items(NAMES)


def roomy(names: list[str], *, managed: bool) -> QuotaStatus:
    return a_quota(dict.fromkeys(names, "1000Gi"), managed=managed)


def natively(pod: Json, item: LimitRangeItem, minor: int) -> Pod:
    """Return the pod after LimitRanger's defaults, completed as the release does (D-5a)."""
    sent = read(pod)
    early = sent if minor >= POD_LEVEL_COMPLETED_LATE else completed(sent, minor=minor)
    after = completed(with_native_defaults(early, (LimitRange("one", (item,)),)), minor=minor)
    return msgspec.structs.replace(after, qos_class=qos_class(after, minor=minor))


@given(pods, items, quota_names, releases)
def test_an_admitted_pod_lacks_nothing_that_the_tier_bounds(
    pod: Json, item: LimitRangeItem, names: list[str], minor: int
) -> None:
    tier = a_tier(item, quotas=[a_tier_quota(dict.fromkeys(names, "1000Gi"))] if names else ())
    assume(not faults(tier))
    assume(not invalid(completed(read(pod), minor=minor)))
    after = stored(pod, tier, minor)
    assume(validated(after, old=None, tier=tier, quotas=(roomy(names, managed=True),)).allowed)
    assert tier.container is not None
    for name in tier.container.default:
        assert after.limits.get(name) or all(name in one.limits for one in after.every_container()), name
    defaulted = {name for name, one in tier.container.default.items() if one}  # a default of 0 alone bounds nothing
    for name in defaulted | {name.removeprefix("limits.") for name in names if name.startswith("limits.")}:
        assert all(one.limits.get(name, after.limits.get(name)) for one in after.every_container()), name
    for name, least in item.min.items():
        values = [one.requests.get(name, after.requests.get(name)) for one in after.every_container()]
        assert all(value is not None and value >= least for value in values), name
    charged = pod_charge(after, now=None, minor=minor)
    assert charged.keys() >= set(names)


@given(pods, items, quota_names, releases)
def test_what_native_refuses_for_lack_of_a_value_or_for_min_is_refused(
    pod: Json, item: LimitRangeItem, names: list[str], minor: int
) -> None:
    tier = a_tier(item)
    assume(not faults(tier))
    assume(not invalid(completed(read(pod), minor=minor)))
    there = natively(pod, item, minor)
    assume(not invalid(there))
    lacking = [one for one in refusals(there, (LimitRange("one", (item,)),)) if one.missing or one.rule == "native-min"]
    demanded = validated(there, old=None, tier=a_tier(), quotas=(roomy(names, managed=False),)).findings
    if lacking or demanded:
        ours = validated(stored(pod, tier, minor), old=None, tier=tier, quotas=(roomy(names, managed=True),))
        assert not ours.allowed, (lacking, demanded)


@given(pods, items, releases)
def test_no_container_that_the_api_lets_be_unlimited_is(pod: Json, item: LimitRangeItem, minor: int) -> None:
    """Before any verdict: our patch alone gives each its default limit, or a pod-level limit stands for it."""
    tier = a_tier(item)
    assume(not faults(tier))
    after = stored(pod, tier, minor)
    assert tier.container is not None
    for name in [one for one in tier.container.default if not needs_limit(one)]:
        assert name in after.limits or all(name in one.limits for one in after.every_container())


@given(pods, items, releases)
def test_only_what_native_refuses_too_is_refused_for_our_own_defaults(
    pod: Json, item: LimitRangeItem, minor: int
) -> None:
    """A default request that the pod level leaves too little room for is below ``min``; natively it is a 422."""
    tier = a_tier(item)
    assume(not faults(tier))
    before = completed(read(pod), minor=minor)
    assume(not invalid(before))
    assume(not broken(before, tier))
    if broken(stored(pod, tier, minor), tier):
        there = natively(pod, item, minor)
        assert [*invalid(there), *refusals(there, (LimitRange("one", (item,)),))]
