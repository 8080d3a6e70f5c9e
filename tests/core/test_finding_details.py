"""What a finding carries beside its rule: places, values and names that sentences need."""

from __future__ import annotations

import msgspec

from tests.builders import (
    Texts,
    a_claim,
    a_container,
    a_pod,
    a_quota,
    a_tier,
    a_tier_quota,
    an_item,
    defaults_of,
    texts,
    validated,
)
from tiergate.core.claim import Claim
from tiergate.core.decision import Finding
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import total
from tiergate.core.tally import Footprints, Tally
from tiergate.core.tier import LimitRangeItem, Tier
from tiergate.core.tier_faults import faults


def broken(pod: Pod | Claim, tier: Tier, *quotas: QuotaStatus, old: Pod | None = None) -> tuple[Finding, ...]:
    return validated(pod, old=old, tier=tier, quotas=quotas).findings


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
    patch = defaults_of(pod, a_tier(an_item(default={"cpu": "1"}, default_request={"cpu": "1"}))).patch
    assert patch[-1].path == "/metadata"
    assert isinstance(patch[-1].value, dict)
    assert list(patch[-1].value) == ["annotations"]


def test_what_audit_would_set_is_told_of_in_audit() -> None:
    tier = a_tier(an_item(default={"cpu": "1"}, default_request={"cpu": "1"}), mode="Audit")
    assert defaults_of(a_pod(a_container()), tier).mode == "Audit"


def test_a_bound_of_zero_is_no_fault() -> None:
    assert list(faults(a_tier(an_item(low={"cpu": "0"}, high={"cpu": "1"})))) == []


def test_a_negative_ratio_is_named_at_its_place() -> None:
    places = [fault.pointer for fault in faults(a_tier(an_item(ratio={"cpu": "-1"})))]
    assert set(places) == {"/spec/limits/0/maxLimitRequestRatio/cpu"}


def test_a_quota_of_unknown_usage_names_every_resource_that_is_unknown() -> None:
    quota = msgspec.structs.replace(a_quota({"requests.cpu": "1", "requests.memory": "1Gi"}, managed=False), used={})
    (found,) = broken(a_pod(a_container(requests={"cpu": "1", "memory": "1Mi"})), a_tier(), quota)
    assert found.resource == "requests.cpu, requests.memory"


def test_a_claim_that_is_too_small_or_too_large_is_refused_for_its_storage() -> None:
    for bounds in (an_item("PersistentVolumeClaim", low={"storage": "9Gi"}), a_claim_max("1Gi")):
        (found,) = broken(a_claim("5Gi"), a_tier(bounds))
        assert (found.resource, found.pointer) == ("requests.storage", "/spec/resources/requests/storage")


def a_claim_max(storage: str) -> LimitRangeItem:
    return an_item("PersistentVolumeClaim", high={"storage": storage})


def test_the_last_object_of_one_kind_leaves_the_others_counted() -> None:
    footprints, tally = Footprints(), Tally()
    tally.set("dev/a", footprints.of(a_pod(a_container(requests={"cpu": "1"}))))
    tally.set("dev/b", footprints.of(a_pod(a_container(requests={"cpu": "2"}))))
    tally.set("dev/a", None)
    assert list(tally.counts("dev").values()) == [1]
    tally.set("dev/b", None)
    assert not tally.counts("dev")


def test_a_total_has_the_sum_of_each_name_of_any_list() -> None:
    lists: tuple[Texts, ...] = ({"cpu": "1"}, {"cpu": "500m", "pods": "2"}, {})
    sums = total([a_container(requests=each).requests for each in lists])
    assert texts(sums) == {"cpu": "1500m", "pods": "2"}
