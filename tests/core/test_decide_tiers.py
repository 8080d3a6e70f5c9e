"""A Tier that is written or deleted: its faults, and what is warned of."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import (
    a_request,
    a_tier,
    a_tier_quota,
    an_item,
    the_facts,
)
from tests.core.deciding import TIER
from tiergate.core.decide import decide
from tiergate.core.request import TierChange
from tiergate.core.tier import Tier


def test_a_deleted_tier_whose_name_cannot_be_read_is_said_to_be_malformed() -> None:
    nameless = msgspec.structs.replace(a_request(TierChange(None)), name="")
    (found,) = decide(nameless, the_facts(None, members=("dev",))).findings
    assert (found.rule, found.pointer, found.detail) == (
        "malformed",
        "/request/oldObject",
        "the name cannot be read",
    )


BAD = a_tier(an_item("Pod", low={"cpu": "2"}, high={"cpu": "1"}))
ODD = a_tier(an_item(high={"cpu": "1"}), an_item("Pod", low={"cpu": "1"}, high={"cpu": "2", "memory": "1Gi"}))


@pytest.mark.parametrize(
    ("change", "members", "denied", "warned"),
    [
        pytest.param(TierChange(TIER), (), [], [], id="sound"),
        pytest.param(TierChange(BAD), (), ["tier-invalid"], [], id="faulty"),
        pytest.param(TierChange(None, spec_unchanged=True), (), [], [], id="an-unchanged-spec-is-not-looked-at"),
        pytest.param(
            TierChange(ODD),
            (),
            [],
            ["default-derived", "default-derived", "max-without-min", "max-without-min", "default-pod-refused"],
            id="what-is-rarely-meant",
        ),
        pytest.param(
            TierChange(a_tier(an_item(high={"a.org/gpu": "2"}), an_item("Pod", high={"a.org/gpu": "4"}))),
            (),
            [],
            ["default-derived"],
            id="a-device-for-each-container",
        ),
        pytest.param(
            TierChange(a_tier(an_item("Pod", high={"a.org/gpu": "4"}))),
            (),
            [],
            ["default-pod-refused"],
            id="a-device-that-each-pod-has-to-set",
        ),
        pytest.param(
            TierChange(
                a_tier(
                    an_item(default={"a.org/gpu": "0"}, high={"a.org/gpu": "2"}),
                    an_item("Pod", high={"a.org/gpu": "4"}),
                )
            ),
            (),
            [],
            [],
            id="a-device-as-the-documentation-bounds-it",
        ),
        pytest.param(
            TierChange(a_tier(quotas=[a_tier_quota({"services": "1"})], mode="Warn")),
            (),
            [],
            ["quota-unmeasured"],
            id="names-nobody-measures",
        ),
        pytest.param(
            TierChange(
                a_tier(
                    quotas=[
                        a_tier_quota({"cpu": "3", "requests.memory": "1Gi", "limits.cpu": "2", "limits.memory": "1Gi"})
                    ]
                )
            ),
            (),
            [],
            ["quota-requests-above-limits"],
            id="requests-above-limits",
        ),
        pytest.param(TierChange(None), (), [], [], id="deleted"),
        pytest.param(TierChange(None), ("dev",), ["tier-in-use"], [], id="deleted-in-use"),
    ],
)
def test_a_tier_that_is_written_or_deleted(
    change: TierChange, members: tuple[str, ...], denied: list[str], warned: list[str]
) -> None:
    decision = decide(a_request(change), the_facts(None, members=members))
    assert [one.rule for one in decision.findings if one.effect == "deny"] == denied
    assert [one.rule for one in decision.findings if one.effect == "warn"] == warned
    assert not decision.needs_fresh


def warned(tier: Tier) -> list[str]:
    decision = decide(a_request(TierChange(tier)), the_facts(None))
    assert decision.allowed
    return [one.rule for one in decision.findings]


CREATES = "it creates the pods of workloads"


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("group system:authenticated", "all people and controllers are in it"),
        ("group system:unauthenticated", "whoever has not logged in is in it"),
        ("group system:serviceaccounts", "all controllers and all programs in pods are in it"),
        (
            "group system:serviceaccounts:kube-system",
            "the controllers that create the pods of workloads are in it",
        ),
        ("group system:serviceaccounts:team", "every program that runs in namespace team is in it"),
        ("user system:anonymous", "it is whoever has not logged in"),
        ("user system:kube-controller-manager", CREATES),
        ("user system:serviceaccount:kube-system:replicaset-controller", CREATES),
        ("user system:serviceaccount:kube-system:daemon-set-controller", CREATES),
        ("user system:serviceaccount:kube-system:job-controller", CREATES),
    ],
)
def test_an_exemption_that_nearly_all_pods_come_by_is_warned_of(who: str, reason: str) -> None:
    """Everybody, or who creates the pods of workloads: it is said where it stands, beside one that is meant."""
    kind, name = who.split(" ")
    names = {f"{kind}s": ["ops", name]}
    tier = a_tier(users=names.get("users", []), groups=names.get("groups", []))
    (found,) = decide(a_request(TierChange(tier)), the_facts(None)).findings
    assert (found.rule, found.effect, found.pointer, found.user, found.detail) == (
        "exemption-broad",
        "warn",
        f"/spec/exemptions/{kind}s",
        who,
        reason,
    )


@pytest.mark.parametrize(
    "name",
    [
        "ops",
        "kube-system",
        "system:masters",
        "system:nodes",
        "system:serviceaccount:ci:deployer",
        "system:serviceaccount:ci:deployment-controller",
        "system:serviceaccount:kube-system:coredns",
    ],
)
def test_other_exemptions_are_not_warned_of(name: str) -> None:
    assert warned(a_tier(users=[name], groups=[name])) == []


@pytest.mark.rule("R-47")
@pytest.mark.parametrize(
    ("hard", "rules"),
    [
        pytest.param({"requests.nvidia.com/gpu": "0"}, ["devices-unbounded"], id="gpu"),
        pytest.param({"requests.example.org/fpga": "1"}, ["devices-unbounded"], id="any-device"),
        pytest.param({"requests.cpu": "1", "count/resourceclaims.resource.k8s.io": "9"}, [], id="no-device"),
        pytest.param(
            {"requests.nvidia.com/gpu": "1", "gpu.nvidia.com.deviceclass.resource.k8s.io/devices": "1"}, [], id="class"
        ),
        pytest.param(
            {"requests.nvidia.com/gpu": "0", "count/resourceclaims.resource.k8s.io": "0"}, [], id="no-claims-at-all"
        ),
        pytest.param(
            {"requests.nvidia.com/gpu": "1", "count/resourceclaims.resource.k8s.io": "9"},
            ["devices-unbounded"],
            id="a-claim-asks-for-many-devices",
        ),
    ],
)
def test_a_quota_on_devices_that_claims_go_past_is_warned_of(hard: dict[str, str], rules: list[str]) -> None:
    assert warned(a_tier(quotas=[a_tier_quota(hard)])) == rules
