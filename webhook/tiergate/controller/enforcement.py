"""Whether the API server really asks the webhook, and the webhook really answers: the reasons of Enforcing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tiergate.cluster.registration import CONFIGURATION_NAME, HANDED_OVER, deviation, excluded_by_platform
from tiergate.cluster.selector import selects
from tiergate.controller.tier_conditions import Assessment, named
from tiergate.wire.tier_status import ConditionReason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tiergate.cluster.registration import Registration
    from tiergate.wire.namespace import Namespace

HANDED_OVER_REASON: Final[ConditionReason] = "HandedOver"


def assess(
    base: Assessment | None,
    registrations: Sequence[Registration],
    *,
    silent: bool | None,
    detail: str,
    uncovered: str = "",
    failure: str = "",
) -> Assessment | None:
    """Say whether tiers are enforced by the webhook; None while that is not known.

    Args:
        base: Whether both configurations exist, with their entries and the right CA.
        registrations: Those that exist.
        silent: No replica answers the Service; None: not asked yet.
        detail: Why.
        uncovered: The namespaces that Kubernetes alone would not hold to their tier, and why; "" if there are none.
        failure: Why the last step of a handover failed; "" if it did not.
    """
    if since := next((one.handed_over_since for one in registrations if one.handed_over_since), ""):
        return _handed_over(since, uncovered, failure)
    if base is None or not base.holds:
        return base
    if changed := _changed(registrations):
        return changed
    if silent is None:
        return None
    if silent:
        message = f"no replica of the webhook answers its Service: {detail}"
        if uncovered:
            message += f"; it is not handed over: {uncovered}"
        return Assessment(holds=False, reason="NoReplicaAnswers", message=message + _failed(failure))
    message = "the webhooks are registered as released, trust the current certificate, and a replica answers"
    if any(excluded_by_platform(one) for one in registrations):
        message += "; the platform (AKS) excludes its own namespaces"
    return Assessment(holds=True, reason=base.reason, message=message)


def _handed_over(since: str, uncovered: str, failure: str) -> Assessment:
    message = (
        f"handed over since {since}: no replica of the webhook answered, so LimitRanger and ResourceQuota stand in "
        "for it and failurePolicy is Ignore; it is handed back when a replica has answered for a while"
    )
    if uncovered:
        message += f"; where this is so nothing is created without an answer: {uncovered}"
    return Assessment(holds=False, reason=HANDED_OVER_REASON, message=message + _failed(failure))


def _failed(failure: str) -> str:
    return f"; the last step of the handover failed and is tried again: {failure}" if failure else ""


def _changed(registrations: Sequence[Registration]) -> Assessment | None:
    for one in registrations:
        if field := deviation(one):
            message = f'{one.kind} "{CONFIGURATION_NAME}": {field}: helm upgrade restores it'
            return Assessment(holds=False, reason="WebhookChanged", message=message)
    return None


def unasked(registrations: Sequence[Registration], members: Iterable[Namespace]) -> list[str]:
    """Return the names of the namespaces that some entry for pods or claims does not select: nobody is asked there."""
    selectors: list[Mapping[str, Any] | None] = []
    for one in registrations:
        for entry in one.entries:
            if entry.get("name") in HANDED_OVER and (selector := entry.get("namespaceSelector")) not in selectors:
                selectors.append(selector)
    return [one.name for one in members if not all(selects(selector, one.labels) for selector in selectors)]


def described(missing: Mapping[str, str], members: Collection[str]) -> str:
    """Describe what is missing to those who read the tier of the members: other tiers' namespaces are only counted."""
    own = [name for name in missing if name in members]
    count = len(missing) - len(own)
    others = f"{count} namespace{'s' if count > 1 else ''} of other tiers or of none" if count else ""
    if own:
        beside = f"; besides, {others}" if others else ""
        return f"{named(own)} would not be held to the tier by Kubernetes alone (yet): {missing[own[0]]}{beside}"
    return f"{others} would not be held by Kubernetes alone (yet)" if others else ""
