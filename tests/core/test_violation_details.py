"""What a violation carries beside its rule: places, values and names that sentences need."""

from __future__ import annotations

import msgspec

from tests.builders import Texts, a_container, a_pod, a_quota, a_tier, a_tier_quota, an_item, texts
from tiergate.core import evaluate
from tiergate.core.decision import Violation
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import total
from tiergate.core.tier import Tier, faults


def broken(pod: Pod, tier: Tier, *quotas: QuotaStatus, old: Pod | None = None) -> tuple[Violation, ...]:
    return evaluate.validate(pod, old=old, tier=tier, quotas=quotas).violations


def test_a_total_is_broken_at_the_spec_and_a_ratio_names_both_totals() -> None:
    pod = a_pod(a_container(requests={"cpu": "1"}, limits={"cpu": "4"}))
    (found,) = broken(pod, a_tier(an_item("Pod", ratio={"cpu": "2"})))
    assert (found.pointer, str(found.actual), str(found.limit)) == ("/spec", "1", "4")


def test_a_memory_limit_of_zero_is_refused_as_a_cpu_limit_is() -> None:
    pod = a_pod(a_container(requests={"memory": "0"}, limits={"memory": "0"}))
    (found,) = broken(pod, a_tier(an_item(high={"memory": "1Gi"})))
    assert (found.rule, found.resource) == ("limit-zero", "limits.memory")


def test_a_resize_is_judged_in_what_it_changes_after_what_it_leaves() -> None:
    """The unchanged resource comes first in the item, and the other one is judged all the same."""
    old = a_pod(a_container(requests={"cpu": "1m", "memory": "2Gi"}))
    new = a_pod(a_container(requests={"cpu": "1m", "memory": "1Mi"}))
    tier = a_tier(an_item(low={"cpu": "10m", "memory": "1Gi"}))
    assert [one.resource for one in broken(new, tier, old=old)] == ["requests.memory"]


def test_a_value_that_an_init_container_lacks_is_told_of_an_init_container() -> None:
    pod = a_pod(a_container(requests={"cpu": "1"}), init=[a_container("setup", init=True)])
    (found,) = broken(pod, a_tier(), a_quota({"requests.cpu": "10"}, {"requests.cpu": "0"}))
    assert (found.rule, found.container, found.init) == ("quota-required", "setup", True)


def test_a_pending_quota_object_is_told_by_the_names_of_all_its_quotas() -> None:
    quotas = [a_tier_quota({"pods": "2"}, name="count"), a_tier_quota({"requests.cpu": "1"}, name="compute")]
    (found,) = broken(a_pod(a_container(requests={"cpu": "1"})), a_tier(quotas=quotas))
    assert (found.rule, found.quota) == ("quota-pending", "compute, count")


def test_a_pod_without_metadata_gets_the_annotation_in_new_metadata() -> None:
    pod = msgspec.structs.replace(a_pod(a_container()), has_metadata=False, has_annotations=False)
    patch = evaluate.mutate(pod, a_tier(an_item(default={"cpu": "1"}, default_request={"cpu": "1"}))).patch
    assert patch[-1].path == "/metadata"
    assert isinstance(patch[-1].value, dict)
    assert list(patch[-1].value) == ["annotations"]


def test_a_bound_of_zero_is_no_fault() -> None:
    assert list(faults(a_tier(an_item(low={"cpu": "0"}, high={"cpu": "1"})))) == []


def test_a_total_has_the_sum_of_each_name_of_any_list() -> None:
    lists: tuple[Texts, ...] = ({"cpu": "1"}, {"cpu": "500m", "pods": "2"}, {})
    sums = total([a_container(requests=each).requests for each in lists])
    assert texts(sums) == {"cpu": "1500m", "pods": "2"}
