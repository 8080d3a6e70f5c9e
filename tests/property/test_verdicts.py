"""Laws of usage and of verdicts."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import SERVER, Json, a_tier, validated
from tests.property.strategies import amounts, containers, pod_objects, quotas, tiers
from tiergate.core.podspec import Pod
from tiergate.core.quantity import ZERO, Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import Tier
from tiergate.core.usage import pod_charge
from tiergate.wire.decode import Reader
from tiergate.wire.pod import WirePod, to_pod

pytestmark = pytest.mark.property
_read = Reader(WirePod, to_pod)
FREE = a_tier()


def read(pod: Json) -> Pod:
    return _read(json.dumps(pod).encode())


@given(pod_objects(), containers("more"), st.sampled_from(["containers", "initContainers"]), st.data())
def test_adding_a_container_never_lowers_usage(pod: Json, more: Json, field: str, data: st.DataObject) -> None:
    before = pod_charge(read(pod), **SERVER)
    present = pod["spec"].get(field) or []
    at = data.draw(st.integers(0, len(present)))
    pod["spec"][field] = [*present[:at], more, *present[at:]]
    after = pod_charge(read(pod), **SERVER)
    assert all(after.get(name, ZERO) >= amount for name, amount in before.items())
    assert before.keys() <= after.keys()


@given(pod_objects(), quotas().filter(lambda quota: bool(quota.hard)), amounts, st.data())
def test_raising_hard_never_makes_a_quota_refuse_more(
    pod: Json, quota: QuotaStatus, more: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(quota.hard)))
    raised = {**quota.hard, name: quota.hard[name] + Quantity.parse(more)}
    before, after = (exceeded(read(pod), msgspec.structs.replace(quota, hard=hard)) for hard in (quota.hard, raised))
    assert after <= before
    assert before - after <= {name}


def exceeded(pod: Pod, quota: QuotaStatus) -> set[str]:
    """Return the names that the quota refuses a new pod for."""
    decision = validated(pod, tier=FREE, quotas=(quota,))
    return {one.resource for one in decision.findings if one.rule == "quota-exceeded"}


@given(pod_objects(), quotas())
def test_a_quota_refuses_exactly_what_would_overrun_it(pod: Json, quota: QuotaStatus) -> None:
    """R-50.6, from its own words: for the names asked for, used + delta <= hard."""
    subject = read(pod)
    charge = pod_charge(subject, **SERVER)
    broken = {
        name
        for name, hard in quota.hard.items()
        if charge.get(name, ZERO).nano > 0 and quota.used[name].nano + charge[name].nano > hard.nano
    }
    assert exceeded(subject, msgspec.structs.replace(quota, scopes=())) == broken


@given(pod_objects(), tiers(), quotas())
def test_an_unchanged_pod_is_never_refused_by_a_range_or_for_usage(pod: Json, tier: Tier, quota: QuotaStatus) -> None:
    """A resize that changes nothing asks for nothing."""
    subject = read(pod)
    decision = validated(subject, old=subject, tier=tier, quotas=(quota,))
    assert {one.rule for one in decision.findings} <= {"quota-required"}


@given(pod_objects(), tiers())
def test_a_verdict_is_the_same_every_time(pod: Json, tier: Tier) -> None:
    first = validated(read(pod), old=None, tier=tier, quotas=())
    assert validated(read(pod), old=None, tier=tier, quotas=()) == first
