"""What the quotas of a Tier may not say, alone and beside its limits."""

from __future__ import annotations

import pytest

from tests.builders import Texts, a_tier, a_tier_quota, an_item
from tests.core.test_tier_faults import CPU1, CPU2, Found, found
from tiergate.core.tier import LimitRangeItem, ScopeRequirement, TierQuota
from tiergate.core.tier_faults import faults, quota_name_fault

MEASURED = [
    "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage",
    "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods", "resourcequotas",
    "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps", "services.nodeports",
    "services.loadbalancers", "hugepages-2Mi", "requests.hugepages-1Gi", "requests.nvidia.com/gpu", "count/jobs.batch",
    "count/pods", "gold.storageclass.storage.k8s.io/requests.storage",
    "gold.storageclass.storage.k8s.io/persistentvolumeclaims", "gpu.deviceclass.resource.k8s.io/devices",
    "requests.deviceclass.resource.kubernetes.io/gpu",
]  # fmt: skip
GPU = 'never measured under this name: an extended resource is named "requests.nvidia.com/gpu"'
NOTHING = "no quota measures this name"
UNMEASURED = {
    "nvidia.com/gpu": GPU,
    "limits.nvidia.com/gpu": GPU,
    "storage": NOTHING,
    "limits.hugepages-2Mi": NOTHING,
    "request.cpu": NOTHING,
    "": NOTHING,
    "count/": NOTHING,
    "node.kubernetes.io/x": NOTHING,
    "requests.gpu": NOTHING,
}


@pytest.mark.rule("R-2", "R-47")
@pytest.mark.parametrize("name", MEASURED, ids=[f"R-2-{name}" for name in MEASURED])
def test_a_name_that_native_quota_measures_is_allowed(name: str) -> None:
    assert quota_name_fault(name) is None


@pytest.mark.rule("R-22")
@pytest.mark.parametrize(("name", "reason"), UNMEASURED.items(), ids=[f"R-22-{name}" for name in UNMEASURED])
def test_a_name_that_nothing_measures_is_a_fault(name: str, reason: str) -> None:
    (fault,) = faults(a_tier(quotas=[a_tier_quota({name: "1"})]))
    assert (fault.pointer, fault.reason) == (f"/spec/quotas/0/hard/{name.replace('/', '~1')}", reason)


def quota(expected: Found, made: TierQuota, name: str) -> object:
    return pytest.param(made, [(f"/spec/quotas/0{pointer}", reason) for pointer, reason in expected], id=name)


BEYOND = "is more than Kubernetes can count, which is 9223372036854775"
SCOPES = (
    "BestEffort, CrossNamespacePodAffinity, NotBestEffort, NotTerminating, PriorityClass, Terminating, "
    "VolumeAttributesClass"
)


@pytest.mark.rule("R-3", "R-4", "R-5", "R-7", "R-47")
@pytest.mark.parametrize(
    ("made", "expected"),
    [
        quota(
            [
                ("/hard/limits.memory", "512m is a fraction of a byte; m means a thousandth"),
                ("/hard/requests.hugepages-2Mi", "2m is a fraction of a byte; m means a thousandth"),
                ("/hard/requests.storage", "1m is a fraction of a byte; m means a thousandth"),
            ],
            a_tier_quota(
                {
                    "limits.memory": "512m",
                    "requests.hugepages-2Mi": "2m",
                    "requests.storage": "1m",
                    "limits.cpu": "1m",
                }
            ),
            "fractions-of-a-byte",
        ),
        quota([("/hard/pods", "-1 is negative")], a_tier_quota({"pods": "-1"}), "R-3-negative"),
        quota([("/hard/pods", "1500m is not a whole number")], a_tier_quota({"pods": "1.5"}), "R-3-whole-pods"),
        quota(
            [("/hard/count~1jobs.batch", "500m is not a whole number")],
            a_tier_quota({"count/jobs.batch": "0.5"}),
            "R-3-whole-counts",
        ),
        quota(
            [("/hard/gold.storageclass.storage.k8s.io~1requests.storage", f"9Pi {BEYOND}")],
            a_tier_quota({"gold.storageclass.storage.k8s.io/requests.storage": "9Pi", "requests.storage": "9Pi"}),
            "R-3-the-API-server-finds-9Pi-of-a-class-no-integer",
        ),
        quota([], a_tier_quota({"count/jobs.batch": "8Pi"}), "R-3-8Pi-can-be-counted"),
        quota([], a_tier_quota({"requests.nvidia.com/gpu": "1.5"}), "R-3-requests-of-extended-may-have-fractions"),
        quota([], a_tier_quota({"requests.example.com/gpu.memory": "1.5"}), "R-3-also-of-one-that-is-named-like-bytes"),
        quota([], a_tier_quota({"requests.cpu": "1.5"}), "R-3-cpu-may-have-fractions"),
        quota(
            [("/scopes", "unsupported scope applied to resource: BestEffort with requests.cpu")],
            a_tier_quota({"pods": "1", "requests.cpu": "1"}, scopes=["BestEffort"]),
            "R-4-BestEffort-goes-with-pods-only",
        ),
        quota(
            [("/scopes", "unsupported scope applied to resource: Terminating with requests.storage")],
            a_tier_quota({"requests.storage": "1", "cpu": "1"}, scopes=["Terminating"]),
            "R-4-pod-scope-and-storage",
        ),
        quota(
            [("/scopes", "unsupported scope applied to resource: NotBestEffort with ephemeral-storage")],
            a_tier_quota({"ephemeral-storage": "1"}, scopes=["NotBestEffort"]),
            "R-4-pod-scope-and-ephemeral-storage",
        ),
        quota(
            [("/scopes", "unsupported scope applied to resource: VolumeAttributesClass with pods")],
            a_tier_quota({"persistentvolumeclaims": "1", "pods": "1"}, scopes=["VolumeAttributesClass"]),
            "R-4-claim-scope-and-pods",
        ),
        quota(
            [],
            a_tier_quota({"count/pods": "1", "requests.nvidia.com/gpu": "1"}, scopes=["BestEffort"]),
            "R-4-only-standard-names",
        ),
        quota(
            [("/scopes", "conflicting scopes BestEffort and NotBestEffort")],
            a_tier_quota({"pods": "1"}, scopes=["BestEffort", "NotBestEffort"]),
            "R-4-conflict-best-effort",
        ),
        quota(
            [("/scopes", "conflicting scopes Terminating and NotTerminating")],
            a_tier_quota({"pods": "1"}, scopes=["Terminating"], selector=[ScopeRequirement("NotTerminating")]),
            "R-4-conflict-across-both-fields",
        ),
        quota(
            [
                (
                    "/scopes",
                    f'"Idle" is not one of {SCOPES}',
                )
            ],
            a_tier_quota({"pods": "1"}, scopes=["Idle"]),
            "R-4-unknown-scope",
        ),
        quota(
            [
                (
                    "/scopeSelector/matchExpressions/0/scopeName",
                    "unsupported scope applied to resource: PriorityClass with services",
                )
            ],
            a_tier_quota({"services": "1"}, selector=[ScopeRequirement("PriorityClass")]),
            "R-4-in-a-selector",
        ),
        quota(
            [("/scopeSelector/matchExpressions/0/values", "operator In needs values")],
            a_tier_quota({"pods": "1"}, selector=[ScopeRequirement("PriorityClass", "In")]),
            "R-5-In-needs-values",
        ),
        quota(
            [("/scopeSelector/matchExpressions/0/values", "operator DoesNotExist takes no values")],
            a_tier_quota({"pods": "1"}, selector=[ScopeRequirement("PriorityClass", "DoesNotExist", ("x",))]),
            "R-5-DoesNotExist-takes-none",
        ),
        quota(
            [("/scopeSelector/matchExpressions/0/operator", '"Is" is not one of In, NotIn, Exists, DoesNotExist')],
            a_tier_quota({"pods": "1"}, selector=[ScopeRequirement("PriorityClass", "Is", ("x",))]),
            "R-5-unknown-operator",
        ),
        quota(
            [
                (
                    "/scopeSelector/matchExpressions/0/operator",
                    "scope Terminating allows only the operator Exists",
                )
            ],
            a_tier_quota({"pods": "1"}, selector=[ScopeRequirement("Terminating", "In", ("x",))]),
            "R-5-only-Exists",
        ),
        quota(
            [],
            a_tier_quota({"pods": "1"}, selector=[ScopeRequirement("PriorityClass", "NotIn", ("low",))]),
            "R-5-sound",
        ),
    ],
)  # fmt: skip
def test_a_faulty_quota_is_named(made: TierQuota, expected: Found) -> None:
    assert found(a_tier(quotas=[made])) == expected


@pytest.mark.rule("quota-name")
def test_quota_names_are_unique() -> None:
    tier = a_tier(quotas=[a_tier_quota({"pods": "1"}), a_tier_quota({"pods": "1"})])
    assert found(tier) == [("/spec/quotas/1/name", 'a second quota named "compute"')]


@pytest.mark.rule("L-1", "unreachable-default")
@pytest.mark.parametrize(
    ("made", "hard", "expected"),
    [
        pytest.param(
            an_item(default=CPU2, default_request=CPU1),
            {"limits.cpu": "1"},
            [("/default/cpu", '2 never fits quota "compute": limits.cpu is 1')],
            id="limit",
        ),
        pytest.param(
            an_item(default_request=CPU2),
            {"requests.cpu": "1", "cpu": "1"},
            [
                ("/defaultRequest/cpu", '2 never fits quota "compute": requests.cpu is 1'),
                ("/defaultRequest/cpu", '2 never fits quota "compute": cpu is 1'),
            ],
            id="request-under-both-names",
        ),
        pytest.param(
            an_item(high=CPU2, default_request=CPU1),
            {"limits.cpu": "1"},
            [("/default/cpu", '2 never fits quota "compute": limits.cpu is 1')],
            id="L-1-derived-default",
        ),
        pytest.param(an_item(default=CPU1), {"limits.cpu": "1", "requests.cpu": "1"}, [], id="equal-fits"),
        pytest.param(an_item("Pod", high=CPU2), {"limits.cpu": "1"}, [], id="a-range-is-no-default"),
    ],
)
def test_a_default_that_can_never_fit_its_quota_is_a_fault(made: LimitRangeItem, hard: Texts, expected: Found) -> None:
    claims = an_item("PersistentVolumeClaim", high={"storage": "1Gi"})
    tier = a_tier(claims, made, quotas=[a_tier_quota(hard)])
    assert found(tier) == [(f"/spec/limits/1{pointer}", reason) for pointer, reason in expected]


@pytest.mark.rule("unreachable-default", "limit-zero")
@pytest.mark.parametrize(
    ("item", "hard", "faulty"),
    [
        pytest.param(an_item(default={"cpu": "0"}), {"limits.cpu": "4"}, True, id="quota"),
        pytest.param(an_item(default={"cpu": "0"}, high={"cpu": "1"}), {}, True, id="max"),
        pytest.param(an_item(default={"cpu": "0"}), {"limits.memory": "4Gi", "requests.cpu": "4"}, False, id="alone"),
        pytest.param(an_item(default={"nvidia.com/gpu": "0"}), {"requests.nvidia.com/gpu": "1"}, False, id="a-gpu"),
    ],
)
def test_a_default_limit_of_zero_of_what_is_bounded_is_a_fault(item: LimitRangeItem, hard: Texts, faulty: bool) -> None:  # noqa: FBT001  # of a table
    reason = "0 means no limit, and the tier bounds it: no container with it would be admitted"
    expected = [("/spec/limits/0/default/cpu", reason)] if faulty else []
    tier = a_tier(item, quotas=[a_tier_quota(hard)] if hard else ())
    assert [(one.pointer, one.reason) for one in faults(tier)] == expected


def test_a_scoped_quota_does_not_make_a_default_unreachable() -> None:
    scoped = a_tier_quota({"limits.cpu": "1"}, scopes=["Terminating"])
    assert found(a_tier(an_item(default=CPU2), quotas=[scoped])) == []


ITEM = an_item("Pod", high=CPU2)
SCOPED = a_tier_quota({"pods": "1"}, name="scoped", scopes=["BestEffort"])


@pytest.mark.rule("R-7")
@pytest.mark.parametrize(
    ("items", "hard", "others", "needed"),
    [
        pytest.param([ITEM], {"count/limitranges": "0"}, [], "1 LimitRange", id="limitranges"),
        pytest.param([ITEM], {"count/limitranges": "1"}, [], None, id="limitranges-enough"),
        pytest.param([], {"count/limitranges": "0"}, [], None, id="no-limits-no-limitrange"),
        pytest.param([], {"resourcequotas": "0"}, [], "1 ResourceQuota", id="the-quota-counts-itself"),
        pytest.param([], {"count/resourcequotas": "0"}, [], "1 ResourceQuota", id="the-other-name"),
        pytest.param([], {"resourcequotas": "1"}, [SCOPED], "2 ResourceQuotas", id="one-for-each-scope-set"),
        pytest.param([], {"resourcequotas": "2", "count/resourcequotas": "9"}, [SCOPED], None, id="quotas-enough"),
        pytest.param(
            [], {"resourcequotas": "1"}, [a_tier_quota({"pods": "1"}, name="more")], None, id="merged-into-one"
        ),
        pytest.param([ITEM], {"services": "0", "count/roles.rbac.authorization.k8s.io": "0"}, [], None, id="not-ours"),
    ],
)
def test_a_quota_has_room_for_the_objects_of_the_tier(
    items: list[LimitRangeItem], hard: Texts, others: list[TierQuota], needed: str | None
) -> None:
    name, bound = next(iter(hard.items()))
    pointer = f"/spec/quotas/0/hard/{name.replace('/', '~1')}"
    reason = f"{bound} is less than the tier itself needs in each namespace: {needed}; set at least {str(needed)[:1]}"
    expected = [] if needed is None else [(pointer, reason)]
    assert found(a_tier(*items, quotas=[a_tier_quota(hard), *others])) == expected


@pytest.mark.rule("R-7")
def test_a_scoped_quota_never_counts_the_objects_of_the_tier() -> None:
    none = {"count/limitranges": "0"}
    scoped = a_tier_quota(none, name="scoped", scopes=["BestEffort"])
    assert found(a_tier(ITEM, quotas=[scoped])) == []
    both = faults(a_tier(ITEM, quotas=[scoped, a_tier_quota(none)]))
    assert [one.pointer for one in both] == ["/spec/quotas/1/hard/count~1limitranges"]
