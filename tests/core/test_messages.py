"""The sentences kubectl prints: what, where, asked, allowed, and the smallest change that would pass."""

from __future__ import annotations

import typing
from collections.abc import Callable

import pytest

from tests.builders import a_claim, a_container, a_pod, a_quota, a_request, a_tier, a_tier_quota, an_item, the_facts
from tests.core.sentences import agent, decided, judged, lines
from tiergate.core.decide import decide
from tiergate.core.decision import Fault, RuleId
from tiergate.core.facts import InvalidTier, MissingTier
from tiergate.core.request import TierChange, Unreadable
from tiergate.core.rules import RULES
from tiergate.core.text import shortened
from tiergate.core.tier import Tier

MAX = an_item(high={"memory": "512Mi"})
SETUP = a_container("setup", init=True, limits={"memory": "2Gi"})
MOST, LEAST = "allows at most 512Mi", "asks for at least 10m"
CPU10 = {"cpu": "10m"}


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
            [f'container "agent": limits.cpu is 5m, the tier {LEAST}; set limits.cpu and requests.cpu to 10m or more'],
            id="one-mistake-one-line",
        ),
        pytest.param(
            lambda: judged(agent(limits={"example.org/limits.x": "8"}), an_item(high={"example.org/limits.x": "5"})),
            [
                (
                    'container "agent": limits.example.org/limits.x is 8, the tier allows at most 5; '
                    "set limits.example.org/limits.x and requests.example.org/limits.x to 5 or less"
                )
            ],
            id="one-mistake-of-a-name-with-the-word",
        ),
        pytest.param(
            lambda: judged(agent({"cpu": "4m"}, {"cpu": "5m"}), an_item(low={"cpu": "10m"})),
            [
                f'container "agent": requests.cpu is 4m, the tier {LEAST}; set requests.cpu to 10m or more',
                f'container "agent": limits.cpu is 5m, the tier {LEAST}; set limits.cpu to 10m or more',
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
            lambda: judged(a_pod(limits={"cpu": "0"}), an_item(high={"cpu": "1"})),
            [
                (
                    "pod: the pod-level limits.cpu is 0, which means no limit, and the tier bounds it; "
                    "set the pod-level limits.cpu above 0"
                )
            ],
            id="pod-limit-zero",
        ),
        pytest.param(
            lambda: judged(a_pod(a_container(requests={"cpu": "5m"}), requests={"cpu": "8m"}), an_item(low=CPU10)),
            [
                (
                    f'container "agent": requests.cpu is 5m, the tier {LEAST}; set requests.cpu to 10m or more, '
                    "and the pod-level requests.cpu, 8m, so that it fits"
                )
            ],
            id="request-min-within-the-pod-level",
        ),
        pytest.param(
            lambda: judged(agent({"cpu": "300m"}, {"cpu": "1"}), an_item(ratio={"cpu": "3"})),
            [
                (
                    'container "agent": limits.cpu / requests.cpu is 1 / 300m, the tier allows at most 3; '
                    "set requests.cpu to 334m or more, or limits.cpu to 900m or less"
                )
            ],
            id="limit-request-ratio",
        ),
        pytest.param(
            lambda: judged(agent({"cpu": "1m"}, {"cpu": "3m"}), an_item(ratio={"cpu": "1500m"})),
            [
                (
                    'container "agent": limits.cpu / requests.cpu is 3m / 1m, the tier allows at most 1500m; '
                    "set requests.cpu to 2m or more, or limits.cpu to 1m or less"
                )
            ],
            id="limit-request-ratio-in-whole-units",
        ),
        pytest.param(
            lambda: judged(agent({"memory": "1180000001"}, {"memory": "2420000002"}), an_item(ratio={"memory": "2"})),
            [
                (
                    'container "agent": limits.memory / requests.memory is 2420000002 / 1180000001, '
                    "the tier allows at most 2; set requests.memory to 1.3G or more, or limits.memory to 2.3G or less"
                )
            ],
            id="limit-request-ratio-that-is-rounded-still-passes",
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
            lambda: judged(agent({"example.org/requests.x": "1"}), an_item(ratio={"example.org/requests.x": "3"})),
            [
                (
                    'container "agent": limits.example.org/requests.x is not set or 0, the tier allows '
                    "limits.example.org/requests.x / requests.example.org/requests.x at most 3; "
                    "set limits.example.org/requests.x"
                )
            ],
            id="limit-request-ratio-of-a-name-with-the-word",
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
            (
                f'init container "setup": limits.memory is 2Gi, the tier {MOST}; '
                "set limits.memory and requests.memory to 512Mi or less"
            ),
            id="init-container",
        ),
        pytest.param(
            lambda: judged(
                agent(limits={"cpu": "3"}), an_item("Pod", high={"cpu": "2"}, low={"cpu": "4"}, ratio={"cpu": "2"})
            ),
            [
                "pod: limits.cpu is 3, the tier asks for at least 4; set limits.cpu and requests.cpu to 4 or more",
                "pod: limits.cpu is 3, the tier allows at most 2; set limits.cpu and requests.cpu to 2 or less",
            ],
            id="pod-min-and-max",
        ),
        pytest.param(
            lambda: judged(agent({"cpu": "4m"}, {"cpu": "5m"}), an_item("Pod", low=CPU10)),
            [
                f"pod: requests.cpu is 4m, the tier {LEAST}; set requests.cpu to 10m or more",
                f"pod: limits.cpu is 5m, the tier {LEAST}; set limits.cpu to 10m or more",
            ],
            id="pod-request-min-pod-limit-min",
        ),
        pytest.param(
            lambda: judged(agent({"cpu": "1"}, {"cpu": "3"}), an_item("Pod", ratio={"cpu": "2"})),
            [
                (
                    "pod: limits.cpu / requests.cpu is 3 / 1, the tier allows at most 2; "
                    "set requests.cpu to 1500m or more, or limits.cpu to 2 or less"
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
            lambda: judged(
                agent(),
                tier=a_tier(quotas=[a_tier_quota({"pods": "1"})]),
                quotas=(a_quota({"pods": "1"}, name="tier", managed=False),),
            ),
            [
                (
                    'quota "compute" cannot be set up in dev: its ResourceQuota "tier" is not Tiergate\'s; '
                    "ask the platform team to rename or delete it"
                )
            ],
            id="quota-pending-for-ever",
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
        pytest.param(
            lambda: lines(decide(a_request(Unreadable((Fault("", "there is no object"),))), the_facts(None))),
            ["object: there is no object"],
            id="malformed",
        ),
    ],
)
def test_each_rule_has_its_sentence(found: Callable[[], object], expected: object) -> None:
    assert found() == expected


def of_tier(tier: Tier | None, members: int = 0) -> list[str]:
    names = tuple(f"team-{number}" for number in range(members))
    decision = decide(a_request(TierChange(tier)), the_facts(None, members=names))
    return [f"{one.pointer} {line}" for one, line in zip(decision.findings, lines(decision), strict=True)]


TEN = "team-0, team-1, team-2, team-3, team-4, team-5, team-6, team-7, team-8, team-9"
MOVE = "move these namespaces to another tier or remove their label tiergate.io/tier first"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(lambda: of_tier(None, 10), f" in use by {TEN}; {MOVE}", id="all-namespaces-named"),
        pytest.param(lambda: of_tier(None, 12), f" in use by {TEN} and 2 more; {MOVE}", id="more-than-are-named"),
        pytest.param(
            lambda: of_tier(a_tier(quotas=[a_tier_quota({"services": "1", "secrets": "1"})], mode="Warn")),
            "/spec/quotas tier dev: in mode Warn nothing is reported on secrets, services",
            id="quota-unmeasured",
        ),
        pytest.param(
            lambda: of_tier(a_tier(an_item("PersistentVolumeClaim", high={"storage": "1"}))),
            "/spec/limits/0/max/storage tier dev: PersistentVolumeClaim has a max for storage and no min",
            id="max-without-min",
        ),
        pytest.param(
            lambda: of_tier(a_tier(quotas=[a_tier_quota({"requests.b.org/x": "1", "requests.a.org/x": "1"})])),
            "/spec/quotas tier dev: ResourceClaims can ask for devices that requests.a.org/x, requests.b.org/x "
            "does not count; add <class>.deviceclass.resource.k8s.io/devices for each DeviceClass",
            id="devices-unbounded",
        ),
        pytest.param(
            lambda: of_tier(a_tier(quotas=[a_tier_quota({"requests.cpu": "3", "limits.cpu": "2"}, name="big")])),
            '/spec/quotas/0/hard/requests.cpu tier dev: quota "big" bounds requests.cpu above limits.cpu',
            id="quota-requests-above-limits",
        ),
        pytest.param(
            lambda: of_tier(a_tier(quotas=[a_tier_quota({"memory": "3Gi", "limits.memory": "2Gi"})])),
            '/spec/quotas/0/hard/memory tier dev: quota "compute" bounds memory above limits.memory',
            id="quota-requests-above-limits-by-their-short-name",
        ),
        pytest.param(
            lambda: of_tier(a_tier(groups=["system:authenticated"])),
            "/spec/exemptions/groups tier dev: exempting group system:authenticated is rarely meant: "
            "all people and controllers are in it",
            id="exemption-broad",
        ),
        pytest.param(
            lambda: of_tier(a_tier(an_item("x" * 500))),
            f'/spec/limits/0/type /spec/limits/0/type: "{"x" * 500}" is not one of Container, Pod, '
            "PersistentVolumeClaim",
            id="tier-invalid-is-told-at-length",
        ),
    ],
)
def test_a_tier_that_is_written_or_deleted_has_its_sentence(found: Callable[[], list[str]], expected: str) -> None:
    assert found() == [expected]


def test_every_rule_has_a_sentence() -> None:
    assert sorted(typing.get_args(RuleId)) == sorted(rule.id for rule in RULES)


def test_names_from_the_object_are_shown_printable_and_short() -> None:
    bad = a_container("x\n\x1b[31m" + "y" * 1000, limits={"memory": "2Gi"})
    line = judged(a_pod(bad), MAX)[0]
    assert line.isprintable()
    assert len(line) < 400


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 7, "x" * 7),
        ("x" * 8, "x" * 8),
        ("x" * 9, "x" * 8 + "..."),
        ("a\nb\x1bc", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"),
    ],
    ids=["shorter", "as-long", "longer", "unprintable"],
)
def test_a_text_is_cut_where_it_is_longer_than_allowed_and_made_printable(text: str, shown: str) -> None:
    assert shortened(text, 8) == shown
