"""Which rows of docs/differences.md matter to the bounds of a tier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from tiergate.core.resources import needs_limit
from tiergate.core.tier import CLAIM, COMPUTE_QUOTA_NAMES, CONTAINER, LimitRangeItem, Tier, bounded_limits

LinesOf = Callable[[Tier], Iterable[str]]
"""Returns what the row is about in this tier, nothing where it does not matter."""


def applying(tier: Tier) -> Iterator[str]:
    """Yield one sentence for each difference; the tier is one with its effective items."""
    for row, sentence in _ROWS:
        names = sorted(set(row(tier)))
        if names:
            yield sentence.format(", ".join(names))


def _container(tier: Tier) -> LimitRangeItem:
    return tier.container or LimitRangeItem(CONTAINER)


def _lifted(tier: Tier) -> Iterable[str]:
    return (name for name in _container(tier).default if not needs_limit(name))


def _lowered(tier: Tier) -> Iterable[str]:
    item = _container(tier)
    return item.default.keys() & item.max_limit_request_ratio.keys()


def _left_out(tier: Tier) -> Iterable[str]:
    item = _container(tier)
    return (name for name in {*item.default_request, *item.min} if needs_limit(name) and name not in item.default)


def _compared(tier: Tier) -> Iterable[str]:
    return (name for item in tier.limits for name in {*item.max, *item.max_limit_request_ratio})


def _types(tier: Tier) -> Iterable[str]:
    return (item.type for item in tier.limits if item.type != CLAIM)


def _demanded(tier: Tier) -> Iterable[str]:
    return (name for quota in tier.quotas for name in COMPUTE_QUOTA_NAMES & quota.hard.keys())


def _pod_level(tier: Tier) -> Iterable[str]:
    item = _container(tier)
    return {*item.default, *item.default_request, *item.min, *item.max}


def _claims(tier: Tier) -> Iterable[str]:
    return () if tier.claim is None else tier.claim.min.keys() | tier.claim.max.keys()


_ROWS: Final[tuple[tuple[LinesOf, str], ...]] = (
    (bounded_limits, "limit 0 of {}: refused (limit-zero), as it means no limit at run time; natively admitted"),
    (
        _lifted,
        "request above the default limit of {}: the limit becomes the request, if max allows it; natively refused",
    ),
    (_lowered, "request far below the default limit of {}: the limit is lowered to the ratio; natively refused"),
    (_left_out, "default request of {} without a default limit: not set; natively set, and the pod is refused"),
    (
        _pod_level,
        "pods with pod-level resources: these suppress defaults of {}, and count where a container has no value",
    ),
    (_demanded, "pods with pod-level resources: {} are demanded of them as well; natively of none of their containers"),
    (_compared, "max and ratios of {}: compared exactly; natively in 64 bits, so that a limit of 10E passes every max"),
    (_types, "resizes of pods ({} items): only values that change are judged, and no defaults are set"),
    (_claims, "updates of claims: {} is judged only where the request changes"),
    (_types, "workloads ({} items): those whose pods can never run are refused when they are applied; natively stored"),
)
