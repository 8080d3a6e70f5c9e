"""Whether the API server really asks the webhook, and the webhook really answers: the reasons of Enforcing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tiergate.cluster.registration import CONFIGURATION_NAME, HANDED_OVER, deviation, excluded_by_platform
from tiergate.cluster.selector import selects
from tiergate.controller.tier_conditions import Assessment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tiergate.cluster.registration import Registration
    from tiergate.wire.namespace import Namespace

HANDED_OVER_REASON: Final = "HandedOver"


def assess(
    base: Assessment | None, registrations: Sequence[Registration], *, silent: bool | None, detail: str, blocked: str
) -> Assessment | None:
    """Say whether tiers are enforced by the webhook; None while that is not known.

    Args:
        base: Whether both configurations exist, with their entries and the right CA.
        registrations: Those that exist.
        silent: No replica answers the Service; None: not asked yet.
        detail: Why.
        blocked: What is in the way of handing over, or left out of it; "" if nothing is.
    """
    if since := next((one.handed_over_since for one in registrations if one.handed_over_since), ""):
        return _handed_over(since, blocked)
    if base is None or not base.holds:
        return base
    if changed := _changed(registrations):
        return changed
    if silent is None:
        return None
    if silent:
        message = f"no replica of the webhook answers its Service: {detail}"
        if blocked:
            message += f"; it is not handed over: {blocked}"
        return Assessment(holds=False, reason="NoReplicaAnswers", message=message)
    message = "the webhooks are registered as released, trust the current certificate, and a replica answers"
    if any(excluded_by_platform(one) for one in registrations):
        message += "; the platform (AKS) excludes its own namespaces"
    return Assessment(holds=True, reason=base.reason, message=message)


def _handed_over(since: str, left_out: str) -> Assessment:
    message = (
        f"handed over since {since}: no replica of the webhook answered, so LimitRanger and ResourceQuota stand in "
        "for it and failurePolicy is Ignore; it is handed back when a replica has answered for a while"
    )
    if left_out:
        message += f"; what is in the way, and where nothing is created without an answer meanwhile: {left_out}"
    return Assessment(holds=False, reason=HANDED_OVER_REASON, message=message)


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
