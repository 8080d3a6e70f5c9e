"""What a finding carries beside its rule: places, values and names that sentences need."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import (
    Texts,
    a_claim,
    a_container,
    a_pod,
    a_quota,
    a_tier,
    a_tier_quota,
    amounts,
    an_item,
    defaults_of,
    texts,
    validated,
)
from tiergate.core.claim import Claim
from tiergate.core.decision import Finding
from tiergate.core.desired import desired_quotas
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import increase, total
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


def resized(memory: str, limit: str | None = None) -> Pod:
    limits = {} if limit is None else {"cpu": "1", "memory": limit}
    return a_pod(a_container(requests={"cpu": "1m", "memory": memory}, limits=limits))


def levelled(memory: str) -> Pod:
    return a_pod(requests={"cpu": "1m", "memory": memory})


LOW, HIGH, RATIO = {"cpu": "10m", "memory": "1Gi"}, {"cpu": "500m", "memory": "1Gi"}, {"cpu": "2", "memory": "2"}
FOREIGN = QuotaStatus("theirs", hard=amounts({"pods": "9"}))


@pytest.mark.rule("L-28")
@pytest.mark.parametrize(
    ("new", "old", "item", "found"),
    [
        pytest.param(resized("1Mi"), resized("2Gi"), an_item(low=LOW), "request-min", id="min"),
        pytest.param(levelled("1Mi"), levelled("2Gi"), an_item(low=LOW), "request-min", id="pod-level-min"),
        pytest.param(resized("2Gi", "2Gi"), resized("1Gi", "1Gi"), an_item(high=HIGH), "limit-max", id="max"),
        pytest.param(
            a_pod(), None, an_item(high={"hugepages-2Mi": "4Mi", "memory": "1Gi"}), "limit-max", id="max-of-pages"
        ),
        pytest.param(
            resized("1Gi", "4Gi"), resized("2Gi", "4Gi"), an_item(ratio=RATIO), "limit-request-ratio", id="ratio"
        ),
        pytest.param(
            a_pod(limits={"cpu": "1", "memory": "0"}), None, an_item(high={"memory": "1Gi", "cpu": "2"}),
            "pod-limit-zero", id="pod-level-zero",
        ),
        pytest.param(resized("1Mi"), resized("2Gi"), an_item("Pod", low=LOW), "pod-request-min", id="pod-min"),
        pytest.param(resized("2Gi", "2Gi"), resized("1Gi", "1Gi"), an_item("Pod", high=HIGH), "pod-limit-max",
                     id="pod-max"),
        pytest.param(resized("1Gi", "4Gi"), resized("2Gi", "4Gi"), an_item("Pod", ratio=RATIO),
                     "pod-limit-request-ratio", id="pod-ratio"),
    ],
)  # fmt: skip
def test_what_comes_after_a_resource_that_is_not_judged_is_judged(
    new: Pod, old: Pod | None, item: LimitRangeItem, found: str
) -> None:
    """What a resize leaves as it was, or what nothing can be wrong with, stands first in the item."""
    judged = [(one.rule, one.resource.rpartition(".")[2]) for one in broken(new, a_tier(item), old=old)]
    assert judged == [(found, "memory")]


@pytest.mark.parametrize(
    ("pod", "quotas", "rule"),
    [
        pytest.param(a_pod(), (a_quota({"pods": "9"}), FOREIGN), "quota-pending", id="of-unknown-usage"),
        pytest.param(
            levelled("1Gi"),
            (a_quota({"limits.cpu": "9"}, name="theirs", managed=False), a_quota({"limits.cpu": "9"})),
            "quota-required",
            id="that-demands-a-value",
        ),
    ],
)
def test_a_quota_after_one_that_is_not_judged_is_judged(pod: Pod, quotas: tuple[QuotaStatus, ...], rule: str) -> None:
    assert [one.rule for one in broken(pod, a_tier(), *quotas)] == [rule]


def test_of_two_objects_that_bound_the_same_each_is_told_by_its_own_quota() -> None:
    tier = a_tier(
        quotas=[a_tier_quota({"pods": "9"}), a_tier_quota({"pods": "1"}, name="jobs", scopes=["Terminating"])]
    )
    there = [a_quota({"pods": "9"}), a_quota({"pods": "1"}, {"pods": "1"}, name=names(tier)[1], scopes=["Terminating"])]
    (found,) = broken(a_pod(active_deadline_seconds=1), tier, *there)
    assert (found.rule, found.quota) == ("quota-exceeded", "jobs")


def names(tier: Tier) -> list[str]:
    return [one.name for one in desired_quotas(tier)]


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
    assert len(tally.sums("dev")) == 1
    tally.set("dev/b", None)
    assert not tally.sums("dev")


def test_a_total_has_the_sum_of_each_name_of_any_list() -> None:
    lists: tuple[Texts, ...] = ({"cpu": "1"}, {"cpu": "500m", "pods": "2"}, {})
    sums = total([a_container(requests=each).requests for each in lists])
    assert texts(sums) == {"cpu": "1500m", "pods": "2"}


@pytest.mark.rule("R-50")
def test_what_grew_is_left_and_by_how_much() -> None:
    new, old = (
        amounts({"cpu": "3", "memory": "1Gi", "pods": "1", "x": "1"}),
        amounts({"cpu": "1", "memory": "1Gi", "x": "2"}),
    )
    assert texts(increase(new, old)) == {"cpu": "2", "pods": "1"}
