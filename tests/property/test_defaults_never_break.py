"""The mutate answer followed by the validate answer of the same policy never refuses a pod that was valid without.

> Defaults can make a valid pod invalid (kubernetes#51430, and KEP-2837 on pod-level resources): ours must not, on any
> release, neither in the eyes of the API server nor in our own.

Sums are the exception, and on purpose: what a default adds to a container counts in the pod's total, as in LimitRanger
and in quota. There the law is that a refusal names a resource of which something was added.
"""

from __future__ import annotations

import copy
import json

import jsonpatch
import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.builders import Json, a_quota, a_tier, an_item, defaults_of, texts, validated
from tests.property.strategies import STEPS, sound_items, sound_pod_objects
from tiergate.core.podlevel import completed
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import LimitRangeItem, Tier
from tiergate.core.tier_faults import faults
from tiergate.core.validity import invalid
from tiergate.wire.decode import Reader
from tiergate.wire.pod import WirePod, to_pod

pytestmark = pytest.mark.property
_read = Reader(WirePod, to_pod)
releases = st.sampled_from([36, 37])


def read(pod: Json) -> Pod:
    return _read(json.dumps(pod).encode())


def as_seen(pod: Json, minor: int) -> Json:
    """Return the pod as our mutating webhook sees it: up to 1.36 its pod level is completed before (D-5a)."""
    seen = copy.deepcopy(pod)
    if minor <= 36 and "resources" in pod["spec"]:
        level = completed(read(pod), minor=minor)
        seen["spec"]["resources"] = {"requests": texts(level.requests), "limits": texts(level.limits)}
    return seen


def stored(pod: Json, tier: Tier, minor: int) -> Pod:
    """Return the pod as the validating pass sees it: our patch applied, decoded, the pod level completed."""
    seen = as_seen(pod, minor)
    operations = msgspec.to_builtins(defaults_of(read(seen), tier).patch)
    return completed(read(jsonpatch.apply_patch(seen, operations)), minor=minor)


def broken(pod: Pod, tier: Tier, *quotas: QuotaStatus) -> set[tuple[str, str, str]]:
    decision = validated(pod, old=None, tier=tier, quotas=quotas)
    return {(one.rule, one.container, one.resource) for one in decision.findings}


def added(pod: Pod, after: Pod) -> set[str]:
    """Return ``requests.cpu`` and so on of everything that defaults gave some container."""
    pairs = list(zip(pod.every_container(), after.every_container(), strict=True))
    return {f"requests.{name}" for one, now in pairs for name in now.requests.keys() - one.requests.keys()} | {
        f"limits.{name}" for one, now in pairs for name in now.limits.keys() - one.limits.keys()
    }


def requests_told_with_limits(found: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Return the findings about requests that equal their limits: the limit's finding stands for both."""
    return {
        (rule.replace("limit-max", "request-max"), container, resource.replace("limits.", "requests."))
        for rule, container, resource in found
        if rule.endswith("limit-max")
    }


@given(sound_pod_objects(), sound_items(), releases)
def test_a_pod_the_api_accepts_is_accepted_with_our_defaults(pod: Json, item: LimitRangeItem, minor: int) -> None:
    tier = a_tier(item)
    assume(not faults(tier))
    assume(not invalid(completed(read(pod), minor=minor)))
    assert invalid(stored(pod, tier, minor)) == ()


@given(sound_pod_objects(["cpu"]), sound_items(["cpu"]), releases)
def test_nor_is_one_refused_where_much_is_said_of_one_resource(pod: Json, item: LimitRangeItem, minor: int) -> None:
    """As above, where pod level, containers and defaults are likely to name the same."""
    tier = a_tier(item)
    assume(not faults(tier))
    assume(not invalid(completed(read(pod), minor=minor)))
    assert invalid(stored(pod, tier, minor)) == ()


@given(sound_pod_objects(), sound_items(), releases)
def test_our_own_ranges_refuse_nothing_for_our_own_defaults(pod: Json, item: LimitRangeItem, minor: int) -> None:
    """But a default request for which the pod level leaves less than ``min``: see test_pod_level."""
    tier = a_tier(item)
    assume(not faults(tier))
    before = completed(read(pod), minor=minor)
    assume(not invalid(before))
    assume(not broken(before, tier))
    after = stored(pod, tier, minor)
    crowded = {one for one in broken(after, tier) if one[0] == "request-min" and one[2][9:] in before.requests}
    assert broken(after, tier) == crowded


@given(sound_pod_objects(), sound_items(), releases, st.data())
def test_a_sum_refuses_anew_only_for_what_was_added(
    pod: Json, item: LimitRangeItem, minor: int, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["cpu", "memory"]))
    low, high = sorted(data.draw(st.tuples(*[st.integers(0, len(STEPS[name]) - 1)] * 2)))
    total = an_item("Pod", low={name: STEPS[name][low]}, high={name: STEPS[name][high]})
    quota = a_quota({f"limits.{name}": STEPS[name][high], "requests.ephemeral-storage": "1Gi"}, name="q", managed=False)
    before = completed(read(pod), minor=minor)
    assume(not invalid(before))
    after = stored(pod, a_tier(item, total), minor)
    known = broken(before, a_tier(total), quota)
    anew = broken(after, a_tier(total), quota) - known - requests_told_with_limits(known)
    assert {resource for _, _, resource in anew} <= added(before, after)


@given(sound_pod_objects(), sound_items(), releases)
def test_nothing_is_added_that_the_pod_level_then_changes_again(pod: Json, item: LimitRangeItem, minor: int) -> None:
    """A second mutating pass, after another webhook's change, finds nothing to do (A-31)."""
    tier = a_tier(item)
    seen = as_seen(pod, minor)
    once = jsonpatch.apply_patch(seen, msgspec.to_builtins(defaults_of(read(seen), tier).patch))
    again = as_seen(once, minor)
    assert defaults_of(read(again), tier).patch == ()
