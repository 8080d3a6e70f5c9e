"""What is said of a workload: one line each, short enough for a warning of the API server (A-54)."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.core.claim import STORAGE
from tiergate.core.decision import Fault, Finding
from tiergate.core.messages import OR, Said, quota_named, request_of, scope_words, shown, with_pod_level
from tiergate.core.native import Refusal, sentence
from tiergate.core.quantity import ZERO, Quantity
from tiergate.core.quota_bounds import Bound
from tiergate.core.resources import unit
from tiergate.core.text import shortened
from tiergate.core.workload import RECREATE, Workload, surge, unavailable
from tiergate.core.workload_findings import PER_POD, Blocked, NeverRuns, Shortage, Stall, Unwritten

_NAME_SHOWN: Final = 40


def never_runs(found: NeverRuns, why: Said) -> Said:
    """Say why no pod of the template can run."""
    if found.claim is None:
        return why._replace(fact=f"no pod of it can run: {why.fact}")
    name, fact = shortened(found.claim, _NAME_SHOWN), why.fact.removeprefix("claim: ")
    start = f'no pod of it can run, unless its claims exist already: claim template "{name}":'
    return Said(f"{start} {fact}", "" if found.fixed else why.advice)


def _whose(author: Unwritten | None) -> str:
    """Say who set values that nobody wrote."""
    if author is None:
        return ""
    whose = {"LimitRange": "a LimitRange's default", "default": "the tier's default", "tier": "set by the tier"}
    return f" ({'' if author.whole else 'partly '}{whose[author.by]})"


def native(refusal: Refusal, author: Unwritten | None) -> Said:
    """Say what a LimitRange of the namespace refuses, in LimitRanger's own words."""
    name = shortened(refusal.limit_range, _NAME_SHOWN)
    return Said(f'LimitRange "{name}" refuses {shortened(refusal.pointer)}: {sentence(refusal)}{_whose(author)}')


def not_valid(fault: Fault, *, defaulted: bool) -> Said:
    """Say what the API server refuses of the pod and not of its template, in its own words."""
    after = " once LimitRanges have set their defaults" if defaulted else ""
    why = f"the API server refuses it{after}: {shortened(fault.pointer)} {shortened(fault.reason)}"
    return Said(why, "write its requests and its limits")


def does_not_fit(finding: Finding, namespace: str) -> Said:
    """Say how many pods fit, of what there is, and what others use of that."""
    one = finding.workload
    assert isinstance(one, Shortage)  # noqa: S101  # what the rule finds
    bound, others = one.bound, one.bound.others
    used = f", {_shown(others, bound)} used by others" if others else ""
    whose = _whose(one.unwritten)
    each = f"{_shown(bound.each, bound)} for each pod{whose}"
    differ = one.kept and bound.before != bound.each
    if differ:
        stay = _shown(bound.needed(old=one.kept, new=0), bound)
        each = f"{_shown(bound.each, bound)} for each new pod{whose}, {stay} for {one.kept} old ones"
    now, unless = " now" if others else "", ", unless claims exist already" if one.of_claims else ""
    what = f"{one.fitting} of {one.pods} pods fit into {_quota(bound)}{now}{unless}: "
    what += f"{one.names} {bound.hard}{used}, {each}, over by {_shown(one.missing, bound, up=True)}"
    if others and not one.of_claims and not differ and one.missing > others:
        most = bound.hard.nano // bound.each.nano
        what += f"; even when empty, the quota holds {most} such pod{'' if most == 1 else 's'}"
    fewer = f"set {one.counted_by} to {one.passing} or less" if one.counted_by and one.passing > 0 else ""
    return Said(what, OR.join(filter(None, [fewer, *(_ways(one, namespace) if one.helps else ())])))


def _ways(one: Shortage, namespace: str) -> tuple[str, str]:
    """Return what else makes all pods fit at this bound."""
    return _lower(one), f"free {_shown(one.missing, one.bound, up=True)} in {namespace}" if one.can_be_freed else ""


def _lower(one: Shortage) -> str:
    """Return which values to lower so that all pods fit, "" where nothing sensible is left."""
    less, values = one.lower.most, one.lower.values
    names, request = one.names, request_of(one.bound.name)
    if not less:
        return ""
    if one.request > less and request not in names.split(" and "):
        names += f" and {request}"  # no request is above its limit
    amount = _shown(less, one.bound, up=False)
    if values.startswith("pod-level"):
        return f"set {with_pod_level(values, names)} to {amount}"
    together = f" (all {'claims' if one.bound.name == STORAGE else 'containers'} together)" if values else ""
    if one.unwritten is None:
        return f"lower {names} to {amount} per pod{together}"
    also = f" and {request} to {_shown(one.beside, one.bound)}" if ZERO < one.beside < less else ""
    return f"set {names} to {amount}{also} per pod{together}"  # nothing that is written can be lowered


def stalls(finding: Finding, namespace: str) -> Said:
    """Say where the rollout comes to a halt."""
    found = finding.workload
    if isinstance(found, Blocked):
        return _blocked(found, namespace)
    assert isinstance(found, Stall)  # noqa: S101  # what the rule finds
    return _stalls(found, namespace)


def _stalls(found: Stall, namespace: str) -> Said:
    """Say the arithmetic of its strategy in one line, and values that pass."""
    rolling, bound, held = found.rolling, found.bound, found.held
    old, new = rolling.tightest(bound)
    needed, left = bound.needed(old=old, new=new), max(ZERO, bound.room)
    short, pods = needed - bound.room, _pods(old, new)
    need = f"{_strategy(found.workload, rolling.pods)}{pods} need {bound.name} {_shown(needed, bound)}"
    what = f"{need}, {_quota(bound)} leaves {_shown(left, bound, up=False)} of {bound.hard}"
    if held:
        what = f"{need} with all that is used, {_quota(bound)} has {bound.hard}"
    ways = [_values(found.workload, found.passing)] if found.passing is not None else []
    if held or short <= bound.others:
        ways.append(f"free {_shown(short, bound, up=True)} in {namespace}")
    elif not any(ways) and bound.name.startswith(PER_POD):
        smallest = msgspec.structs.replace(bound, each=Quantity(unit(bound.name)))
        ways.append("" if rolling.stalls(smallest) else _less(found))  # the pods that are there may be too many
    return Said(f"its rollout will stall: {what}", OR.join(way for way in ways if way))


def _less(found: Stall) -> str:
    bound, author = found.bound, found.unwritten
    return f"set {bound.name} below {_shown(bound.each, bound)}{_whose(author)}" if author else f"lower {bound.name}"


def _blocked(found: Blocked, namespace: str) -> Said:
    """Say that no pod may go and none can come."""
    bound = found.bound
    what = (
        f"its rollout will stall, unless to a template whose pods run: none of {found.running} pods may end before a "
        f"new one is available, and that asks {bound.name} {_shown(bound.each, bound)}, "
        f"{_shown(max(ZERO, bound.room), bound, up=False)} of {bound.hard} left in {_quota(bound)}"
    )
    short = bound.each - bound.room
    ways = [_values(found.workload, found.passing)] if found.passing is not None else []
    if short <= found.foreign or not any(ways):
        ways.append(f"free {_shown(short, bound, up=True)} in {namespace}")
    return Said(what, OR.join(way for way in ways if way))


def _pods(old: int, new: int) -> str:
    return f"{old} old + {new} new pods" if old else f"{new} new pods"


def _strategy(workload: Workload, pods: int) -> str:
    rollout = workload.rollout
    if rollout is None or workload.kind == "StatefulSet" or rollout == RECREATE:
        return ""
    more = f"maxSurge {rollout.surge} is {surge(workload, pods)}"
    return f"of {pods} {more}, maxUnavailable {rollout.unavailable} is {unavailable(workload, pods)}; "


def _values(workload: Workload, passing: int) -> str:
    """Return the strategy that gets through."""
    if workload.kind == "DaemonSet" and workload.rollout is not None and workload.rollout.surge.amount:
        return f"set maxSurge to 0 and maxUnavailable to {passing}"
    return "" if workload.kind == "StatefulSet" else f"set maxUnavailable to {passing}"


def unchecked(finding: Finding, _namespace: str) -> Said:
    """Say what could not be read, or that the usage is too old to judge by."""
    if finding.detail:
        return Said(f"whether its pods fit was not checked: {finding.detail}")
    return Said("whether its pods fit the quotas was not checked: the usage in the namespace is not known")


def _shown(amount: Quantity, bound: Bound, *, up: bool | None = None) -> str:
    return shown(amount, bound.hard, up=up)


def _quota(bound: Bound) -> str:
    scope = f" ({shortened(scope_words(bound.scopes), _NAME_SHOWN)})" if bound.scopes else ""
    name, bracket, whose = bound.quota.partition(" (")
    return f"{quota_named(f'{shortened(name, _NAME_SHOWN)}{bracket}{whose}')}{scope}"
