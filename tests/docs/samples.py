"""One message of every refusal, as the product words it: what docs/operate.md shows must be these."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import msgspec

from tests.builders import (
    Texts,
    a_claim,
    a_container,
    a_namespace_object,
    a_pod,
    a_pod_object,
    a_quota,
    a_request,
    a_tier,
    a_tier_object,
    a_tier_quota,
    a_workload_object,
    an_item,
    the_facts,
    validated,
)
from tests.core.workloads import KNOWN, a_workload, judged
from tests.reviews import a_review
from tests.server.admission_fakes import FakePermissions, FakeState, answer, response
from tiergate.cluster.errors import Unreachable
from tiergate.core.claim import Claim
from tiergate.core.decide import decide
from tiergate.core.decision import Decision, Finding
from tiergate.core.facts import InvalidTier, MissingTier
from tiergate.core.native import LimitRange
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.rules import sentence
from tiergate.core.tier import LimitRangeItem
from tiergate.core.workload import NONE, ONE_POD, Rollout
from tiergate.core.workload_pod import MOST_COMPARISONS
from tiergate.server.admission import Answer
from tiergate.wire import Malformed


async def refusals() -> AsyncIterator[tuple[str, str]]:
    """Yield (rule id, message); some rules have several."""
    for rule, decision in _of_pods():
        broken = next(one for one in decision.findings if one.rule == rule)
        yield rule, sentence(broken, namespace="dev")
    async for answered in _of_reviews():
        for cause in response(answered)["status"]["details"]["causes"]:
            yield cause["reason"], cause["message"]


def _of_pods() -> Iterator[tuple[str, Decision]]:
    low, high = an_item(low={"cpu": "10m"}), an_item(high={"memory": "512Mi"})
    yield "request-min", _judged(_asking(requests={"cpu": "5m"}), low)
    small = a_pod(a_container("agent", requests={"cpu": "5m"}), requests={"cpu": "5m"})
    yield "request-min", _judged(small, low)
    yield "limit-min", _judged(_asking(limits={"cpu": "5m"}), low)
    yield "request-max", _judged(_asking(requests={"memory": "2Gi"}), high)
    yield "limit-max", _judged(_asking(limits={"memory": "2Gi"}), high)
    yield "limit-max", _judged(_asking(), high)
    yield "limit-zero", _judged(_asking(limits={"cpu": "0"}), an_item(high={"cpu": "500m"}))
    yield "limit-zero", _judged(_asking(limits={"cpu": "0"}), an_item("Pod", high={"cpu": "500m"}))
    yield "pod-limit-zero", _judged(a_pod(limits={"cpu": "0"}), an_item(high={"cpu": "500m"}))
    ratio = an_item(ratio={"cpu": "4"})
    yield "limit-request-ratio", _judged(_asking(requests={"cpu": "100m"}, limits={"cpu": "500m"}), ratio)
    low, high = an_item("Pod", low={"memory": "64Mi"}), an_item("Pod", high={"cpu": "2"})
    yield "pod-request-min", _judged(_asking(requests={"memory": "32Mi"}), low)
    yield "pod-limit-min", _judged(_asking(limits={"memory": "32Mi"}), low)
    yield "pod-request-max", _judged(_asking(requests={"cpu": "3"}), high)
    yield "pod-limit-max", _judged(_asking(limits={"cpu": "3"}), high)
    ratio = an_item("Pod", ratio={"cpu": "4"})
    yield "pod-limit-request-ratio", _judged(_asking(requests={"cpu": "250m"}, limits={"cpu": "2"}), ratio)
    sizes = an_item("PersistentVolumeClaim", low={"storage": "1Gi"}, high={"storage": "10Gi"})
    yield "claim-min", _judged(a_claim("512Mi"), sizes)
    yield "claim-max", _judged(a_claim("20Gi"), sizes)
    yield "quota-required", _judged(_asking(), quota=a_quota({"limits.cpu": "4"}))
    nearly_full = a_quota({"limits.cpu": "4"}, {"limits.cpu": "3500m"})
    yield "quota-exceeded", _judged(_asking(limits={"cpu": "1"}), quota=nearly_full)
    yield "quota-pending", _judged(_asking())
    for found in _of_workloads():
        yield found[0].rule, Decision(found)
    yield "tier-missing", _without_tier(MissingTier("dve"))
    crossed = InvalidTier("dev", "/spec/limits/0/min/cpu: min value 2 is greater than max value 1")
    yield "tier-invalid", _without_tier(crossed)


def _of_workloads() -> Iterator[tuple[Finding, ...]]:
    """Yield the findings of workloads that may be refused."""
    tier = a_tier(an_item(high={"memory": "512Mi"}))
    yield judged(a_workload({"memory": "2Gi"}, replicas=3), tier=tier)
    tier, used = (
        a_tier(quotas=[a_tier_quota({"limits.cpu": "4"})]),
        a_quota({"limits.cpu": "4"}, {"limits.cpu": "1500m"}),
    )
    yield judged(a_workload(replicas=3), tier=tier, quotas=(used,))


def _stalling() -> tuple[Finding, ...]:
    """Return what is said of a first change of the template, and of another while that is stuck."""
    tier, used = a_tier(quotas=[a_tier_quota({"limits.cpu": "4"})]), a_quota({"limits.cpu": "4"}, {"limits.cpu": "4"})
    stuck = a_workload(replicas=4, rollout=Rollout(ONE_POD, NONE), settled=False)
    return tuple(
        found
        for old in (a_workload(replicas=3), stuck)
        for found in judged(msgspec.structs.replace(old, written=b"another"), old=old, tier=tier, quotas=(used,))
    )


def _without_tier(tier: MissingTier | InvalidTier) -> Decision:
    return decide(a_request(a_pod()), the_facts(tier, fresh=frozenset({"tier"})))


def _unchecked() -> tuple[Finding, ...]:
    around = msgspec.structs.replace(KNOWN, limit_ranges=(LimitRange("many", (an_item(),) * MOST_COMPARISONS),) * 2)
    return (*judged(a_workload(), tier=a_tier(), quotas=None), *judged(a_workload(), tier=a_tier(), around=around))


def _asking(requests: Texts | None = None, limits: Texts | None = None) -> Pod:
    return a_pod(a_container(requests=requests, limits=limits))


def _judged(subject: Pod | Claim, item: LimitRangeItem | None = None, *, quota: QuotaStatus | None = None) -> Decision:
    """Judge under a range, a quota, or, where there is neither, a quota that is not in force yet."""
    quotas = [] if item is not None else [a_tier_quota({"limits.cpu": "4"})]
    tier = a_tier(*([] if item is None else [item]), quotas=quotas)
    return validated(subject, old=None, tier=tier, quotas=() if quota is None else (quota,))


async def _of_reviews() -> AsyncIterator[Answer]:
    """Yield the refusals of namespaces, tiers and what cannot be read."""
    known = FakeState(tiers={"dev": a_tier()}, namespaces={"agents-a": "dev", "agents-b": "dev"})
    yield await answer("namespaces", a_review(a_namespace_object("kube-system")), known, FakePermissions("dev"))
    yield await answer("namespaces", a_review(a_namespace_object("agents-c")), known, FakePermissions())
    yield await answer("tiers", a_review(None, old=a_tier_object(), operation="DELETE"), known)
    crossed = {"limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}
    yield await answer("tiers", a_review(a_tier_object(crossed)), known)
    misspelt = a_pod_object({"name": "agent", "resources": {"limits": {"cpu": "half"}}})
    yield await answer("validate", a_review(misspelt), FakeState(tiers={"dev": a_tier()}))


async def warnings() -> AsyncIterator[str]:
    """Yield one of each kind of warning."""
    for finding in (*_stalling(), *_unchecked()):
        yield sentence(finding, namespace="dev")
    for finding in _stalling():
        yield sentence(msgspec.structs.replace(finding, native=False), namespace="dev", mode="Warn")
    async for answered in _of_reviews_with_warnings():
        for warning in answered:
            yield warning


async def _of_reviews_with_warnings() -> AsyncIterator[list[str]]:
    told = a_tier(an_item(high={"memory": "512Mi"}), quotas=[a_tier_quota({"pods": "1"})], mode="Warn")
    large = a_pod_object({"name": "agent", "resources": {"limits": {"memory": "2Gi"}}})
    yield _warned(await answer("validate", a_review(large), FakeState(tiers={"dev": told}, usage=())))[:1]
    yield _warned(await answer("validate", a_review(large), FakeState(tiers={"dev": told}, usage=None)))[-1:]
    lost = FakeState(tiers={"dev": told}, namespaces_now=Unreachable("no answer"), stale=True)
    yield _warned(await answer("workloads", a_review(a_workload_object()), lost))
    misspelt = a_pod_object({"name": "agent", "resources": {"limits": {"cpu": "half"}}})
    yield _warned(await answer("validate", a_review(misspelt), FakeState(tiers={"dev": told})))
    may = FakePermissions("dev", "dve")
    to_come = a_namespace_object("agents", tier="dve")
    yield _warned(await answer("namespaces", a_review(to_come), FakeState(), may))
    unread = FakeState(tiers_now={"dve": Unreachable("no answer")})
    yield _warned(await answer("namespaces", a_review(to_come), unread, may))
    bad = FakeState(tiers_now={"dev": Malformed("/spec/limits/0/min/cpu", "min value 2 is greater than max value 1")})
    yield _warned(await answer("namespaces", a_review(a_namespace_object("agents")), bad, may))
    legal = {
        "enforcement": "Warn",
        "limits": [{"type": "Container", "default": {"cpu": "250m"}, "max": {"cpu": "500m"}}],
        "quotas": [
            {"name": "compute", "hard": {"services": "3", "requests.nvidia.com/gpu": "1"}},
            {"name": "large", "hard": {"requests.cpu": "4", "limits.cpu": "2"}},
        ],
        "exemptions": {"groups": ["system:authenticated"]},
    }
    for_each = {"limits": [{"type": "Container", "max": {"nvidia.com/gpu": "2"}}]}
    demanded = {"limits": [{"type": "Pod", "max": {"nvidia.com/gpu": "4"}}]}
    for spec in (legal, for_each, demanded):
        yield _warned(await answer("tiers", a_review(a_tier_object(spec)), FakeState()))


def _warned(answered: Answer) -> list[str]:
    found: list[str] = response(answered)["warnings"]
    return found
