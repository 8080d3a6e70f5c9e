"""What is said of pods and claims that are judged."""

from __future__ import annotations

from tests.builders import Texts, a_container, a_pod, a_request, a_tier, the_facts, validated
from tiergate.core.claim import Claim
from tiergate.core.decide import decide
from tiergate.core.decision import Decision
from tiergate.core.facts import InvalidTier, MissingTier
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.rules import sentence
from tiergate.core.tier import LimitRangeItem, Tier


def lines(decision: Decision) -> list[str]:
    """Return the sentence of each finding."""
    return [sentence(one, namespace="dev") for one in decision.findings]


def judged(
    subject: Pod | Claim,
    *items: LimitRangeItem,
    quotas: tuple[QuotaStatus, ...] = (),
    old: Pod | Claim | None = None,
    tier: Tier | None = None,
) -> list[str]:
    """Return what is said of a pod or claim under a tier of these items."""
    return lines(validated(subject, old=old, tier=tier or a_tier(*items), quotas=quotas))


def agent(requests: Texts | None = None, limits: Texts | None = None) -> Pod:
    """Return a pod of one container."""
    return a_pod(a_container(requests=requests, limits=limits))


def decided(tier: MissingTier | InvalidTier) -> Decision:
    """Return the decision on a pod in a namespace without a tier in force."""
    return decide(a_request(a_pod()), the_facts(tier, fresh=frozenset({"tier"})))
