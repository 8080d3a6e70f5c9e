"""What a page shows: a cluster of three tiers, one of thousands of namespaces, and one with hostile names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from tiergate.core.quantity import Quantity
from tiergate.metrics.rows import UsageRow
from tiergate.pages.shown import Shown, ShownAnswer, ShownNamespace, ShownProblem, ShownTier

NOW: Final = datetime(2026, 3, 2, 9, 30, 5, tzinfo=UTC)
HARD: Final = {"limits.cpu": "4", "limits.memory": "4Gi", "pods": "20", "requests.cpu": "2", "requests.memory": "2Gi"}


def amount(text: str) -> Quantity:
    return Quantity.parse(text)


def a_namespace(
    name: str,
    tier: str = "dev",
    used: dict[str, str] | None = None,
    *,
    pods: int | None = 4,
    hard: dict[str, str] = HARD,
) -> ShownNamespace:
    rows = [
        UsageRow(tier, name, "tier", resource, amount((used or {}).get(resource, "0")), amount(bound))
        for resource, bound in sorted(hard.items())
    ]
    return ShownNamespace(tier, name, tuple(rows), pods)


def a_report(
    name: str,
    *problems: ShownProblem,
    kind: str = "Deployment",
    namespace: str = "agents-dev",
    tier: str = "dev",
    ago: float = 5,
    count: int = 1,
) -> ShownAnswer:
    last = NOW.timestamp() - ago
    return ShownAnswer(tier, namespace, kind, name, problems, 0, count, last - 40, last)


MAX: Final = ShownProblem(
    "limit-max",
    'container "agent": limits.memory is 1Gi, the tier allows at most 512Mi',
    "set limits.memory to 512Mi or less",
)
SHORT: Final = ShownProblem(
    "workload-does-not-fit",
    '8 of 10 pods fit into quota "compute": limits.cpu 4, 500m for each pod',
    "set replicas to 8 or less, or lower limits.cpu to 400m per pod",
)
OVER: Final = ShownProblem(
    "quota-exceeded", 'quota "compute": limits.cpu asks 500m, used 4 of 4, over by 500m', "free 500m in agents-dev"
)


LARGE: Final = {name: {"4": "16", "2": "8", "20": "50"}.get(bound, bound) for name, bound in HARD.items()}


def used(cpu: str, memory: str, pods: str, requested_cpu: str, requested_memory: str) -> dict[str, str]:
    return dict(zip(sorted(HARD), (cpu, memory, pods, requested_cpu, requested_memory), strict=True))


def a_cluster() -> Shown:
    """Return three tiers as of the quick start, with little room in two namespaces."""
    return Shown(
        looked=NOW - timedelta(seconds=1),
        replica="tiergate-webhook-6c9f7d9b5-x2x7p",
        heard=3.0,
        tiers=(
            ShownTier("dev", "Enforce", enforcing=True),
            ShownTier("prod", "Enforce", enforcing=True),
            ShownTier("staging", "Warn", enforcing=False, reason="ModeWarn"),
        ),
        namespaces=(
            a_namespace("agents-dev", used=used("4", "2Gi", "8", "800m", "1Gi"), pods=0),
            a_namespace("sandbox", used=used("500m", "512Mi", "2", "200m", "256Mi"), pods=14),
            a_namespace("agents-prod", "prod", used("9", "3900Mi", "31", "4500m", "1Gi"), pods=1, hard=LARGE),
            a_namespace("agents-staging", "staging", used("3", "3Gi", "6", "1500m", "1Gi"), pods=4),
        ),
        refusals=(
            a_report("agent-api", OVER, ago=12, count=14),
            a_report("agent-worker", MAX, ago=95),
            a_report("notebook", MAX, kind="pod", namespace="sandbox", ago=3700),
        ),
        waiting=(
            a_report("agent-api", OVER, ago=12, count=14),
            a_report("agent-api", SHORT, ago=75),
        ),
    )


def a_large_cluster(namespaces: int = 3000) -> Shown:
    """Return so many namespaces in ten tiers, each used up to another share."""
    return Shown(
        looked=NOW,
        heard=1.0,
        tiers=tuple(ShownTier(f"tier-{number}", "Enforce", enforcing=True) for number in range(10)),
        namespaces=tuple(
            a_namespace(
                f"team-{number:04}",
                f"tier-{number * 10 // namespaces}",
                {"pods": str(number % 21)},
                pods=20 - number % 21,
            )
            for number in range(namespaces)
        ),
    )


HOSTILE: Final = "\"><img src=x onerror=document.title=1>'</style>{{ 7*7 }}" + "y" * 180


def a_hostile_cluster() -> Shown:
    """Return names that no API server would store."""
    said = ShownProblem(HOSTILE, HOSTILE, HOSTILE)
    return Shown(
        looked=NOW,
        replica=HOSTILE,
        heard=1.0,
        tiers=(ShownTier(HOSTILE, HOSTILE, enforcing=False, reason=HOSTILE),),
        namespaces=(a_namespace(HOSTILE, HOSTILE, {HOSTILE: "1"}, hard={HOSTILE: "1"}),),
        refusals=(a_report(HOSTILE, said, kind=HOSTILE, namespace=HOSTILE, tier=HOSTILE),),
        waiting=(a_report(HOSTILE, said, kind=HOSTILE, namespace=HOSTILE, tier=HOSTILE),),
    )
