"""The sentences kubectl prints: what, where, asked, allowed, and the smallest change that would pass."""

from __future__ import annotations

import typing
from collections.abc import Callable

import msgspec
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
from tiergate.core.decision import Decision, Fault, RuleId
from tiergate.core.facts import InvalidTier, MissingTier
from tiergate.core.messages import scope_words, shown
from tiergate.core.podspec import Pod
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus, scopes_of
from tiergate.core.request import TierChange, Unreadable
from tiergate.core.rules import RULES, sentence
from tiergate.core.text import shortened
from tiergate.core.tier import LimitRangeItem, ScopeRequirement, Tier


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


def over(subject: Pod | Claim, hard: Texts, used: Texts, old: Pod | Claim | None = None) -> str:
    (line,) = judged(subject, quotas=(a_quota(hard, used, name="compute", managed=False),), old=old)
    return line


PAGES = {"cpu": "1", "hugepages-2Mi": "4Mi"}
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
            lambda: over(agent({"cpu": "1"}), {"cpu": "4"}, {"cpu": "3500m"}),
            'quota "compute": cpu asks 1, used 3500m of 4, over by 500m; set cpu to 500m or less, or free 500m in dev',
            id="requests-by-their-short-name",
        ),
        pytest.param(
            lambda: over(a_pod(a_container(requests=PAGES)), {"hugepages-2Mi": "6Mi"}, {"hugepages-2Mi": "4Mi"}),
            'quota "compute": hugepages-2Mi asks 4Mi, used 4Mi of 6Mi, over by 2Mi; '
            "set hugepages-2Mi to 2Mi or less, or free 2Mi in dev",
            id="pages-by-their-short-name",
        ),
        pytest.param(
            lambda: over(
                a_pod(a_container(requests=PAGES)), {"requests.hugepages-2Mi": "7Mi"}, {"requests.hugepages-2Mi": "4Mi"}
            ),
            'quota "compute": requests.hugepages-2Mi asks 4Mi, used 4Mi of 7Mi, over by 1Mi; '
            "set requests.hugepages-2Mi to 2Mi or less, or free 1Mi in dev",
            id="pages-are-lowered-by-whole-ones",
        ),
        pytest.param(
            lambda: over(a_pod(a_container(requests=PAGES)), {"hugepages-2Mi": "5Mi"}, {"hugepages-2Mi": "4Mi"}),
            'quota "compute": hugepages-2Mi asks 4Mi, used 4Mi of 5Mi, over by 3Mi; free 3Mi in dev',
            id="no-whole-page-fits",
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
            'quota "compute": requests.nvidia.com/gpu asks 1, and none are allowed',
            id="none-at-all",
        ),
        pytest.param(
            lambda: over(agent({"cpu": "400m"}, {"cpu": "450m"}), {"limits.cpu": "1"}, {"limits.cpu": "750m"}),
            'quota "compute": limits.cpu asks 450m, used 750m of 1, over by 200m; '
            "set limits.cpu and requests.cpu to 250m or less, or free 200m in dev",
            id="a-request-above-what-fits-has-to-be-lowered-too",
        ),
        pytest.param(
            lambda: over(agent({"cpu": "250m"}, {"cpu": "450m"}), {"limits.cpu": "1"}, {"limits.cpu": "750m"}),
            'quota "compute": limits.cpu asks 450m, used 750m of 1, over by 200m; '
            "set limits.cpu to 250m or less, or free 200m in dev",
            id="one-that-is-no-more-than-what-fits-may-stay",
        ),
        pytest.param(
            lambda: over(
                a_pod(
                    a_container("a", requests={"cpu": "300m"}, limits={"cpu": "400m"}),
                    a_container("b", requests={"cpu": "200m"}, limits={"cpu": "300m"}),
                ),
                {"limits.cpu": "1"},
                {"limits.cpu": "800m"},
            ),
            'quota "compute": limits.cpu asks 700m, used 800m of 1, over by 500m; lower limits.cpu and requests.cpu '
            "of all its containers together to 200m or less, or free 500m in dev",
            id="likewise-of-several-containers",
        ),
        pytest.param(
            lambda: over(
                agent({"memory": "18Gi"}, {"memory": "20Gi"}),
                {"limits.memory": "19Gi"},
                {"limits.memory": "5Gi"},
                agent({"memory": "1Gi"}, {"memory": "2Gi"}),
            ),
            'quota "compute": limits.memory asks 18Gi, used 5Gi of 19Gi, over by 4Gi; '
            "set limits.memory and requests.memory to 16Gi or less, or free 4Gi in dev",
            id="likewise-of-a-resize",
        ),
        pytest.param(
            lambda: over(agent(limits={"memory": "27917286400800m"}), {"limits.memory": "4Gi"}, {}),
            'quota "compute": limits.memory asks 26Gi, used 0 of 4Gi, over by 22Gi; set limits.memory to 4Gi or less',
            id="milli-bytes-as-vpa-writes-them",
        ),
        pytest.param(
            lambda: over(agent(limits={"memory": "1Gi"}), {"limits.memory": "4Gi"}, {"limits.memory": "3333333333"}),
            'quota "compute": limits.memory asks 1Gi, used 3.1Gi of 4Gi, over by 106.9Mi; '
            "set limits.memory to 917Mi or less, or free 107Mi in dev",
            id="what-is-rounded-still-passes",
        ),
    ],
)
def test_a_refusal_by_quota_says_what_would_fit(found: Callable[[], str], expected: str) -> None:
    assert found() == expected


def test_quotas_of_one_name_are_told_apart() -> None:
    """A tier's quota has the tier's name for it, and may have that of a ResourceQuota that is not the tier's."""
    hard, used = {"limits.cpu": "1", "pods": "1"}, {"limits.cpu": "750m"}
    tier = a_tier(quotas=[a_tier_quota(hard)])
    theirs = a_quota(hard, used, name="compute", managed=False)
    other = a_quota({"limits.cpu": "1"}, used, name="other", managed=False)
    over = "limits.cpu asks 500m, used 750m of 1, over by 250m; set limits.cpu to 250m or less, or free 250m in dev"
    ours, whose = a_quota(hard, used), ('quota "compute" (tier dev)', 'quota "compute" (ResourceQuota)')
    assert judged(agent(limits={"cpu": "500m"}), tier=tier, quotas=(ours, theirs)) == [
        f"{one}: {over}" for one in whose
    ]
    assert judged(agent(), tier=tier, quotas=(ours, theirs)) == [
        f'{one}: container "agent" has no limits.cpu, which the quota counts; set limits.cpu' for one in whose
    ]
    assert judged(agent(limits={"cpu": "500m"}), tier=tier, quotas=(ours, other)) == [
        f'quota "{one}": {over}' for one in ("compute", "other")
    ]
    waiting = msgspec.structs.replace(theirs, used={})
    assert judged(agent(limits={"cpu": "250m"}), tier=tier, quotas=(waiting,)) == [
        f"{one} is being set up in dev; try again in a moment" for one in ('quota "compute"', whose[1])
    ]


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
            lambda: of_tier(a_tier(an_item("Pod", high={"cpu": "1"}))),
            "/spec/limits/0/max/cpu tier dev: Pod has a max for cpu and no min",
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


@pytest.mark.parametrize(
    ("amount", "like", "up", "expected"),
    [
        pytest.param("1234567", "1", None, "1234567", id="short"),
        pytest.param("12345678", "1", None, "12.3M", id="long"),
        pytest.param("12345.678901", "1", None, "12.3k", id="in-thousands"),
        pytest.param("999.123456789", "1", None, "999.1", id="in-ones"),
        pytest.param("12345678900P", "1", None, "12345678.9E", id="beyond-the-largest-unit"),
        pytest.param("4400000001", "1", True, "4.5G", id="up"),
        pytest.param("4480000001", "1", False, "4.4G", id="down"),
        pytest.param("12345670n", "1", False, "12345670n", id="never-nothing"),
        pytest.param("4294967297", "4Gi", None, "4294967297", id="never-the-same-as-what-it-differs-from"),
        pytest.param("12345678901", "1e3", None, "12345678901", id="an-exponent-as-it-is"),
    ],
)
def test_an_amount_is_shown_short_in_the_unit_of_its_bound(
    amount: str, like: str, expected: str, *, up: bool | None
) -> None:
    assert shown(Quantity.parse(amount), Quantity.parse(like), up=up) == expected


URGENT = ScopeRequirement("PriorityClass", "In", ("urgent", "now"))


@pytest.mark.parametrize(
    ("scopes", "selector", "expected"),
    [
        (["Terminating"], (), "scope Terminating"),
        ([], (URGENT,), "priority class urgent or now"),
        (
            ["Terminating"],
            (ScopeRequirement("PriorityClass", "NotIn", ("low", "idle")),),
            "scope Terminating and priority class not low or idle",
        ),
        ([], (ScopeRequirement("PriorityClass", "Exists"),), "any priority class"),
        ([], (ScopeRequirement("VolumeAttributesClass", "DoesNotExist"),), "no volume attributes class"),
        ([], (), ""),
    ],
)
def test_a_scoped_quota_says_what_it_counts(
    scopes: list[str], selector: tuple[ScopeRequirement, ...], expected: str
) -> None:
    quota = QuotaStatus("q", scopes=tuple(scopes), scope_selector=selector)
    assert scope_words(scopes_of(quota)) == expected


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("tiergate set: cpu request for container agent", True),
        ("tiergate set: memory limit for container agent; memory, cpu request for container agent", True),
        ("tiergate set: cpu limit for container agent", False),
        ("tiergate set: cpu request for init container agent-2", False),
        ("tiergate set: cpu request for container agent and more", False),
        ("", False),
    ],
)
def test_a_value_that_nobody_wrote_is_the_tier_s_default(annotation: str, *, said: bool) -> None:
    """Said by the annotation of the mutating pass."""
    pod = msgspec.structs.replace(agent({"cpu": "50m"}, {"cpu": "400m"}), defaults_annotation=annotation)
    (line,) = judged(pod, an_item(ratio={"cpu": "4"}))
    whose = " (the tier's default)" if said else ""
    assert line == (
        f'container "agent": limits.cpu / requests.cpu is 400m / 50m{whose}, the tier allows at most 4; '
        "set requests.cpu to 100m or more, or limits.cpu to 200m or less"
    )


@pytest.mark.parametrize(
    ("request_", "limit", "set_", "whose", "also"),
    [
        ("50m", "300m", "limit", " (the tier's default)", ""),
        ("400m", "400m", "limit", " (the tier's default of 300m, raised to the request)", " and requests.cpu"),
        ("300m", "300m", "limit", " (the tier's default)", " and requests.cpu"),
        ("200m", "280m", "limit", " (set by the tier)", ""),  # below the default: lowered for maxLimitRequestRatio
        ("250m", "400m", "request", "", ""),
        ("350m", "400m", "limit", " (the tier's default)", " and requests.cpu"),  # of a tier that has changed since
    ],
)
def test_a_quota_says_what_became_of_a_default_limit(  # noqa: PLR0913, RUF100  # columns of a table
    request_: str, limit: str, set_: str, whose: str, also: str
) -> None:
    note = f"tiergate set: cpu {set_} for container agent"
    pod = msgspec.structs.replace(agent({"cpu": request_}, {"cpu": limit}), defaults_annotation=note)
    tier, quotas = a_tier(an_item(default={"cpu": "300m"})), (a_quota({"limits.cpu": "1"}, {"limits.cpu": "800m"}),)
    (line,) = judged(pod, tier=tier, quotas=quotas)
    assert line.startswith(f'quota "tier": limits.cpu asks {limit}{whose}, used 800m of 1')
    assert f"; set limits.cpu{also} to 200m or less" in line


def test_what_a_resize_changes_is_no_default() -> None:
    note = "tiergate set: cpu limit for container agent"
    old, new = (
        msgspec.structs.replace(agent({"cpu": "100m"}, {"cpu": cpu}), defaults_annotation=note) for cpu in ("1", "8")
    )
    tier = a_tier(an_item(default={"cpu": "1"}, high={"cpu": "5"}))
    (line,) = judged(new, old=old, tier=tier)
    assert line.startswith('container "agent": limits.cpu is 8, the tier allows at most 5')


@pytest.mark.parametrize("name", ["cpu", "example.org/limits.x"])
def test_a_default_limit_that_follows_the_request_is_no_second_mistake(name: str) -> None:
    """It was raised to the request, which is the one to change."""
    annotation = f"tiergate set: {name} limit for container agent"
    pod = msgspec.structs.replace(agent({name: "8"}, {name: "8"}), defaults_annotation=annotation)
    decision = validated(pod, old=None, tier=a_tier(an_item(high={name: "5"})))
    assert [(one.rule, one.pointer, one.same_request) for one in decision.findings] == [
        ("request-max", f"/spec/containers/0/resources/requests/{name.replace('/', '~1')}", False)
    ]
    assert lines(decision) == [
        f'container "agent": requests.{name} is 8, the tier allows at most 5; set requests.{name} to 5 or less'
    ]


@pytest.mark.parametrize(
    ("request_", "annotation", "also"),
    [
        pytest.param("1", "cpu limit for container agent", "", id="beside-a-request"),
        pytest.param(
            "8",
            "cpu request for container agent; cpu limit for container agent",
            " and requests.cpu",
            id="with-its-request",
        ),
    ],
)
def test_a_default_limit_out_of_range_is_the_tier_s(request_: str, annotation: str, also: str) -> None:
    pod = msgspec.structs.replace(
        agent({"cpu": request_}, {"cpu": "8"}), defaults_annotation=f"tiergate set: {annotation}"
    )
    (line,) = judged(pod, an_item(high={"cpu": "5"}))
    assert line == (
        'container "agent": limits.cpu is 8 (the tier\'s default), the tier allows at most 5; '
        f"set limits.cpu{also} to 5 or less"
    )


@pytest.mark.parametrize(
    ("amount", "like", "up", "expected"),
    [
        ("1e900", "4", None, "1e900"),
        ("12345678901234567890123456E", "1", None, "123e41"),
        ("12345678901234567890123456E", "1", True, "124e41"),
        ("12991234567890123456789012E", "1", False, "129e41"),
        ("99991234567890123456789012E", "1", True, "1e44"),
        ("-1e900", "1", None, "-1e900"),
    ],
)
def test_an_amount_of_many_digits_is_rounded(amount: str, like: str, expected: str, *, up: bool | None) -> None:
    assert shown(Quantity.parse(amount), Quantity.parse(like), up=up) == expected
    assert Quantity.parse(expected)
