"""Native objects of a namespace as a Tier: what is merged, which default wins, what is left out and why."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.adopt.native import COMPUTE, a_native_quota, a_range, native
from tests.differential.ours import tier_of
from tests.differential.policies import Json
from tiergate.adopt.planning import NOTHING_LEFT, adopted, plan
from tiergate.adopt.writing import tier_document
from tiergate.core.native import LimitRange
from tiergate.core.quota import QuotaStatus

Objects = tuple[LimitRange | QuotaStatus, ...]


def container(**fields: Any) -> Json:  # noqa: ANN401 - fields of an item
    return {"type": "Container", **fields}


def ranges(*items: Json) -> Objects:
    return tuple(a_range(f"r{at}", item) for at, item in enumerate(items))


@pytest.mark.parametrize(
    ("objects", "spec", "remarks"),
    [
        pytest.param(
            (*ranges(container(max={"cpu": "500m"})), a_native_quota("compute", COMPUTE)),
            "limits: [{type: Container, default: {cpu: 500m}, defaultRequest: {cpu: 500m}, max: {cpu: 500m}}]\n"
            "quotas: [{name: compute, hard: {limits.cpu: '4', pods: '20'}}]",
            [],
            id="one-of-each",
        ),
        pytest.param(
            ranges(
                container(min={"cpu": "10m"}, max={"cpu": "2"}, maxLimitRequestRatio={"cpu": "4"}),
                container(min={"cpu": "20m"}, max={"cpu": "1"}, maxLimitRequestRatio={"cpu": "3"}),
            ),
            "limits: [{type: Container, default: {cpu: '1'}, defaultRequest: {cpu: '1'}, min: {cpu: 20m},"
            " max: {cpu: '1'}, maxLimitRequestRatio: {cpu: '3'}}]",
            ["merged Container/min/cpu", "merged Container/max/cpu", "merged Container/maxLimitRequestRatio/cpu",
             "ambiguous Container/default/cpu", "ambiguous Container/defaultRequest/cpu"],
            id="the-tightest-bound-is-in-force",
        ),
        pytest.param(
            ranges(
                container(default={"cpu": "500m"}, defaultRequest={"cpu": "50m"}),
                container(default={"cpu": "200m"}, defaultRequest={"cpu": "100m"}, min={"cpu": "100m"}),
            ),
            "limits: [{type: Container, default: {cpu: 200m}, defaultRequest: {cpu: 100m}, min: {cpu: 100m}}]",
            ["ambiguous Container/default/cpu", "ambiguous Container/defaultRequest/cpu"],
            id="of-several-defaults-the-smallest-that-the-bounds-allow",
        ),
        pytest.param(
            ranges(
                container(default={"cpu": "1"}, defaultRequest={"cpu": "10m"}),
                container(defaultRequest={"cpu": "800m"}, maxLimitRequestRatio={"cpu": "2"}),
            ),
            "limits: [{type: Container, default: {cpu: '1'}, defaultRequest: {cpu: 800m},"
            " maxLimitRequestRatio: {cpu: '2'}}]",
            ["ambiguous Container/defaultRequest/cpu"],
            id="of-several-default-requests-one-that-keeps-the-ratio",
        ),
        pytest.param(
            ranges(container(default={"cpu": "100m"}), container(min={"cpu": "200m"})),
            "limits: [{type: Container, default: {cpu: 200m}, defaultRequest: {cpu: 200m}, min: {cpu: 200m}}]",
            ["ambiguous Container/defaultRequest/cpu", "moved Container/default/cpu"],
            id="a-default-that-no-container-may-have-is-moved-to-the-bound",
        ),
        pytest.param(
            ranges(container(default={"cpu": "0"}), container(max={"cpu": "1"})),
            "limits: [{type: Container, default: {cpu: '1'}, defaultRequest: {cpu: '0'}, max: {cpu: '1'}}]",
            ["ambiguous Container/default/cpu", "ambiguous Container/defaultRequest/cpu"],
            id="a-default-limit-of-0-is-no-limit",
        ),
        pytest.param(
            ranges(container(max={"cpu": "1"}, default={"cpu": "0"})),
            "limits: [{type: Container, defaultRequest: {cpu: '0'}, max: {cpu: '1'}}]",
            ["left-out Container/default/cpu"],
            id="a-default-limit-of-0-alone-is-left-out-and-derived-from-max",
        ),
        pytest.param(
            (*ranges(container(max={"cpu": "8"})), a_native_quota("q", {"limits.cpu": "4", "requests.cpu": "2"})),
            "limits: [{type: Container, default: {cpu: '4'}, defaultRequest: {cpu: '2'}, max: {cpu: '8'}}]\n"
            "quotas: [{name: q, hard: {limits.cpu: '4', requests.cpu: '2'}}]",
            ["moved Container/default/cpu", "moved Container/defaultRequest/cpu"],
            id="a-default-that-never-fits-a-quota-is-lowered-to-it",
        ),
        pytest.param(
            (*ranges(container(max={"cpu": "8", "memory": "1Gi"})), a_native_quota("q", {"limits.cpu": "0"})),
            "limits: [{type: Container, default: {memory: 1Gi}, defaultRequest: {memory: 1Gi}, max: {memory: 1Gi}}]\n"
            "quotas: [{name: q, hard: {limits.cpu: '0'}}]",
            ["left-out Container/*/cpu"],
            id="a-quota-of-0-leaves-no-default",
        ),
        pytest.param(
            ranges(container(max={"cpu": "100m"}), container(min={"cpu": "200m"})),
            "limits: [{type: Container, default: {cpu: 100m}, defaultRequest: {cpu: 100m}, max: {cpu: 100m}}]",
            ["ambiguous Container/defaultRequest/cpu", "left-out Container/min/cpu"],
            id="bounds-that-contradict-each-other",
        ),
        pytest.param(
            ranges(container(default={"nvidia.com/gpu": "2"}), container(default={"nvidia.com/gpu": "1"})),
            "limits: [{type: Container, default: {nvidia.com/gpu: '1'}, defaultRequest: {nvidia.com/gpu: '1'}}]",
            ["ambiguous Container/default/nvidia.com/gpu", "ambiguous Container/defaultRequest/nvidia.com/gpu"],
            id="devices-are-not-overcommitted",
        ),
        pytest.param(
            ranges({"type": "Pod", "max": {"memory": "256m", "cpu": "1"}}, {"type": "x.io/Y", "max": {"cpu": "1"}}),
            "limits: [{type: Pod, max: {cpu: '1'}}]",
            ["left-out x.io/Y", "left-out Pod/max/memory"],
            id="what-a-tier-may-not-say",
        ),
        pytest.param(
            ranges({"type": "PersistentVolumeClaim", "max": {"storage": "1e100"}, "min": {"storage": "1"}}),
            "limits: [{type: PersistentVolumeClaim, min: {storage: '1'}}]",
            ["left-out PersistentVolumeClaim/max/storage"],
            id="an-amount-that-the-schema-does-not-take",
        ),
        pytest.param(
            (a_native_quota("q", {"nvidia.com/gpu": "1", "requests.cpu": "1", "count/x.example.com": "3"}),),
            "quotas: [{name: q, hard: {count/x.example.com: '3', requests.cpu: '1'}}]",
            ["left-out quota/q/nvidia.com/gpu", "native-alone "],
            id="a-name-that-is-never-measured",
        ),
        pytest.param(
            (a_native_quota("Q.b", {"pods": "9"}), a_native_quota("q-b", {"pods": "8"}),
             a_native_quota("long", {"pods": "1"}, scopes=["Terminating", "Terminating"])),
            "quotas: [{name: q-b, hard: {pods: '9'}}, {name: q-b-2, hard: {pods: '8'}},"
            " {name: long, hard: {pods: '1'}, scopes: [Terminating]}]",
            ["merged quota/pods", "several "],
            id="quotas-with-and-without-scopes",
        ),
    ],
)  # fmt: skip
def test_a_namespace_becomes_a_tier(objects: Objects, spec: str, remarks: list[str]) -> None:
    tier, found = adopted(native(*objects), "Enforce")
    assert tier_document(tier)["spec"] == {"enforcement": "Enforce", **yaml.safe_load(spec)}
    assert [f"{one.topic} {one.place}" for one in found] == remarks


def test_what_is_left_out_has_the_webhook_s_reason() -> None:
    _, (found,) = adopted(native(*ranges({"type": "Pod", "max": {"memory": "256m", "cpu": "1"}})), "Enforce")
    assert found.text == "Pod max memory: 256m is a fraction of a byte; m means a thousandth"
    assert found.laxer
    _, (found, _) = adopted(native(a_native_quota("q", {"limits.a.b/c": "1", "services": "1"})), "Enforce")
    assert found.text.startswith("quota q limits.a.b/c: never measured under this name")
    assert not found.laxer


def test_more_quotas_than_a_tier_may_have_are_merged_by_their_scopes() -> None:
    quotas = [a_native_quota(f"q{at:02}", {f"count/k{at}.example.com": "1", "pods": str(at)}) for at in range(1, 40)]
    tier, _ = adopted(native(*quotas), "Warn")
    (merged,) = tier.quotas
    assert (merged.name, str(merged.hard["pods"]), len(merged.hard)) == ("quota", "1", 40)


def test_more_names_than_a_quota_may_have_are_left_out() -> None:
    quota = a_native_quota("q", {f"count/k{at}.example.com": "1" for at in range(70)})
    tier, remarks = adopted(native(quota), "Warn")
    assert len(tier.quotas[0].hard) == 64
    assert sum(one.laxer for one in remarks) == 6


def test_namespaces_with_the_same_effective_bounds_share_a_tier() -> None:
    """However they are split over objects and spelled."""
    one = (*ranges(container(max={"cpu": "1"})), a_native_quota("team-a-quota", {"limits.cpu": "4", "pods": "2"}))
    other = (
        *ranges(container(max={"cpu": "1000m"}), container(max={"cpu": "2"}, default={"cpu": "1"})),
        a_native_quota("pods", {"pods": "2"}),
        a_native_quota("team-b-quota", {"limits.cpu": "4000m"}),
    )
    third = (*ranges(container(max={"cpu": "2"})), a_native_quota("team-a-quota", {"limits.cpu": "4"}))
    natives = [native(*of, namespace=name) for name, of in (("b", other), ("c", third), ("a", one))]
    first, second = plan(natives, mode="Warn").tiers
    assert (first.tier.name, first.namespaces, second.namespaces) == ("a", ("a", "b"), ("c",))
    assert [quota.name for quota in first.tier.quotas] == ["quota"]
    assert [quota.name for quota in second.tier.quotas] == ["team-a-quota"]
    assert {remark.topic for remark in first.members[1].remarks} == {"merged"}


def test_a_namespace_of_which_nothing_is_left_is_left_alone() -> None:
    found = plan([native(a_native_quota("q", {"nvidia.com/gpu": "1"}))], mode="Warn")
    (skipped,) = found.skipped
    assert (found.tiers, skipped.reason, len(skipped.remarks)) == ((), NOTHING_LEFT, 1)


def test_namespaces_join_a_tier_that_says_the_same_already() -> None:
    """However it is spelled and whatever its mode; not where it exempts people."""
    objects = (*ranges(container(max={"cpu": "1"})), a_native_quota("q", {"pods": "2"}))
    other = a_range("pods", {"type": "Pod", "max": {"cpu": "2"}})
    spec = yaml.safe_load(
        "{limits: [{type: Pod, max: {cpu: '2'}}, {type: Container, max: {cpu: 1000m}}],"
        " quotas: [{name: x, hard: {pods: '2'}}]}"
    )
    there = tier_of(spec)
    exempting = tier_of({**spec, "exemptions": {"users": ["x"]}})
    for existing, joined in ((there, "case"), (exempting, "team-a"), (None, "team-a")):
        (found,) = plan([native(*objects, other)], mode="Warn", existing={"case": existing}).tiers
        assert (found.tier.name, found.exists) == (joined, joined == "case")
