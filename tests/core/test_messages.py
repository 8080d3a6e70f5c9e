"""The sentences kubectl prints: what, where, asked, allowed, and the smallest change that would pass."""

from __future__ import annotations

import typing
from collections.abc import Callable

import pytest

from tests.builders import (
    Texts,
    a_claim,
    a_container,
    a_pod,
    a_quota,
    a_request,
    a_tier,
    a_tier_quota,
    an_item,
    the_facts,
    validated,
)
from tiergate.core.claim import Claim
from tiergate.core.decide import decide
from tiergate.core.decision import Decision, RuleId
from tiergate.core.facts import InvalidTier, MissingTier
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.request import TierChange
from tiergate.core.rules import RULES, sentence
from tiergate.core.text import shortened
from tiergate.core.tier import LimitRangeItem, Tier


def lines(decision: Decision) -> list[str]:
    return [sentence(one, namespace="dev") for one in decision.findings]


def judged(
    subject: Pod | Claim,
    *items: LimitRangeItem,
    quotas: tuple[QuotaStatus, ...] = (),
    old: Pod | Claim | None = None,
    tier: Tier | None = None,
) -> list[str]:
    return lines(validated(subject, old=old, tier=tier or a_tier(*items), quotas=quotas))


def decided(tier: MissingTier | InvalidTier) -> Decision:
    return decide(a_request(a_pod()), the_facts(tier, fresh=frozenset({"tier"})))


def agent(requests: Texts | None = None, limits: Texts | None = None) -> Pod:
    return a_pod(a_container(requests=requests, limits=limits))


MAX = an_item(high={"memory": "512Mi"})
SETUP = a_container("setup", init=True, limits={"memory": "2Gi"})
MOST, LEAST = "allows at most 512Mi", "asks for at least 10m"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            lambda: judged(agent({"memory": "1Mi"}, {"memory": "2Gi"}), MAX),
            [f'container "agent": limits.memory is 2Gi, the tier {MOST}; set limits.memory to 512Mi or less'],
            id="limit-max",
        ),
        pytest.param(
            lambda: judged(agent({"memory": "2048Mi"}, {"memory": "512Mi"}), MAX),
            [
                (
                    'container "agent": requests.memory is 2Gi, the tier allows at most 512Mi; '
                    "set requests.memory to 512Mi or less"
                )
            ],
            id="request-max",
        ),
        pytest.param(
            lambda: judged(agent(), MAX),
            [
                (
                    'container "agent": limits.memory is not set, the tier allows at most 512Mi; '
                    "set limits.memory to 512Mi or less"
                )
            ],
            id="limit-max-not-set",
        ),
        pytest.param(
            lambda: judged(agent(limits={"cpu": "5m"}), an_item(low={"cpu": "10m"})),
            [
                f'container "agent": requests.cpu is 5m, the tier {LEAST}; set requests.cpu to 10m or more',
                'container "agent": limits.cpu is 5m, the tier asks for at least 10m; set limits.cpu to 10m or more',
            ],
            id="request-min-limit-min",
        ),
        pytest.param(
            lambda: judged(agent(limits={"memory": "0"}), MAX),
            [
                (
                    'container "agent": limits.memory is 0, which means no limit, the tier allows at most 512Mi; '
                    "set limits.memory above 0 and to 512Mi or less, or leave it out"
                )
            ],
            id="limit-zero",
        ),
        pytest.param(
            lambda: judged(agent({"cpu": "300m"}, {"cpu": "1"}), an_item(ratio={"cpu": "3"})),
            [
                (
                    'container "agent": limits.cpu / requests.cpu is 1 / 300m, the tier allows at most 3; '
                    "raise requests.cpu to 334m or lower limits.cpu"
                )
            ],
            id="limit-request-ratio",
        ),
        pytest.param(
            lambda: judged(agent({"cpu": "1"}), an_item(ratio={"cpu": "3"})),
            [
                (
                    'container "agent": limits.cpu is not set or 0, '
                    "the tier allows limits.cpu / requests.cpu at most 3; set limits.cpu"
                )
            ],
            id="limit-request-ratio-no-limit",
        ),
        pytest.param(
            lambda: judged(agent(), an_item(ratio={"cpu": "3"})),
            [
                (
                    'container "agent": requests.cpu is not set or 0, '
                    "the tier allows limits.cpu / requests.cpu at most 3; set requests.cpu"
                )
            ],
            id="limit-request-ratio-no-request",
        ),
        pytest.param(
            lambda: judged(a_pod(init=[SETUP], limits={"memory": "1"}), MAX)[0],
            f'init container "setup": limits.memory is 2Gi, the tier {MOST}; set limits.memory to 512Mi or less',
            id="init-container",
        ),
        pytest.param(
            lambda: judged(
                agent(limits={"cpu": "3"}), an_item("Pod", high={"cpu": "2"}, low={"cpu": "4"}, ratio={"cpu": "2"})
            ),
            [
                "pod: requests.cpu is 3, the tier asks for at least 4; set requests.cpu to 4 or more",
                "pod: limits.cpu is 3, the tier asks for at least 4; set limits.cpu to 4 or more",
                "pod: limits.cpu is 3, the tier allows at most 2; set limits.cpu to 2 or less",
                "pod: requests.cpu is 3, the tier allows at most 2; set requests.cpu to 2 or less",
            ],
            id="pod-min-and-max",
        ),
        pytest.param(
            lambda: judged(agent({"cpu": "1"}, {"cpu": "3"}), an_item("Pod", ratio={"cpu": "2"})),
            [
                (
                    "pod: limits.cpu / requests.cpu is 3 / 1, the tier allows at most 2; "
                    "raise requests.cpu to 1500m or lower limits.cpu"
                )
            ],
            id="pod-limit-request-ratio",
        ),
        pytest.param(
            lambda: judged(a_claim("1Gi"), an_item("PersistentVolumeClaim", low={"storage": "2Gi"})),
            ["claim: requests.storage is 1Gi, the tier asks for at least 2Gi; set requests.storage to 2Gi or more"],
            id="claim-min",
        ),
        pytest.param(
            lambda: judged(a_claim(None), an_item("PersistentVolumeClaim", high={"storage": "2Gi"})),
            ["claim: requests.storage is not set, the tier allows at most 2Gi; set requests.storage to 2Gi or less"],
            id="claim-max",
        ),
        pytest.param(
            lambda: judged(agent(), quotas=(a_quota({"limits.cpu": "4"}, name="theirs", managed=False),)),
            ['quota "theirs": container "agent" has no limits.cpu, which the quota counts; set limits.cpu'],
            id="quota-required",
        ),
        pytest.param(
            lambda: judged(agent(), tier=a_tier(quotas=[a_tier_quota({"pods": "1"})])),
            ['quota "compute" is being set up in dev; try again in a moment'],
            id="quota-pending",
        ),
        pytest.param(
            lambda: lines(decided(MissingTier("dve"))),
            [
                (
                    'the label tiergate.io/tier of namespace "dev" names "dve", and there is no such tier; '
                    "create it or correct the label"
                )
            ],
            id="tier-missing",
        ),
        pytest.param(
            lambda: lines(
                decided(InvalidTier("dev", "/spec/limits/0/min/cpu: min value 2 is greater than max value 1"))
            ),
            ["tier dev: /spec/limits/0/min/cpu: min value 2 is greater than max value 1; correct the tier"],
            id="tier-invalid",
        ),
    ],
)
def test_each_rule_has_its_sentence(found: Callable[[], object], expected: object) -> None:
    assert found() == expected


def over(subject: Pod | Claim, hard: Texts, used: Texts, old: Pod | Claim | None = None) -> str:
    (line,) = judged(subject, quotas=(a_quota(hard, used, name="compute", managed=False),), old=old)
    return line


TWO = a_pod(a_container("a", limits={"cpu": "1"}), a_container("b", limits={"cpu": "1"}))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            lambda: over(agent(limits={"cpu": "1"}), {"limits.cpu": "4"}, {"limits.cpu": "3500m"}),
            'quota "compute": limits.cpu asks 1, used 3500m of 4, over by 500m; '
            "set limits.cpu to 500m or less, or free 500m in dev",
            id="the-example-of-the-contract",
        ),
        pytest.param(
            lambda: over(agent(limits={"cpu": "1"}), {"limits.cpu": "4"}, {"limits.cpu": "4"}),
            'quota "compute": limits.cpu asks 1, used 4 of 4, over by 1; free 1 in dev',
            id="nothing-fits",
        ),
        pytest.param(
            lambda: over(TWO, {"limits.cpu": "4"}, {"limits.cpu": "3"}),
            'quota "compute": limits.cpu asks 2, used 3 of 4, over by 1; '
            "lower limits.cpu of all its containers together to 1 or less, or free 1 in dev",
            id="several-containers",
        ),
        pytest.param(
            lambda: over(agent(), {"pods": "20"}, {"pods": "20"}),
            'quota "compute": pods asks 1, used 20 of 20, over by 1; free 1 in dev',
            id="counted-objects",
        ),
        pytest.param(
            lambda: over(agent(limits={"memory": "1Gi"}), {"limits.memory": "2Gi"}, {"limits.memory": "1536Mi"}),
            'quota "compute": limits.memory asks 1Gi, used 1536Mi of 2Gi, over by 512Mi; '
            "set limits.memory to 512Mi or less, or free 512Mi in dev",
            id="binary-units",
        ),
        pytest.param(
            lambda: over(
                agent(limits={"cpu": "800m"}),
                {"limits.cpu": "4"},
                {"limits.cpu": "3800m"},
                agent(limits={"cpu": "300m"}),
            ),
            'quota "compute": limits.cpu asks 500m, used 3800m of 4, over by 300m; '
            "set limits.cpu to 500m or less, or free 300m in dev",
            id="a-resize-names-the-whole-amount",
        ),
        pytest.param(
            lambda: over(a_claim("8Gi"), {"requests.storage": "10Gi"}, {"requests.storage": "5Gi"}),
            'quota "compute": requests.storage asks 8Gi, used 5Gi of 10Gi, over by 3Gi; '
            "set requests.storage to 5Gi or less, or free 3Gi in dev",
            id="storage",
        ),
        pytest.param(
            lambda: over(
                a_claim("8Gi", storage_class="gold"), {"gold.storageclass.storage.k8s.io/requests.storage": "6Gi"}, {}
            ),
            'quota "compute": gold.storageclass.storage.k8s.io/requests.storage asks 8Gi, used 0 of 6Gi, over by 2Gi; '
            "set requests.storage to 6Gi or less",
            id="storage-of-a-class",
        ),
        pytest.param(
            lambda: over(
                a_pod(a_container(requests={"nvidia.com/gpu": "4"})),
                {"requests.nvidia.com/gpu": "3"},
                {"requests.nvidia.com/gpu": "3"},
            ),
            'quota "compute": requests.nvidia.com/gpu asks 4, used 3 of 3, over by 4; the whole quota is 3',
            id="more-than-the-whole",
        ),
        pytest.param(
            lambda: over(a_pod(a_container(requests={"nvidia.com/gpu": "1"})), {"requests.nvidia.com/gpu": "0"}, {}),
            'quota "compute": requests.nvidia.com/gpu asks 1, used 0 of 0, over by 1; the quota allows none',
            id="none-at-all",
        ),
    ],
)
def test_a_refusal_by_quota_says_what_would_fit(found: Callable[[], str], expected: str) -> None:
    assert found() == expected


def of_tier(tier: Tier | None, members: int = 0) -> list[str]:
    names = tuple(f"team-{number}" for number in range(members))
    return lines(decide(a_request(TierChange(tier)), the_facts(None, members=names)))


TEN = "team-0, team-1, team-2, team-3, team-4, team-5, team-6, team-7, team-8, team-9"
MOVE = "move these namespaces to another tier or remove their label tiergate.io/tier first"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(lambda: of_tier(None, 10), f"in use by {TEN}; {MOVE}", id="all-namespaces-named"),
        pytest.param(lambda: of_tier(None, 12), f"in use by {TEN} and 2 more; {MOVE}", id="more-than-are-named"),
        pytest.param(
            lambda: of_tier(a_tier(quotas=[a_tier_quota({"services": "1"})], mode="Warn")),
            "tier dev: in mode Warn nothing is reported on services",
            id="quota-unmeasured",
        ),
        pytest.param(
            lambda: of_tier(a_tier(an_item("Pod", high={"cpu": "1"}))),
            "tier dev: Pod has a max for cpu and no min",
            id="max-without-min",
        ),
        pytest.param(
            lambda: of_tier(a_tier(quotas=[a_tier_quota({"requests.nvidia.com/gpu": "1"})])),
            "tier dev: ResourceClaims can ask for devices that requests.nvidia.com/gpu does not count; "
            "add <class>.deviceclass.resource.k8s.io/devices for each DeviceClass",
            id="devices-unbounded",
        ),
        pytest.param(
            lambda: of_tier(a_tier(groups=["system:authenticated"])),
            "tier dev: exempting group system:authenticated is rarely meant: all people and controllers are in it",
            id="exemption-broad",
        ),
    ],
)
def test_a_tier_that_is_written_or_deleted_has_its_sentence(found: Callable[[], list[str]], expected: str) -> None:
    assert found() == [expected]


@pytest.mark.parametrize(
    ("asked", "amount"), [("1", "500m"), ("700m", "500m"), ("501m", "500m")], ids=["1", "700m", "501m"]
)
def test_the_way_out_that_is_named_passes(asked: str, amount: str) -> None:
    quotas = (a_quota({"limits.cpu": "4"}, {"limits.cpu": "3500m"}),)
    (line,) = judged(agent(limits={"cpu": asked}), quotas=quotas)
    assert f"set limits.cpu to {amount} or less" in line
    assert judged(agent(limits={"cpu": amount}), quotas=quotas) == []


def test_every_rule_has_a_sentence() -> None:
    assert sorted(typing.get_args(RuleId)) == sorted(rule.id for rule in RULES)


def test_names_from_the_object_are_shown_printable_and_short() -> None:
    bad = a_container("x\n\x1b[31m" + "y" * 1000, limits={"memory": "2Gi"})
    line = judged(a_pod(bad), MAX)[0]
    assert line.isprintable()
    assert len(line) < 400


@pytest.mark.parametrize(("length", "shown"), [(7, "x" * 7), (8, "x" * 8), (9, "x" * 8 + "...")])
def test_a_text_is_cut_where_it_is_longer_than_allowed(length: int, shown: str) -> None:
    assert shortened("x" * length, 8) == shown
