"""Whether the API server really asks the webhook, and the webhook really answers: the reasons of Enforcing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tiergate.cluster.registration import CONFIGURATION_NAME, OF_PODS_AND_CLAIMS, deviation, excluded_by_platform
from tiergate.cluster.selector import selects
from tiergate.controller.tier_conditions import Assessment, named
from tiergate.wire.tier_status import ConditionReason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tiergate.cluster.registration import Registration
    from tiergate.wire.namespace import Namespace

HANDED_OVER_REASON: Final[ConditionReason] = "HandedOver"


class Uncovered(NamedTuple):
    """The namespaces that Kubernetes alone would not hold to their tier, as those who read one tier are told of them.

    Attributes:
        own: Those of the tier, named; "" if there are none.
        reason: Why the first of these is one.
        others: How many there are outside the tier.
    """

    own: str = ""
    reason: str = ""
    others: int = 0


def uncovered_of(missing: Mapping[str, str], members: Collection[str]) -> Uncovered:
    """Return what those who read the tier of the members are told: other tiers' namespaces are only counted."""
    own = [name for name in missing if name in members]
    return Uncovered(named(own) if own else "", missing[own[0]] if own else "", len(missing) - len(own))


def waiting_for(uncovered: Uncovered) -> str:
    """Say what a handover waits for, "" if for nothing."""
    own = f"{uncovered.own} would not be held to the tier by Kubernetes alone (yet): {uncovered.reason}"
    others = f"{_counted(uncovered.others)} outside this tier would not be held to theirs by Kubernetes alone (yet)"
    return "; ".join([own] * bool(uncovered.own) + [others] * bool(uncovered.others))


def _left_out(uncovered: Uncovered) -> str:
    """Say where a handover has not opened anything, and why; "" if there is no such namespace."""
    text = ""
    if uncovered.own:
        text = f"; {uncovered.own} left out, and pods there stay refused: {uncovered.reason}"
    if uncovered.others:
        text += f"; {_counted(uncovered.others)} outside this tier left out, and pods there stay refused"
        text += ": their own tier says why, or an Event on the namespace"
    return text


def _counted(namespaces: int) -> str:
    return f"{namespaces} namespace{'' if namespaces == 1 else 's'}"


def assess(
    base: Assessment | None,
    registrations: Sequence[Registration],
    *,
    silent: bool | None,
    detail: str,
    uncovered: Uncovered = Uncovered(),  # noqa: B008
    failure: str = "",
) -> Assessment | None:
    """Say whether tiers are enforced by the webhook; None while that is not known.

    Args:
        base: Whether both configurations exist, with their entries and the right CA.
        registrations: Those that exist.
        silent: No replica answers the Service; None: not asked yet.
        detail: Why; after a handover, why none answered last.
        uncovered: The namespaces that Kubernetes alone would not hold to their tier.
        failure: Why the last step of a handover failed; "" if it did not.
    """
    if since := next((one.handed_over_since for one in registrations if one.handed_over_since), ""):
        return _handed_over(since, _cause(base, detail), uncovered, failure)
    if base is None or not base.holds:
        return base
    if changed := _changed(registrations):
        return changed
    if silent is None:
        return None
    if silent:
        message = f"no replica of the webhook answers its Service: {detail}"
        if waits := waiting_for(uncovered):
            message += f"; it is not handed over: {waits}"
        return Assessment(holds=False, reason="NoReplicaAnswers", message=message + _failed(failure))
    message = "the webhooks are registered as released, trust the current certificate, and a replica answers"
    if any(excluded_by_platform(one) for one in registrations):
        message += "; the platform (AKS) excludes its own namespaces"
    return Assessment(holds=True, reason=base.reason, message=message)


def _cause(base: Assessment | None, detail: str) -> str:
    """Say why no replica answered, as far as it is known: a fault of the certificate is told of beside its symptom."""
    fault = "" if base is None or base.holds else f"{base.reason}: {base.message}"
    return "; ".join(one for one in (detail, fault) if one)


def _handed_over(since: str, cause: str, uncovered: Uncovered, failure: str) -> Assessment:
    why = f" ({cause})" if cause else ""
    message = (
        f"handed over since {since}: no replica of the webhook answered{why}, so LimitRanger and ResourceQuota stand "
        "in for it and failurePolicy is Ignore; it is handed back when a replica has answered for a while"
    )
    told = f"{message}{_left_out(uncovered)}{_failed(failure)}"
    return Assessment(holds=False, reason=HANDED_OVER_REASON, message=told)


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
            selector = entry.get("namespaceSelector")
            if entry.get("name") in OF_PODS_AND_CLAIMS and selector not in selectors:
                selectors.append(selector)
    return [one.name for one in members if not all(selects(selector, one.labels) for selector in selectors)]
