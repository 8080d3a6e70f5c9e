"""The quick look that spares most pods three checks finds nothing wrong only where these find nothing."""

from __future__ import annotations

from itertools import product
from typing import Final

import pytest

from tests.builders import a_container, a_pod, a_tier, an_item
from tiergate.core import limitrange
from tiergate.core.podspec import Pod
from tiergate.core.rules import checks, out_of_range
from tiergate.core.tier import Tier

AMOUNTS: Final = ("", "0", "1", "2", "3")
BOUNDS: Final = ("", "1", "2")
NAMES: Final = ("cpu", "example.com/disk")


def a_list(name: str, amount: str) -> dict[str, str]:
    return {name: amount} if amount else {}


def pods(name: str) -> list[Pod]:
    """Return pods with each request and limit, of one container and as the second of two, and at the pod level."""
    pairs = [(a_list(name, request), a_list(name, limit)) for request, limit in product(AMOUNTS, AMOUNTS)]
    fine = a_container(requests={name: "1"}, limits={name: "1"})
    return [
        *(a_pod(a_container(requests=request, limits=limit)) for request, limit in pairs),
        *(a_pod(fine, a_container("second", requests=request, limits=limit)) for request, limit in pairs),
        *(a_pod(fine, requests=request, limits=limit) for request, limit in pairs),
        *(a_pod(requests=request, limits=limit) for request, limit in pairs),
    ]


def tiers(name: str) -> list[Tier]:
    return [
        a_tier(an_item(low=a_list(name, low), high=a_list(name, high), default=a_list(name, default)))
        for low, high, default in product(BOUNDS, BOUNDS, ("", "1"))
    ]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_in_range_breaks_no_check(name: str) -> None:
    cases = [
        (tier, pod) for tier, pod in product(tiers(name), pods(name)) if limitrange.in_range(checks(tier).ranges, pod)
    ]
    assert [(tier.limits, pod) for tier, pod in cases if list(out_of_range(pod, checks(tier)))] == []
    assert cases, "the quick look spares nothing"


def test_a_pod_with_values_in_range_is_spared() -> None:
    """Also one without values of a resource that only may not be 0."""
    tier = a_tier(an_item(low={"cpu": "1"}, high={"cpu": "2"}, default={"ephemeral-storage": "1Gi"}))
    pod = a_pod(a_container(requests={"cpu": "1"}, limits={"cpu": "2"}))
    assert limitrange.in_range(checks(tier).ranges, pod)
