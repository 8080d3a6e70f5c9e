"""An adopted Tier is accepted, and never laxer than the native objects, but for what the report names."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adopt.native import of_policy
from tests.builders import validated
from tests.chart import schemas
from tests.differential.ours import UnreadableObjectError, ask
from tests.differential.pods import a_claim, a_pod
from tests.differential.policies import Policy, a_policy, with_several_ranges
from tests.differential.wild import a_wild_policy
from tiergate.adopt.planning import adopted, bounds_of, plan
from tiergate.adopt.ranges import TYPES
from tiergate.adopt.values import NativeBounds, Remark
from tiergate.adopt.writing import tier_document
from tiergate.core.desired import quotas_of
from tiergate.core.native import Refusal, refusals
from tiergate.core.podspec import Pod
from tiergate.core.quantity import NANO, Quantity
from tiergate.core.tier import Tier, TierQuota, amounts_by_field
from tiergate.core.tier_faults import faults
from tiergate.wire.tier import read_tier

pytestmark = pytest.mark.property

randoms = st.integers(0, 2**32).map(Random)
"""Of a random policy: those of the differential test."""
FIELDS: Final = {"native-min": "min", "native-max": "max", "native-ratio": "maxLimitRequestRatio"}
EXACT: Final = 2**50 * NANO
"""Up to here LimitRanger compares exactly, too."""


def a_random_policy(random: Random) -> Policy:
    """Return a policy of one LimitRange, of several, or one that a Tier may mostly not say."""
    kind = random.randrange(4)
    if kind == 0:
        return a_policy(random)
    if kind < 3:
        return with_several_ranges(random)
    spec = a_wild_policy(random)
    quotas = [{**one, "used": {}} for one in spec.get("quotas", ())]
    return Policy({"limits": spec.get("limits", []), "quotas": quotas})


@given(randoms)
def test_every_tier_is_accepted(random: Random) -> None:
    """By the schema of the definition, by the webhook; and what is written is what was meant."""
    native = of_policy(a_random_policy(random))
    for one in plan([native], mode="Warn").tiers:
        document = tier_document(one.tier)
        assert schemas.faults(document, schemas.NEWEST) == []
        assert faults(one.tier) == ()
        assert bounds_of(read_tier(msgspec.json.encode(document))) == bounds_of(one.tier)


def about(remarks: tuple[Remark, ...], *place: str) -> list[Remark]:
    """Return the remarks on a field of an item, on a resource of it or on all of it; likewise of a quota."""
    kind, field, resource = place
    return [one for one in remarks if one.place in (kind, f"{kind}/{field}/{resource}", f"{kind}/*/{resource}")]


def written(native: NativeBounds) -> Iterator[tuple[str, str, str, Quantity]]:
    """Yield type, field, resource and amount of everything that the LimitRanges say and that has an effect."""
    for one in native.ranges:
        for item in one.items:
            for field, amounts in amounts_by_field(item):
                if item.type == "Container" or (item.type in TYPES and not field.startswith("default")):
                    yield from ((item.type, field, name, amount) for name, amount in amounts.items())


@given(randoms)
def test_no_bound_of_a_limit_range_is_loosened_and_no_default_lost_unless_it_is_named(random: Random) -> None:
    native = of_policy(a_random_policy(random))
    tier, remarks = adopted(native, "Enforce")
    said = {item.type: dict(amounts_by_field(item)) for item in tier.limits}
    every = list(written(native))
    for kind, field, name, amount in every:
        kept = said.get(kind, {}).get(field, {}).get(name)
        if field.startswith("default"):
            offered = [each for *place, each in every if place == [kind, field, name]]
            assert kept in offered or about(remarks, kind, field, name), (kind, field, name)
        elif kept is None or (kept < amount if field == "min" else kept > amount):
            assert any(one.laxer for one in about(remarks, kind, field, name)), (kind, field, name)


@given(randoms)
def test_no_bound_of_a_quota_is_loosened_unless_it_is_named(random: Random) -> None:
    native = of_policy(a_random_policy(random))
    tier, remarks = adopted(native, "Enforce")
    ours = {one.name: one.hard for one in quotas_of(tier)}
    for quota in native.quotas:
        alone = Tier("", quotas=(TierQuota("", quota.spec_hard, quota.scopes, quota.scope_selector),))
        hard = ours.get(quotas_of(alone)[0].name, {})
        for name, bound in quota.spec_hard.items():
            left_out = {f"quota/{quota.name}", f"quota/{quota.name}/{name}"} & {one.place for one in remarks}
            assert (name in hard and hard[name] <= bound) or left_out, (quota.name, name)


def is_comparable(one: Refusal) -> bool:
    """Say whether our rules refuse the same: a value that is there, and not for LimitRanger's rounding."""
    if one.missing or one.actual is None or max(one.actual.nano, one.bound.nano) > EXACT:
        return False
    if one.limit is None:
        return one.rule != "native-ratio"
    return one.limit.nano < EXACT and one.limit.nano * NANO > one.bound.nano * one.actual.nano


@given(randoms)
def test_what_a_limit_range_refuses_of_an_object_is_refused_unless_it_is_named(random: Random) -> None:
    """Objects as they are sent: pod-level values and missing ones are judged otherwise on purpose."""
    policy = a_random_policy(random)
    native = of_policy(policy)
    tier, remarks = adopted(native, "Enforce")
    document = a_claim(random, policy) if random.random() < 0.3 else a_pod(random, policy.focused(random))
    try:
        subject = ask("validate", msgspec.json.encode(document), document["kind"]).subject
    except UnreadableObjectError:
        return
    if isinstance(subject, Pod) and subject.pod_level:
        return
    decision = validated(subject, old=None, tier=msgspec.structs.replace(tier, quotas=()), quotas=())
    for one in refusals(subject, native.ranges):
        if is_comparable(one) and not about(remarks, one.kind, FIELDS[one.rule], one.resource):
            assert not decision.allowed, one
