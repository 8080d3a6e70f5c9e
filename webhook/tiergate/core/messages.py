"""Findings as the sentences kubectl prints: what, where, asked, allowed, and the smallest change that would pass.

A message never contains another namespace's object names.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from tiergate.core.decision import Finding
from tiergate.core.lowering import Lowered
from tiergate.core.quantity import NANO, ZERO, Quantity
from tiergate.core.resources import HUGEPAGES, unit, whole_pages
from tiergate.core.text import shortened
from tiergate.core.tier import ScopeRequirement

_CHANGEABLE: Final = frozenset({"requests", "limits", "cpu", "memory", "ephemeral-storage"})
"""What a quota name starts with when the object's author can ask for less of it."""
_UNITS: Final = {
    "BinarySI": (1024, ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")),
    "DecimalSI": (1000, ("", "k", "M", "G", "T", "P", "E")),
}
_COUNTED: Final = {
    "Terminating": "pods with activeDeadlineSeconds",
    "NotTerminating": "pods without activeDeadlineSeconds",
    "BestEffort": "QoS class BestEffort",
    "NotBestEffort": "QoS class other than BestEffort",
    "CrossNamespacePodAffinity": "affinity to pods of other namespaces",
}
"""Which pods a scope matches."""
_CLASSES: Final = {"PriorityClass": "priority class", "VolumeAttributesClass": "volume attributes class"}
MAX_FAULT: Final = 1000
"""Characters of what is wrong with a tier that is written."""
MAX_NAMED: Final = 10
"""How many namespaces a sentence lists by name."""
MOST_DIGITS: Final = 7
"""An amount with more of them is shown to a tenth of the largest unit below it."""


LONGEST: Final = 24
"""Characters of an amount that is shown in full; what anybody means has fewer."""
OR: Final = ", or "
"""Between changes of which each alone would pass."""


class Said(NamedTuple):
    """A sentence: what is wrong, and what would pass, "" if nothing would: where room is short less of that."""

    fact: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.fact}; {self.advice}" if self.advice else self.fact


def shown(amount: Quantity, like: Quantity, *, up: bool | None = None) -> str:
    """Return an amount in the unit of another: exactly where that is short, else rounded, up or down where it matters.

    VPA writes milli-bytes: ``23215243980800m`` beside ``4Gi`` is ``21.6Gi``.
    """
    exact = str(Quantity(amount.nano, like.format))
    if len(exact) > LONGEST:
        return brief(amount, up=up)
    if sum(map(str.isdecimal, exact)) <= MOST_DIGITS or like.format == "DecimalExponent":
        return exact
    base, suffixes = _UNITS[like.format]
    step = next((step for step in range(len(suffixes) - 1, 0, -1) if abs(amount.nano) >= base**step * NANO), 0)
    tenth = base**step * NANO
    number = 10 * amount.nano
    tenths = {None: (2 * number + tenth) // (2 * tenth), True: -(-number // tenth), False: number // tenth}[up]
    rounded = f"{tenths // 10}{f'.{tenths % 10}' if tenths % 10 else ''}{suffixes[step]}"
    return exact if not tenths or rounded == str(like) else rounded


def brief(amount: Quantity, *, up: bool | None = None) -> str:
    """Return the text of an amount; one of very many digits, as ``1e900`` has in another unit, is rounded to three."""
    if len(exact := str(amount)) <= LONGEST:
        return exact
    number = abs(amount.nano)
    power = len(str(number)) - 3
    step = 10**power
    digits = {None: (2 * number + step) // (2 * step), True: -(-number // step), False: number // step}[up]
    text = str(digits)
    mantissa = text.rstrip("0")
    return f"{'-' if amount.nano < 0 else ''}{mantissa}e{power - 9 + len(text) - len(mantissa)}"


def _where(finding: Finding) -> str:
    if finding.rule in ("claim-min", "claim-max"):
        return "claim"
    if not finding.container:
        return "pod"
    return f'{"init container" if finding.init else "container"} "{shortened(finding.container)}"'


def _whose(finding: Finding) -> str:
    """Say that the tier set the value; one above the tier's default is a limit that was raised to the request."""
    default, actual = finding.default, finding.actual
    if finding.by_limit_range:
        return " (a LimitRange's default)"
    if default is None or actual is None:
        return " (the tier's default)" if finding.by_tier else ""
    if actual < default:
        return " (set by the tier)"
    return f" (the tier's default of {shown(default, actual)}, raised to the request)"


def too_small(finding: Finding, _namespace: str) -> Said:
    """Say that a value is below the tier's min; the containers' requests together must fit the pod-level one."""
    room = f", and the pod-level {finding.resource}, {finding.pod_level}, so that it fits" if finding.pod_level else ""
    said = _bounded(finding, "asks for at least", "more")
    return said._replace(advice=said.advice + room)


def too_large(finding: Finding, _namespace: str) -> Said:
    """Say that a value is above the tier's max, or missing under one."""
    return _bounded(finding, "allows at most", "less")


def _bounded(finding: Finding, allows: str, direction: str) -> Said:
    name, bound = finding.resource, finding.bound
    actual = "not set" if finding.actual is None else shown(finding.actual, bound or finding.actual)
    return Said(
        f"{_where(finding)}: {name} is {actual}{_whose(finding)}, the tier {allows} {bound}",
        f"set {_with_request(finding)} to {bound} or {direction}",
    )


def _with_request(finding: Finding) -> str:
    """Return the name of the value to change, with that of the request where it has to follow."""
    name = finding.resource
    return f"{name} and {request_of(name)}" if finding.same_request else name


def request_of(name: str) -> str:
    """Return the name of the request beside a limit."""
    return name.replace("limits.", "requests.", 1)


def zero_limit(finding: Finding, _namespace: str) -> Said:
    """Say that a limit of 0 is no limit."""
    name, bound = finding.resource, finding.bound
    start = f"{_where(finding)}: {name} is 0, which means no limit"
    if bound is None:
        return Said(f"{start}, and the tier bounds it", f"set {name} above 0")
    return Said(
        f"{start}, the tier allows at most {bound}", f"set {name} above 0 and to {bound} or less, or leave it out"
    )


def zero_pod_limit(finding: Finding, _namespace: str) -> Said:
    """Say that a pod-level limit of 0 is no limit, and stands for those that containers do not have."""
    name = finding.resource
    return Said(
        f"{_where(finding)}: the pod-level {name} is 0, which means no limit, and the tier bounds it",
        f"set the pod-level {name} above 0",
    )


def ratio(finding: Finding, _namespace: str) -> Said:
    """Say that limit and request are too far apart, or that one of them is missing."""
    name = finding.resource
    limit_name = name.replace("requests.", "limits.", 1)
    if not finding.actual or not finding.limit:
        missing = name if not finding.actual else limit_name
        return Said(
            f"{_where(finding)}: {missing} is not set or 0, the tier allows {limit_name} / {name} "
            f"at most {finding.bound}",
            f"set {missing}",
        )
    bound = finding.bound or ZERO
    limit, request = brief(finding.limit), brief(finding.actual)
    return Said(
        f"{_where(finding)}: {limit_name} / {name} is {limit} / {request}{_whose(finding)}, "
        f"the tier allows at most {bound}",
        f"set {name} to {_request_for(name, finding.limit, bound)} or more, "
        f"or {limit_name} to {_limit_for(name, finding.actual, bound)} or less",
    )


def _request_for(name: str, limit: Quantity, ratio: Quantity) -> str:
    """Return the smallest request that keeps the ratio under the limit."""
    return shown(Quantity(-(-limit.nano * NANO // ratio.nano)).rounded_up(unit(name)), limit, up=True)


def _limit_for(name: str, request: Quantity, ratio: Quantity) -> str:
    """Return the largest limit that keeps the ratio over the request."""
    nano = request.nano * ratio.nano // NANO
    return shown(Quantity(nano - nano % unit(name)), request, up=False)


def quota_named(label: str) -> str:
    """Return a quota as sentences name it, with whose it is where its label says so."""
    name, bracket, whose = label.partition(" (")
    return f'quota "{name}"{bracket}{whose}'


def required(finding: Finding, _namespace: str) -> Said:
    """Say that a container lacks a value that a quota counts."""
    return Said(
        f"{quota_named(finding.quota)}: {_where(finding)} has no {finding.resource}, which the quota counts",
        f"set {finding.resource}",
    )


def exceeded(finding: Finding, namespace: str) -> Said:
    """Say by how much a quota would be exceeded."""
    asked, used, hard = finding.actual or ZERO, finding.used or ZERO, finding.bound or ZERO
    scope = f" ({scope_words(finding.scopes)})" if finding.scopes else ""
    start = f"{quota_named(finding.quota)}{scope}: {finding.resource} asks {shown(asked, hard)}{_whose(finding)}"
    if not hard:
        return Said(f"{start}, and none are allowed")
    over = used + asked - hard
    ways = [_fix(finding, hard), f"free {shown(over, hard, up=True)} in {namespace}" if over <= used else ""]
    return Said(
        f"{start}, used {shown(used, hard)} of {hard}, over by {shown(over, hard)}",
        OR.join(filter(None, ways)) or f"the whole quota is {hard}",
    )


def _fix(finding: Finding, hard: Quantity) -> str:
    name = finding.resource
    amount = whole_pages(name, finding.fits or ZERO)
    if amount <= ZERO:
        return ""
    fits = shown(amount, hard, up=False)
    if name.endswith("requests.storage"):
        return f"set requests.storage to {fits} or less"
    if name.partition(".")[0] not in _CHANGEABLE and not name.startswith(HUGEPAGES):
        return ""
    if finding.lowered == "together":
        return f"lower {_with_request(finding)} of all its containers together to {fits} or less"
    return f"set {with_pod_level(finding.lowered, _with_request(finding))} to {fits} or less"


def with_pod_level(lowered: Lowered, names: str) -> str:
    """Return the names of the values to lower, with those of the pod level and of containers that may not be above."""
    match lowered:
        case "pod-level":
            return f"the pod-level {names}"
        case "pod-level and each":
            return f"the pod-level {names} and those of each container"
        case "pod-level and together":
            return f"the pod-level {names} and those of all containers together"
        case _:
            return names


def scope_words(scopes: tuple[ScopeRequirement, ...]) -> str:
    """Return which objects a quota counts: "priority class critical", "" for all."""
    return " and ".join(shortened(_one_scope(one)) for one in scopes)


def _one_scope(wanted: ScopeRequirement) -> str:
    what = _CLASSES.get(wanted.scope_name)
    if what is None:
        return _COUNTED.get(wanted.scope_name, f"scope {wanted.scope_name}")
    match wanted.operator:
        case "In":
            return f"{what} {' or '.join(wanted.values)}"
        case "NotIn":
            return f"{what} not {' or '.join(wanted.values)}"
        case "DoesNotExist":
            return f"no {what}"
        case _:
            return f"any {what}"


def pending(finding: Finding, namespace: str) -> Said:
    """Say that a quota is not in force yet, or cannot be."""
    if finding.detail:
        return Said(
            f'quota "{finding.quota}" cannot be set up in {namespace}: its ResourceQuota "{finding.detail}" is not '
            "Tiergate's",
            "ask the platform team to rename or delete it",
        )
    named = quota_named(finding.quota)
    if finding.resource:
        return Said(f"{named}: the usage of {shortened(finding.resource)} is not known yet", "try again in a moment")
    return Said(f"{named} is being set up in {namespace}", "try again in a moment")


_NOT_EMPTY: Final = "set it to the name of a tier, or remove it"


def no_tier(finding: Finding, namespace: str) -> Said:
    """Say that the label names no tier."""
    if not finding.tier:
        return Said(f'the label tiergate.io/tier of namespace "{namespace}" is empty', _NOT_EMPTY)
    return Said(
        f'the label tiergate.io/tier of namespace "{namespace}" names "{shortened(finding.tier)}", '
        "and there is no such tier",
        "create it or correct the label",
    )


def bad_tier(finding: Finding, _namespace: str) -> Said:
    """Say what is wrong with a tier: with the one that governs a pod, or with the object that is written."""
    if finding.tier:
        return Said(f"tier {shortened(f'{finding.tier}: {finding.detail}')}", "correct the tier")
    return Said(shortened(f"{finding.pointer}: {finding.detail}", MAX_FAULT))


def malformed(finding: Finding, _namespace: str) -> Said:
    """Say which value cannot be read."""
    return Said(f"{shortened(finding.pointer) or 'object'}: {shortened(finding.detail)}")


def tier_in_use(finding: Finding, _namespace: str) -> Said:
    """Say which namespaces keep a tier from being deleted."""
    names = finding.namespaces
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return Said(
        f"in use by {', '.join(names[:MAX_NAMED])}{more}",
        "move these namespaces to another tier or remove their label tiergate.io/tier first",
    )


def not_permitted(finding: Finding, namespace: str) -> Said:
    """Say which permission a change of the label requires."""
    tier = shortened(finding.tier)
    return Said(
        f'user "{shortened(finding.user)}" may not put namespace "{namespace}" into or out of tier "{tier}"',
        f'this requires the verb "assign" on tiers.tiergate.io/{tier} (ClusterRole tiergate-tier-assigner)',
    )


def protected(_finding: Finding, namespace: str) -> Said:
    """Say why a namespace cannot be governed."""
    return Said(f'namespace "{namespace}" may not join a tier: refusing its pods could lock the cluster out')


def label_names_no_tier(finding: Finding, namespace: str) -> Said:
    """Warn that the tier does not exist yet."""
    if not finding.tier:
        return Said(f"the label tiergate.io/tier is empty: pods in {namespace} are refused", _NOT_EMPTY)
    return Said(f'tier "{shortened(finding.tier)}" does not exist yet; until it does, pods in {namespace} are refused')


def label_names_bad_tier(finding: Finding, namespace: str) -> Said:
    """Warn that the tier cannot be in force."""
    tier, why = shortened(finding.tier), shortened(finding.detail)
    return Said(f'tier "{tier}" cannot be in force, pods in {namespace} are refused: {why}')


def label_not_checked(finding: Finding, namespace: str) -> Said:
    """Warn that it is not known whether the tier exists."""
    return Said(
        f'tier "{shortened(finding.tier)}" could not be read; if it does not exist, pods in {namespace} are refused'
    )
