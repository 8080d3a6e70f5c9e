"""What a Tier may not say: each fault with its place and reason (L-2, R-2 to R-5, design section 2), all at once."""

from __future__ import annotations

import pytest

from tests.builders import a_tier, a_tier_quota, an_item
from tiergate.core.tier import LimitRangeItem, Tier
from tiergate.core.tier_faults import faults

Found = list[tuple[str, str]]


def found(tier: Tier) -> Found:
    return [(fault.pointer, fault.reason) for fault in faults(tier)]


def item(expected: Found, made: LimitRangeItem, name: str) -> object:
    return pytest.param(made, [(f"/spec/limits/0{pointer}", reason) for pointer, reason in expected], id=name)


CPU1, CPU2, CPU3 = {"cpu": "1"}, {"cpu": "2"}, {"cpu": "3"}


@pytest.mark.rule("D-10", "L-2", "negative-limit", "claim-defaults")
@pytest.mark.parametrize(
    ("made", "expected"),
    [
        item([("/min/cpu", "min value 2 is greater than max value 1")], an_item("Pod", low=CPU2, high=CPU1), "L-2-min"),
        item(
            [("/min/cpu", "min value 2 is greater than default request value 1")],
            an_item(low=CPU2, default_request=CPU1),
            "L-2-min-above-defaultRequest",
        ),
        item(
            [
                ("/defaultRequest/cpu", "default request value 2 is greater than max value 1"),
                ("/defaultRequest/cpu", "default request value 2 is greater than default value 1"),
            ],
            an_item(default_request=CPU2, high=CPU1),
            "L-2-defaultRequest-above-max",
        ),
        item(
            [("/defaultRequest/cpu", "default request value 2 is greater than default value 1")],
            an_item(default_request=CPU2, default=CPU1),
            "L-2-defaultRequest-above-default",
        ),
        item(
            [
                ("/min/cpu", "min value 3 is greater than default request value 2"),
                ("/min/cpu", "min value 3 is greater than default value 2"),
            ],
            an_item(low=CPU3, default=CPU2),
            "L-2-min-above-default",
        ),
        item(
            [
                ("/defaultRequest/cpu", "default request value 2 is greater than max value 1"),
                ("/default/cpu", "default value 2 is greater than max value 1"),
            ],
            an_item(default=CPU2, high=CPU1),
            "L-2-default-above-max",
        ),
        item(
            [
                ("/default/memory", "256m is a fraction of a byte; m means a thousandth"),
                ("/defaultRequest/ephemeral-storage", "128m is a fraction of a byte; m means a thousandth"),
            ],
            an_item(default={"cpu": "1m", "memory": "256m"}, default_request={"ephemeral-storage": "128m"}),
            "fractions-of-a-byte",
        ),
        item(
            [("/maxLimitRequestRatio/cpu", "ratio 999m is less than 1")],
            an_item(ratio={"cpu": "0.999"}),
            "L-2-ratio-below-1",
        ),
        item(
            [("/maxLimitRequestRatio/cpu", "ratio 4 is greater than max/min = 1.333333")],
            an_item("Pod", low=CPU3, high={"cpu": "4"}, ratio={"cpu": "4"}),
            "L-2-ratio-above-max-over-min",
        ),
        item(
            [
                ("/max/cpu", "-4 is negative"),
                ("/min/cpu", "min value 3 is greater than max value -4"),
                ("/maxLimitRequestRatio/cpu", "ratio 4 is greater than max/min = -1.333333"),
            ],
            an_item("Pod", low=CPU3, high={"cpu": "-4"}, ratio={"cpu": "4"}),
            "L-2-ratio-above-a-negative-one",
        ),
        item(
            [
                ("/min/cpu", "min value 9M is greater than max value 1"),
                ("/maxLimitRequestRatio/cpu", "ratio 4 is greater than max/min = 0.000000"),
            ],
            an_item("Pod", low={"cpu": "9M"}, high=CPU1, ratio={"cpu": "4"}),
            "L-2-ratio-above-nearly-none",
        ),
        item(
            [("/maxLimitRequestRatio/cpu", f"ratio {10**17}E is greater than max/min = 1{'0' * 34}.000000")],
            an_item("Pod", low={"cpu": "1m"}, high={"cpu": "1e31"}, ratio={"cpu": "1" + "0" * 35}),
            "L-2-ratio-beyond-floats",
        ),
        item(
            [("/default/nvidia.com~1gpu", "default value 2 must equal to defaultRequest value 1 in nvidia.com/gpu")],
            an_item(default={"nvidia.com/gpu": "2"}, default_request={"nvidia.com/gpu": "1"}),
            "L-2-extended-default",
        ),
        item(
            [("/default/hugepages-2Mi", "default value 4Mi must equal to defaultRequest value 2Mi in hugepages-2Mi")],
            an_item(default={"hugepages-2Mi": "4Mi"}, default_request={"hugepages-2Mi": "2Mi"}),
            "L-2-hugepages-default",
        ),
        item(
            [
                ("/default", "may not be specified when `type` is 'Pod'"),
                ("/defaultRequest", "may not be specified when `type` is 'Pod'"),
            ],
            an_item("Pod", default=CPU1, default_request=CPU1),
            "L-2-Pod-defaults",
        ),
        item(
            [
                ("/default", "may not be specified when `type` is 'PersistentVolumeClaim'"),
                ("/defaultRequest", "may not be specified when `type` is 'PersistentVolumeClaim'"),
            ],
            an_item(
                "PersistentVolumeClaim",
                default={"storage": "1Gi"},
                default_request={"storage": "1Gi"},
                high={"storage": "2Gi"},
            ),
            "claim-defaults",
        ),
        item(
            [("", "either minimum or maximum storage value is required, but neither was provided")],
            an_item("PersistentVolumeClaim", low=CPU1),
            "L-2-claim-without-storage",
        ),
        item(
            [("/type", '"Node" is not one of Container, Pod, PersistentVolumeClaim')], an_item("Node"), "L-2-type"
        ),
        item(
            [("/max/requests.cpu", "must be a standard resource for containers")],
            an_item("Pod", high={"requests.cpu": "1"}),
            "D-10-a-quota-name",
        ),
        item(
            [("/max/requests.nvidia.com~1gpu", "must be a standard resource for containers")],
            an_item("Pod", high={"requests.nvidia.com/gpu": "1"}),
            "D-10-a-quota-name-of-a-gpu",
        ),
        item(
            [("/min/storage", "must be a standard resource for containers")],
            an_item("Pod", low={"storage": "1"}),
            "D-10-storage-of-a-pod",
        ),
        item(
            [("/max/disk", "must be a standard resource type")],
            an_item("PersistentVolumeClaim", high={"storage": "1", "disk": "1"}),
            "L-2-claim-name",
        ),
        item(
            [("/min/a~1b~1c", "is not a resource name"), ("/min/disk", "must be a standard resource for containers")],
            an_item("Pod", low={"a/b/c": "1", "hugepages-2Mi": "2Mi", "disk": "1"}),
            "D-10-whatever-stands-before",
        ),
        item([("/min/cpu", "-1 is negative")], an_item("Pod", low={"cpu": "-1"}), "negative"),
        item(
            [("/default/cpu", "-1 is negative"), ("/defaultRequest/cpu", "-2 is negative")],
            an_item(default={"cpu": "-1"}, default_request={"cpu": "-2"}),
            "negative-defaults-once",
        ),
    ],
)  # fmt: skip
def test_a_faulty_item_is_named(made: LimitRangeItem, expected: Found) -> None:
    assert found(a_tier(made)) == expected


@pytest.mark.rule("D-10", "L-1", "L-2")
@pytest.mark.parametrize(
    "made",
    [
        pytest.param(an_item(low=CPU1, high=CPU1, default=CPU1, default_request=CPU1, ratio=CPU1), id="L-2-all-equal"),
        pytest.param(an_item(low=CPU1, high=CPU2, ratio=CPU2), id="L-2-ratio-equals-max-over-min"),
        pytest.param(an_item(ratio={"memory": "1500m"}), id="L-2-a-ratio-is-no-amount-of-bytes"),
        pytest.param(an_item(high={"cpu": "2"}, low={"memory": "1Mi"}), id="L-1-derived"),
        pytest.param(an_item(default={"nvidia.com/gpu": "1"}), id="L-2-extended-derived"),
        pytest.param(an_item(high={"hugepages-2Mi": "2Mi", "ephemeral-storage": "1Gi"}), id="D-10-names"),
        pytest.param(an_item("PersistentVolumeClaim", high={"storage": "1Gi"}), id="L-2-claim-max"),
        pytest.param(an_item("PersistentVolumeClaim", low={"storage": "1Gi"}), id="L-2-claim-min"),
        pytest.param(an_item("Pod", high=CPU1), id="L-2-pod"),
    ],
)
def test_a_sound_item_has_no_fault(made: LimitRangeItem) -> None:
    assert found(a_tier(made)) == []


def test_one_item_for_each_type() -> None:
    tier = a_tier(an_item(), an_item("Pod"), an_item())
    assert found(tier) == [("/spec/limits/2/type", "a second item of type Container")]


@pytest.mark.rule("quota-name")
def test_all_faults_are_reported_at_once_in_order_of_position() -> None:
    tier = a_tier(
        an_item("Pod", low=CPU2, high=CPU1),
        an_item("Disk"),
        quotas=[a_tier_quota({"nvidia.com/gpu": "1", "pods": "-1"}), a_tier_quota({"pods": "1"}, scopes=["Idle"])],
    )
    assert [fault.pointer for fault in faults(tier)] == [
        "/spec/limits/0/min/cpu",
        "/spec/limits/1/type",
        "/spec/quotas/0/hard/nvidia.com~1gpu",
        "/spec/quotas/0/hard/pods",
        "/spec/quotas/1/name",
        "/spec/quotas/1/scopes",
    ]
