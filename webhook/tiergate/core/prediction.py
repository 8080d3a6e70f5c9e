"""The pod that a validating webhook and native quota will see, predicted from the pod or template as written."""

from __future__ import annotations

from tiergate.core.defaults import with_defaults
from tiergate.core.podlevel import completed
from tiergate.core.podspec import Pod
from tiergate.core.release import POD_LEVEL_COMPLETED_LATE
from tiergate.core.tier import Tier


def admitted(pod: Pod, tier: Tier, *, minor: int) -> Pod:
    """Return the pod as a server of release 1.``minor`` stores it after the tier's defaults.

    ``pod`` is the one that was sent, requests completed from limits (D-3, also for a template: D-4). The order of our
    defaults and the pod-level completion is the release's (D-5a). The QoS class is as in a create (A-10): worked out by
    whoever asks, as few quotas do.
    """
    defaulted, _ = with_defaults(sent(pod, minor=minor), tier)
    return completed(defaulted, minor=minor)


def sent(pod: Pod, *, minor: int) -> Pod:
    """Return the pod as it comes to our defaults (D-5a)."""
    return pod if minor >= POD_LEVEL_COMPLETED_LATE else completed(pod, minor=minor)
