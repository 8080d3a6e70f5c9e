"""Pods that ask for nothing themselves: one container each, with the defaults of the tier; how many still fit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from tiergate.core.podspec import Container, Pod
from tiergate.core.prediction import admitted
from tiergate.core.quantity import ZERO, Quantity
from tiergate.core.quota import QuotaStatus, charge, left_of
from tiergate.core.tier import COMPUTE_QUOTA_NAMES, Tier

_BARE: Final = Pod(containers=(Container("", "/spec/containers/0", has_resources=False),))


def default_pods(tier: Tier, quotas: Iterable[QuotaStatus], *, minor: int) -> int | None:
    """Return how many more of these pods the quotas admit, on a server of release 1.``minor``.

    None where no quota counts them, or where one requires a value for which the tier has no default.
    """
    pod, usage = _measured(tier, minor)
    fitting: int | None = None
    for quota in quotas:
        for name, left in left_of(pod, quota, minor=minor):
            asked = usage.get(name, ZERO).nano
            if asked > 0:
                room = max(left // asked, 0)
                fitting = room if fitting is None else min(fitting, room)
            elif name in COMPUTE_QUOTA_NAMES and name not in usage:
                return None
    return fitting


def default_pod(tier: Tier, minor: int) -> Pod:
    """Return such a pod as it is stored in the tier."""
    return admitted(_BARE, tier, minor=minor)


@lru_cache(maxsize=1024)
def _measured(tier: Tier, minor: int) -> tuple[Pod, dict[str, Quantity]]:
    """Return it with what quotas count of it; whoever only asks about a tier must not fill this memory."""
    pod = default_pod(tier, minor)
    return pod, charge(pod, now=None, minor=minor)
