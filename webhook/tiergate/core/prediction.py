"""The pod that a validating webhook and native quota will see, predicted from the pod or template as written."""

from __future__ import annotations

import msgspec

from tiergate.core.defaults import Additions, with_defaults
from tiergate.core.podlevel import completed
from tiergate.core.podspec import Pod
from tiergate.core.release import POD_LEVEL_COMPLETED_LATE
from tiergate.core.tier import Tier


class Prediction(msgspec.Struct, frozen=True):
    """The pod as it will be stored, and what the tier's defaults add to it."""

    pod: Pod
    additions: tuple[Additions, ...]


def predicted(pod: Pod, tier: Tier, *, minor: int) -> Prediction:
    """Return what becomes of a pod on a server of release 1.``minor``.

    ``pod`` is the one that was sent, requests completed from limits (D-3, also for a template: D-4). The order of our
    defaults and the pod-level completion is the release's (D-5a). The QoS class is as in a create (A-10): worked out by
    whoever asks, as few quotas do.
    """
    defaulted, additions = with_defaults(sent(pod, minor=minor), tier)
    return Prediction(completed(defaulted, minor=minor), additions)


def admitted(pod: Pod, tier: Tier, *, minor: int) -> Pod:
    """Return the pod as it will be stored after the tier's defaults."""
    return predicted(pod, tier, minor=minor).pod


def sent(pod: Pod, *, minor: int) -> Pod:
    """Return the pod as it comes to our defaults (D-5a)."""
    return pod if minor >= POD_LEVEL_COMPLETED_LATE else completed(pod, minor=minor)
